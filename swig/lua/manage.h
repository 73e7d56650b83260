/* SPDX-License-Identifier: MIT */
/* Blocks seen from outside: what there is, and who has it. */
#ifndef POLYSHM_SWIG_LUA_MANAGE_H
#define POLYSHM_SWIG_LUA_MANAGE_H

#include "lua/value.h"

/* -------------------------------------------------------------------- info */

static void pshm_lua_set_number(
    lua_State *L, const char *key, uint64_t number) {
  lua_pushinteger(L, (lua_Integer)number);
  lua_setfield(L, -2, key);
}

static void pshm_lua_set_flag(lua_State *L, const char *key, bool flag) {
  lua_pushboolean(L, flag);
  lua_setfield(L, -2, key);
}

/* A table; what is not known is not in it. */
static void pshm_lua_push_info(lua_State *L, const polyshm_info *info) {
  bool is_list = info->kind == POLYSHM_KIND_LIST;
  lua_createtable(L, 0, 11);
  lua_pushstring(L, info->name);
  lua_setfield(L, -2, "name");
  lua_pushstring(L, is_list ? "list" : "block");
  lua_setfield(L, -2, "kind");
  pshm_lua_set_number(L, "size", info->size);
  if (is_list)
    pshm_lua_set_number(L, "length", info->length);
  pshm_lua_set_number(L, "mode", info->mode);
  pshm_lua_set_number(L, "uid", info->uid);
  if (info->created_at != 0) {
    lua_pushnumber(L, (lua_Number)info->created_at / 1e9);
    lua_setfield(L, -2, "created");
  }
  pshm_lua_set_flag(L, "tracked", info->state & POLYSHM_STATE_TRACKED);
  if (!(info->state & POLYSHM_STATE_UNKNOWN))
    pshm_lua_set_flag(L, "held", info->state & POLYSHM_STATE_HELD);
  pshm_lua_set_flag(L, "kept", info->state & POLYSHM_STATE_TREE);
  pshm_lua_set_flag(L, "orphan", info->state & POLYSHM_STATE_ORPHAN);
}

static const char *pshm_lua_need_name(lua_State *L) {
  luaL_checkstring(L, 1);
  return pshm_lua_check_name(L, 1);
}

/* inspect(name) */
static int pshm_lua_inspect(lua_State *L) {
  polyshm_info info = {.struct_size = sizeof info};
  polyshm_status status = polyshm_inspect(pshm_lua_need_name(L), &info);
  if (status != POLYSHM_OK)
    return pshm_lua_fail(L, status);
  pshm_lua_push_info(L, &info);
  return 1;
}

/* -------------------------------------------------------------------- scan */

static const char pshm_lua_scan_tag[] = "polyshm.scan";

typedef struct pshm_lua_scan {
  const void *tag;
  polyshm_scan *scan;
} pshm_lua_scan;

static int pshm_lua_scan_end(lua_State *L) {
  pshm_lua_scan *walk = pshm_lua_tagged(L, 1, pshm_lua_scan_tag, sizeof *walk);
  if (walk != NULL) {
    polyshm_scan_free(walk->scan);
    walk->scan = NULL;
  }
  return 0;
}

/* An error in the middle of a walk can only be thrown: nil would end it. */
static int pshm_lua_scan_next(lua_State *L) {
  pshm_lua_scan *walk = lua_touserdata(L, lua_upvalueindex(1));
  polyshm_info info = {.struct_size = sizeof info};
  if (walk->scan == NULL)
    return 0;
  polyshm_status status = polyshm_scan_next(walk->scan, &info);
  if (status == POLYSHM_OK)
    pshm_lua_push_info(L, &info);
  else if (status == POLYSHM_E_END)
    lua_pushnil(L);
  else
    return pshm_lua_raise(L);
  return 1;
}

/* for info in blocks() do; leaving the loop frees what the walk needed. */
static int pshm_lua_blocks(lua_State *L) {
  pshm_lua_scan *walk = lua_newuserdatauv(L, sizeof *walk, 0);
  walk->tag = pshm_lua_scan_tag;
  walk->scan = NULL;
  if (luaL_newmetatable(L, pshm_lua_scan_tag)) {
    lua_pushcfunction(L, pshm_lua_scan_end);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "__gc");
    lua_setfield(L, -2, "__close");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
  }
  lua_setmetatable(L, -2);
  polyshm_status status = polyshm_scan_open(&walk->scan);
  if (status != POLYSHM_OK)
    return pshm_lua_fail(L, status);
  lua_pushvalue(L, -1);
  lua_pushcclosure(L, pshm_lua_scan_next, 1);
  lua_pushnil(L);
  lua_pushnil(L);
  lua_pushvalue(L, -4);
  return 4;
}

/* ----------------------------------------------------------------- holders */

/* holders(name) */
static int pshm_lua_holders(lua_State *L) {
  const char *name = pshm_lua_need_name(L);
  uint64_t capacity = 32, count = 0;
  uint64_t *ids;
  do { /* Lua's memory, so that an error cannot lose it */
    capacity = 2 * (count > capacity ? count : capacity);
    lua_settop(L, 1);
    ids = lua_newuserdatauv(L, (size_t)capacity * sizeof *ids, 0);
    polyshm_status status = polyshm_holders(name, ids, capacity, &count);
    if (status != POLYSHM_OK)
      return pshm_lua_fail(L, status);
  } while (count > capacity);
  lua_createtable(L, (int)count, 0);
  for (uint64_t i = 0; i < count; i++) {
    lua_pushinteger(L, (lua_Integer)ids[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}

#endif
