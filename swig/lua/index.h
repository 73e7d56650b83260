/* SPDX-License-Identifier: MIT */
/* Indices, between Lua and lists. Lua counts items from 1, and back from the
 * last with -1; the header counts slots from 0. */
#ifndef POLYSHM_SWIG_LUA_INDEX_H
#define POLYSHM_SWIG_LUA_INDEX_H

#include "lua/value.h"

static inline polyshm_list *pshm_lua_list(lua_State *L) {
  return pshm_lua_handle(L, 1, SWIGTYPE_p_polyshm_list);
}

/* The slot of an index. What is outside the list is so as a slot, too. */
static inline uint64_t pshm_lua_slot(
    const polyshm_list *list, lua_Integer index) {
  if (index < 0)
    index += (lua_Integer)polyshm_list_length(list) + 1;
  return (uint64_t)index - 1;
}

static uint64_t pshm_lua_check_index(
    lua_State *L, int arg, const polyshm_list *list) {
  uint64_t slot = pshm_lua_slot(list, luaL_checkinteger(L, arg));
  luaL_argcheck(L, slot < polyshm_list_length(list), arg, "index out of range");
  return slot;
}

/* The arguments i = 1, j = -1 for `length` items, which count as string.sub's
 * do: the number of items, and how many are before the first. */
static lua_Integer pshm_lua_check_range(
    lua_State *L, int arg, lua_Integer length, uint64_t *out_before) {
  lua_Integer first = luaL_optinteger(L, arg, 1);
  lua_Integer last = luaL_optinteger(L, arg + 1, -1);
  if (first < 0)
    first += length + 1;
  if (first < 1)
    first = 1;
  if (last < 0)
    last += length + 1;
  if (last > length)
    last = length;
  *out_before = last < first ? 0 : (uint64_t)first - 1;
  return last < first ? 0 : last - first + 1;
}

/* The same of an open list. */
static lua_Integer pshm_lua_check_slots(
    lua_State *L, int arg, const polyshm_list *list, uint64_t *out_slot) {
  lua_Integer count = pshm_lua_check_range(
      L, arg, (lua_Integer)polyshm_list_length(list), out_slot);
  if (pshm_lua_is_open(polyshm_list_block(list)) != POLYSHM_OK)
    pshm_lua_raise(L);
  return count;
}

/* A new table with room for this many items, on top of the stack. */
static void pshm_lua_new_items(lua_State *L, lua_Integer count) {
  lua_createtable(L, count < INT_MAX ? (int)count : INT_MAX, 0);
}

/* Give the table on top of the stack its field n. */
static void pshm_lua_set_count(lua_State *L, lua_Integer count) {
  lua_pushinteger(L, count);
  lua_setfield(L, -2, "n");
}

#endif
