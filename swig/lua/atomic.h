/* SPDX-License-Identifier: MIT */
/* Integers of a list that several processes change: l:add and l:swap. */
#ifndef POLYSHM_SWIG_LUA_ATOMIC_H
#define POLYSHM_SWIG_LUA_ATOMIC_H

#include "lua/index.h"

/* A failure with one item, by Lua's way of counting. */
PSHM_LUA_COLD static int pshm_lua_fail_number(
    lua_State *L, uint64_t slot, polyshm_status status) {
  LUAI_UACINT item = (LUAI_UACINT)slot + 1;
  lua_pushnil(L);
  switch (status) {
  case POLYSHM_E_TYPE:
    return luaL_error(L, "item %I is no integer", item);
  case POLYSHM_E_SPACE:
    lua_pushfstring(L, "the sum does not fit item %I", item);
    break;
  case POLYSHM_E_CORRUPT:
  case POLYSHM_E_TIMEOUT:
    lua_pushfstring(L, "item %I: %s", item, polyshm_error_message());
    break;
  default:
    return pshm_lua_fail_change(L, status);
  }
  lua_pushinteger(L, status);
  return 3;
}

/* l:add(i, n = 1) */
static int pshm_lua_list_add(lua_State *L) {
  polyshm_list *list = pshm_lua_list(L);
  uint64_t slot = pshm_lua_check_index(L, 2, list);
  lua_Integer delta = luaL_optinteger(L, 3, 1);
  int64_t after;
  polyshm_status status = polyshm_list_add(list, slot, delta, &after);
  if (status != POLYSHM_OK)
    return pshm_lua_fail_number(L, slot, status);
  lua_pushinteger(L, after);
  return 1;
}

/* l:swap(i, expected, desired): whether it did, and what was there. */
static int pshm_lua_list_swap(lua_State *L) {
  polyshm_list *list = pshm_lua_list(L);
  uint64_t slot = pshm_lua_check_index(L, 2, list);
  lua_Integer expected = luaL_checkinteger(L, 3);
  lua_Integer desired = luaL_checkinteger(L, 4);
  int64_t before;
  polyshm_status status =
      polyshm_list_swap(list, slot, expected, desired, &before);
  if (status != POLYSHM_OK)
    return pshm_lua_fail_number(L, slot, status);
  lua_pushboolean(L, before == expected);
  lua_pushinteger(L, before);
  return 2;
}

#endif
