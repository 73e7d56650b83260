/* SPDX-License-Identifier: MIT */
/* Native functions: bound, and called. */
#ifndef POLYSHM_SWIG_LUA_FUNCTION_H
#define POLYSHM_SWIG_LUA_FUNCTION_H

#include "lua/callback.h"

/* The function did not come to its end, or was not called. Who waits for the
 * guard in vain may try again, and all else is an error. */
PSHM_LUA_COLD static int pshm_lua_fail_native(
    lua_State *L, polyshm_status status, const pshm_lua_frame *frame) {
  if (frame->is_raised)
    return lua_error(L);
  switch (status) {
  case POLYSHM_E_TIMEOUT:
  case POLYSHM_E_BUSY:
  case POLYSHM_E_INTERRUPTED:
    return pshm_lua_sleep_fail(L, status);
  default:
    return pshm_lua_raise(L);
  }
}

/* The call of a guarded function, whose list is what its userdata keeps. */
PSHM_LUA_COLD static polyshm_status pshm_lua_native_guarded(
    lua_State *L, const pshm_lua_native *native, const polyshm_value *values,
    pshm_lua_frame *frame, polyshm_value *out_value) {
  lua_getiuservalue(L, lua_upvalueindex(1), 1);
  const swig_lua_userdata *list =
      pshm_lua_object(L, -1, SWIGTYPE_p_polyshm_list);
  lua_pop(L, 1);
  if (list == NULL || list->ptr == NULL) {
    pshm_lua_keep_text(frame, "the ShareableList has been closed");
    return POLYSHM_E_CLOSED;
  }
  pshm_lua_sleep sleep = pshm_lua_sleep_begin(L, native->timeout);
  polyshm_status status;
  do {
    status = polyshm_function_guard(
        native->function, list->ptr, pshm_lua_sleep_slice(&sleep));
    if (status == POLYSHM_OK)
      status = polyshm_function_call(
          native->function, values, (uint64_t)native->count,
          pshm_lua_run_argument, frame, out_value);
  } while (!frame->is_raised && pshm_lua_sleep_on(L, &sleep, &status));
  return status;
}

/* The closure. Upvalue 1 is the function's userdata. */
static int pshm_lua_native_run(lua_State *L) {
  const pshm_lua_native *native = pshm_lua_tagged(
      L, lua_upvalueindex(1), pshm_lua_native_tag, sizeof *native);
  if (native == NULL || native->function == NULL)
    return luaL_error(L, "the native function has been freed");
  int count = native->count;
  if (lua_gettop(L) != count)
    return luaL_error(
        L, "the native function takes %d argument%s, not %d", count,
        count == 1 ? "" : "s", lua_gettop(L));

  polyshm_value values[PSHM_LUA_NATIVE_MOST], result;
  polyshm_view views[PSHM_LUA_NATIVE_MOST];
  for (int i = 0; i < count; i++)
    pshm_lua_take_argument(L, i + 1, native->types[i], &values[i], &views[i]);

  pshm_lua_frame frame = {.L = L};
  polyshm_status status =
      native->is_guarded
          ? pshm_lua_native_guarded(L, native, values, &frame, &result)
          : polyshm_function_call(
                native->function, values, (uint64_t)count,
                pshm_lua_run_argument, &frame, &result);
  if (status != POLYSHM_OK)
    return pshm_lua_fail_native(L, status, &frame);
  pshm_lua_push_native(L, &result);
  return 1;
}

static int pshm_lua_native_gc(lua_State *L) {
  pshm_lua_native *native =
      pshm_lua_tagged(L, 1, pshm_lua_native_tag, sizeof *native);
  if (native != NULL) {
    polyshm_function_free(native->function);
    native->function = NULL;
  }
  return 0;
}

/* Push a userdata that has no function yet. It keeps its guard, a list. */
static pshm_lua_native *pshm_lua_new_native(lua_State *L, int list) {
  pshm_lua_native *native = lua_newuserdatauv(L, sizeof *native, 1);
  native->tag = pshm_lua_native_tag;
  native->function = NULL;
  if (luaL_newmetatable(L, pshm_lua_native_tag)) {
    lua_pushcfunction(L, pshm_lua_native_gc);
    lua_setfield(L, -2, "__gc");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
  }
  lua_setmetatable(L, -2);
  lua_pushvalue(L, list);
  lua_setiuservalue(L, -2, 1);
  return native;
}

/* native_bind(path or address, symbol, signature, list, timeout): a function */
static int pshm_lua_native_bind(lua_State *L) {
  lua_settop(L, 5);
  if (lua_type(L, 1) == LUA_TUSERDATA)
    return luaL_error(L, "an address is light userdata, not a full one");
  const char *path =
      lua_type(L, 1) == LUA_TLIGHTUSERDATA ? NULL : luaL_optstring(L, 1, NULL);
  const char *symbol = luaL_optstring(L, 2, NULL);
  const char *signature = luaL_checkstring(L, 3);
  bool is_guarded = !lua_isnil(L, 4);
  if (is_guarded)
    pshm_lua_handle(L, 4, SWIGTYPE_p_polyshm_list);
  int64_t timeout = pshm_lua_opt_timeout(L, 5);

  pshm_lua_native *native = pshm_lua_new_native(L, 4);
  native->is_guarded = is_guarded;
  native->timeout = timeout;
  polyshm_status status =
      lua_type(L, 1) == LUA_TLIGHTUSERDATA
          ? polyshm_function_at(
                lua_touserdata(L, 1), signature, &native->function)
          : polyshm_function_open(path, symbol, signature, &native->function);
  if (status != POLYSHM_OK)
    return pshm_lua_raise(L);
  native->count = (int)polyshm_function_length(native->function);
  for (int i = 0; i < native->count; i++) {
    uint32_t type = 0;
    polyshm_function_parameter(native->function, (uint64_t)i, &type);
    native->types[i] = (uint8_t)type;
  }
  lua_pushcclosure(L, pshm_lua_native_run, 1);
  return 1;
}

/* native_find(path, symbol): an address */
static int pshm_lua_native_find(lua_State *L) {
  const char *path = luaL_optstring(L, 1, NULL);
  const char *symbol = luaL_optstring(L, 2, NULL);
  void *address;
  if (polyshm_function_find(path, symbol, &address) != POLYSHM_OK)
    return pshm_lua_raise(L);
  lua_pushlightuserdata(L, address);
  return 1;
}

static int pshm_lua_native_errno(lua_State *L) {
  lua_pushinteger(L, polyshm_function_errno());
  return 1;
}

#endif
