/* SPDX-License-Identifier: MIT */
/* Clients of managers. What users see is a table around these, in managers.lua.
 */
#ifndef POLYSHM_SWIG_LUA_MANAGER_H
#define POLYSHM_SWIG_LUA_MANAGER_H

#include "lua/list.h"

#include <unistd.h>

static swig_lua_userdata *pshm_lua_manager_object(lua_State *L) {
  return pshm_lua_object(L, 1, SWIGTYPE_p_polyshm_manager);
}

static polyshm_manager *pshm_lua_manager_handle(lua_State *L) {
  return pshm_lua_handle(L, 1, SWIGTYPE_p_polyshm_manager);
}

/* manager(start, address, authkey, timeout, flags): start one, or connect. */
static int pshm_lua_manager(lua_State *L) {
  bool start = lua_toboolean(L, 1);
  const char *address = luaL_optstring(L, 2, NULL);
  size_t size = 0;
  const char *authkey = luaL_optlstring(L, 3, NULL, &size);
  polyshm_manager_options options = {
      .struct_size = sizeof options,
      .timeout = lua_isnoneornil(L, 4) ? 0 : pshm_lua_opt_timeout(L, 4),
      .flags = (uint32_t)pshm_lua_check_count(L, 5, UINT32_MAX)};
  if (address != NULL && strlen(address) != lua_rawlen(L, 2))
    return luaL_argerror(L, 2, "an address has no zero byte");
  pshm_lua_new(L, SWIGTYPE_p_polyshm_manager);
  lua_pushinteger(L, getpid());
  lua_setiuservalue(L, -2, 1);
  polyshm_manager *manager;
  polyshm_status status =
      (start ? polyshm_manager_start : polyshm_manager_connect)(
          address, authkey, size, &options, &manager);
  if (status != POLYSHM_OK)
    return pshm_lua_fail(L, status);
  pshm_lua_own(L, manager);
  return 1;
}

/* m:is_ours(): this very process started the manager, and not a fork's parent.
 */
static int pshm_lua_manager_is_ours(lua_State *L) {
  const polyshm_manager *manager = pshm_lua_manager_handle(L);
  lua_getiuservalue(L, 1, 1);
  lua_pushboolean(
      L, polyshm_manager_pid(manager) != 0 && lua_tointeger(L, -1) == getpid());
  return 1;
}

static void pshm_lua_push_names(
    lua_State *L, const char *names, uint64_t size) {
  lua_newtable(L);
  lua_Integer count = 0;
  for (uint64_t at = 0; at < size; at += strlen(names + at) + 1) {
    lua_pushstring(L, names + at);
    lua_rawseti(L, -2, ++count);
  }
}

/* m:segments() */
static int pshm_lua_manager_segments(lua_State *L) {
  polyshm_manager *manager = pshm_lua_manager_handle(L);
  uint64_t size = 4096, capacity;
  char *names;
  do { /* Lua's memory, so that an error cannot lose it */
    capacity = 2 * size;
    lua_settop(L, 1);
    names = lua_newuserdatauv(L, (size_t)capacity, 0);
    polyshm_status status =
        polyshm_manager_segments(manager, names, capacity, &size);
    if (status != POLYSHM_OK)
      return pshm_lua_fail(L, status);
  } while (size > capacity); /* others may add to them meanwhile */
  pshm_lua_push_names(L, names, size);
  return 1;
}

/* m:authkey() */
static int pshm_lua_manager_authkey(lua_State *L) {
  char key[4096];
  uint64_t size;
  polyshm_status status = polyshm_manager_authkey(
      pshm_lua_manager_handle(L), key, sizeof key, &size);
  if (status != POLYSHM_OK)
    return pshm_lua_fail(L, status);
  lua_pushlstring(L, key, (size_t)size);
  return 1;
}

static int pshm_lua_manager_gc(lua_State *L) {
  swig_lua_userdata *object = pshm_lua_manager_object(L);
  if (object != NULL) {
    polyshm_manager_free(object->ptr);
    object->ptr = NULL;
  }
  return 0;
}

static const luaL_Reg pshm_lua_manager_methods[] = {
    {"segments", pshm_lua_manager_segments},
    {"authkey", pshm_lua_manager_authkey},
    {"is_ours", pshm_lua_manager_is_ours},
    {NULL, NULL}};

/* Make SWIG's class ours. The module is on top of the stack. */
static void pshm_lua_ready_manager(lua_State *L, swig_type_info *class) {
  const swig_lua_class *swig = class->clientdata;
  lua_pushstring(L, swig->cls_static->name);
  lua_pushnil(L);
  lua_rawset(L, -3);
  SWIG_Lua_get_class_metatable(L, swig->fqname);
  lua_pushcfunction(L, pshm_lua_manager_gc);
  lua_setfield(L, -2, "__gc");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_getfield(L, -1, ".fn");
  luaL_setfuncs(L, pshm_lua_manager_methods, 0);
  lua_pushnil(L);
  lua_setfield(L, -2, "__disown");
  lua_pop(L, 2);
}

#endif
