/* SPDX-License-Identifier: MIT */
/*
 * Calls of Lua from native code.
 *
 * Nothing may leave through native code's frames: what a Lua function raises is
 * caught, kept on the stack of the call that it belongs to, and raised once
 * that has ended. Only what cannot raise is done outside a pcall.
 */
#ifndef POLYSHM_SWIG_LUA_CALLBACK_H
#define POLYSHM_SWIG_LUA_CALLBACK_H

#include "lua/native.h"

/* Fail with what is on top of the stack. */
PSHM_LUA_COLD static polyshm_status pshm_lua_keep_error(pshm_lua_frame *frame) {
  frame->is_raised = true;
  return POLYSHM_E_INVALID;
}

/* The same with a text, which Lua must find memory for. */
static int pshm_lua_push_text(lua_State *L) {
  lua_pushstring(L, lua_touserdata(L, 1));
  return 1;
}

PSHM_LUA_COLD static polyshm_status pshm_lua_keep_text(
    pshm_lua_frame *frame, const char *text) {
  lua_pushcfunction(frame->L, pshm_lua_push_text);
  lua_pushlightuserdata(frame->L, (void *)text);
  lua_pcall(frame->L, 1, 1, 0); /* or an error for want of memory */
  return pshm_lua_keep_error(frame);
}

/* Push the arguments and call the function below them. */
static int pshm_lua_call_with(lua_State *L) {
  const polyshm_value *values = lua_touserdata(L, 2);
  int nvalues = (int)lua_tointeger(L, 3);
  lua_settop(L, 1);
  luaL_checkstack(L, nvalues, NULL);
  for (int i = 0; i < nvalues; i++)
    pshm_lua_push_native(L, &values[i]);
  lua_call(L, nvalues, 1);
  return 1;
}

/* Only strings need memory. */
static inline int pshm_lua_pcall_with(
    lua_State *L, const polyshm_value *values, uint64_t nvalues) {
  for (uint64_t i = 0; i < nvalues; i++) {
    if (values[i].type == POLYSHM_STRING) {
      lua_settop(L, lua_gettop(L) - (int)i);
      lua_pushcfunction(L, pshm_lua_call_with);
      lua_insert(L, -2);
      lua_pushlightuserdata(L, (void *)values);
      lua_pushinteger(L, (lua_Integer)nvalues);
      return lua_pcall(L, 3, 1, 0);
    }
    pshm_lua_push_native(L, &values[i]);
  }
  return lua_pcall(L, (int)nvalues, 1, 0);
}

/* Take the answer on top of the stack. */
static inline bool pshm_lua_take_answer(lua_State *L, polyshm_value *answer) {
  switch (answer->type) {
  case POLYSHM_INT:
  case POLYSHM_UINT:
  case POLYSHM_FLOAT:
    return pshm_lua_to_number(L, -1, answer->type, answer);
  case POLYSHM_POINTER:
    if (lua_isnil(L, -1))
      answer->type = POLYSHM_NONE;
    else
      answer->of.p = lua_touserdata(L, -1);
    return lua_isnil(L, -1) || lua_islightuserdata(L, -1);
  default: /* of void, it is ignored */
    return true;
  }
}

/* The answer on top of the stack is none. */
PSHM_LUA_COLD static polyshm_status pshm_lua_refuse_answer(
    pshm_lua_frame *frame, int32_t type) {
  const char *wanted = type == POLYSHM_POINTER ? "pointer"
                       : type == POLYSHM_FLOAT ? "number"
                                               : "integer";
  char text[80];
  if (type != POLYSHM_POINTER && lua_type(frame->L, -1) == LUA_TNUMBER)
    snprintf(
        text, sizeof text,
        "a callback's answer: number has no integer representation");
  else
    snprintf(
        text, sizeof text, "a callback's answer: %s expected, got %s", wanted,
        luaL_typename(frame->L, -1));
  lua_settop(frame->L, -2);
  return pshm_lua_keep_text(frame, text);
}

/* Call the function on top of the stack, and take it away. */
static inline polyshm_status pshm_lua_call_back(
    pshm_lua_frame *frame, const polyshm_value *values, uint64_t nvalues,
    polyshm_value *out_value) {
  lua_State *L = frame->L;
  frame->is_running = true;
  int failure = pshm_lua_pcall_with(L, values, nvalues);
  frame->is_running = false;
  if (failure != LUA_OK)
    return pshm_lua_keep_error(frame);
  if (!pshm_lua_take_answer(L, out_value))
    return pshm_lua_refuse_answer(frame, out_value->type);
  lua_settop(L, -2);
  return POLYSHM_OK;
}

enum { PSHM_LUA_CALL_ROOM = 24 }; /* on the stack, for the most there can be */

/* What a callback runs may call native code by other ways than ours. If that
 * calls back, the stack is not the call's, and it may not be the coroutine that
 * runs. */
static inline polyshm_status pshm_lua_may_run(const pshm_lua_frame *frame) {
  if (frame->is_running)
    return POLYSHM_E_UNSUPPORTED;
  return lua_checkstack(frame->L, PSHM_LUA_CALL_ROOM) ? POLYSHM_OK
                                                      : POLYSHM_E_MEMORY;
}

/* An argument of the call that is being made. */
static polyshm_status pshm_lua_run_argument(
    uint64_t parameter, const polyshm_value *values, uint64_t nvalues,
    polyshm_value *out_value, void *userdata) {
  pshm_lua_frame *frame = userdata;
  polyshm_status status = pshm_lua_may_run(frame);
  if (status != POLYSHM_OK)
    return status;
  lua_pushvalue(frame->L, (int)parameter + 1);
  return pshm_lua_call_back(frame, values, nvalues, out_value);
}

/* Push the function of a callback, or nothing if it was collected. */
static bool pshm_lua_push_callback(
    lua_State *L, const pshm_lua_callback *callback) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, callback->table);
  if (lua_rawgeti(L, -1, callback->place) == LUA_TFUNCTION) {
    lua_replace(L, -2);
    return true;
  }
  lua_settop(L, -3);
  return false;
}

/* Native code that goes on calling after the function was collected gets
 * nothing. Most often one callback is called again and again: the first that a
 * call runs stays on its stack. */
static polyshm_status pshm_lua_run_callback(
    uint64_t parameter, const polyshm_value *values, uint64_t nvalues,
    polyshm_value *out_value, void *userdata) {
  (void)parameter;
  pshm_lua_callback *callback = userdata;
  void *call;
  if (polyshm_function_userdata(pshm_lua_run_argument, &call) != POLYSHM_OK)
    return POLYSHM_E_UNSUPPORTED; /* it is another language's */
  pshm_lua_frame *frame = call;
  lua_State *L = frame->L;
  polyshm_status status = pshm_lua_may_run(frame);
  if (status != POLYSHM_OK)
    return status;
  if (frame->place == callback->place && frame->state == callback->state) {
    lua_pushvalue(L, frame->at);
  } else {
    if (callback->state != lua_topointer(L, LUA_REGISTRYINDEX))
      return pshm_lua_keep_text(frame, "the callback is another Lua state's");
    if (!pshm_lua_push_callback(L, callback))
      return POLYSHM_OK; /* zero */
    if (frame->state == NULL) {
      frame->state = callback->state;
      frame->place = callback->place;
      frame->at = lua_gettop(L);
      lua_pushvalue(L, -1);
    }
  }
  return pshm_lua_call_back(frame, values, nvalues, out_value);
}

/* ---------------------------------------------------------------- the class */

static pshm_lua_callback *pshm_lua_check_callback(lua_State *L) {
  pshm_lua_callback *callback = pshm_lua_to_callback(L, 1);
  if (callback == NULL)
    luaL_typeerror(L, 1, "callback");
  return callback;
}

/* cb:free(), also at the end of a <close> variable and when it is collected. */
static int pshm_lua_callback_free(lua_State *L) {
  pshm_lua_callback *callback = pshm_lua_check_callback(L);
  if (callback->callback == NULL)
    return 0;
  polyshm_callback_free(callback->callback);
  callback->callback = NULL;
  lua_rawgeti(L, LUA_REGISTRYINDEX, callback->table);
  lua_pushnil(L);
  lua_rawseti(L, -2, callback->place);
  return 0;
}

/* cb:address() */
static int pshm_lua_callback_address(lua_State *L) {
  pshm_lua_callback *callback = pshm_lua_check_callback(L);
  void *address;
  if (polyshm_callback_address(callback->callback, &address) != POLYSHM_OK)
    return luaL_error(L, "the callback has been freed");
  lua_pushlightuserdata(L, address);
  return 1;
}

PSHM_LUA_COLD static void pshm_lua_callback_class(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"free", pshm_lua_callback_free},
      {"address", pshm_lua_callback_address},
      {NULL, NULL}};
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, pshm_lua_callback_free);
  lua_setfield(L, -2, "__gc");
  lua_pushcfunction(L, pshm_lua_callback_free);
  lua_setfield(L, -2, "__close");
  lua_pushliteral(L, "callback");
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "__name");
  lua_setfield(L, -2, "__metatable");
}

/* The functions of callbacks are in a table that does not keep them: their
 * userdata do. Otherwise a function that refers to its callback would stay for
 * ever. The function is at 2. */
static void pshm_lua_remember(lua_State *L, pshm_lua_callback *callback) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, pshm_lua_callback_tag) != LUA_TNUMBER) {
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "v");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_pushinteger(L, luaL_ref(L, LUA_REGISTRYINDEX));
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, pshm_lua_callback_tag);
    lua_replace(L, -2);
  }
  callback->table = (int)lua_tointeger(L, -1);
  lua_pop(L, 1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, callback->table);
  lua_rawgeti(L, -1, 0); /* counts them; no number comes twice */
  callback->place = lua_tointeger(L, -1) + 1;
  lua_pushinteger(L, callback->place);
  lua_rawseti(L, -3, 0);
  lua_pushvalue(L, 2);
  lua_rawseti(L, -3, callback->place);
  lua_pop(L, 2);
}

/* native_callback(signature, function) */
static int pshm_lua_native_callback(lua_State *L) {
  const char *signature = luaL_checkstring(L, 1);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  pshm_lua_callback *callback = lua_newuserdatauv(L, sizeof *callback, 1);
  callback->tag = pshm_lua_callback_tag;
  callback->state = lua_topointer(L, LUA_REGISTRYINDEX);
  callback->callback = NULL;
  callback->table = LUA_NOREF;
  if (luaL_newmetatable(L, pshm_lua_callback_tag))
    pshm_lua_callback_class(L);
  lua_setmetatable(L, -2);
  lua_pushvalue(L, 2);
  lua_setiuservalue(L, -2, 1);
  pshm_lua_remember(L, callback);
  polyshm_status status = polyshm_callback_open(
      signature, pshm_lua_run_callback, callback, NULL, &callback->callback);
  return status == POLYSHM_OK ? 1 : pshm_lua_raise(L);
}

#endif
