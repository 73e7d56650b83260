/* SPDX-License-Identifier: MIT */
/*
 * Values, between Lua and lists.
 *
 * A Lua string is stored as str if it is UTF-8 and else as bytes. A string that
 * is marked, by str() or bytes(), is a userdata that keeps it.
 */
#ifndef POLYSHM_SWIG_LUA_VALUE_H
#define POLYSHM_SWIG_LUA_VALUE_H

#include "lua/object.h"

_Static_assert(sizeof(lua_Integer) == 8, "Lua's integers have 64 bits");
_Static_assert(sizeof(lua_Number) == 8, "Lua's floats are doubles");

/* ------------------------------------------------------------------- marks */

typedef struct pshm_lua_mark {
  const void *tag;
  int32_t type;
} pshm_lua_mark;

static const char pshm_lua_mark_tag[] = "polyshm.mark";

/* The string that a marked one keeps, on top of the stack. */
static int pshm_lua_unmark(lua_State *L) {
  if (pshm_lua_tagged(L, 1, pshm_lua_mark_tag, sizeof(pshm_lua_mark)) == NULL)
    return luaL_typeerror(L, 1, "marked string");
  lua_getiuservalue(L, 1, 1);
  return 1;
}

static int pshm_lua_mark_string(lua_State *L, int32_t type) {
  luaL_checktype(L, 1, LUA_TSTRING);
  pshm_lua_mark *mark = lua_newuserdatauv(L, sizeof *mark, 1);
  mark->tag = pshm_lua_mark_tag;
  mark->type = type;
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  if (luaL_newmetatable(L, pshm_lua_mark_tag)) {
    lua_pushcfunction(L, pshm_lua_unmark);
    lua_setfield(L, -2, "__tostring");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
  }
  lua_setmetatable(L, -2);
  return 1;
}

static int pshm_lua_str(lua_State *L) {
  return pshm_lua_mark_string(L, POLYSHM_STRING);
}

static int pshm_lua_bytes(lua_State *L) {
  return pshm_lua_mark_string(L, POLYSHM_BYTES);
}

PSHM_LUA_COLD static bool pshm_lua_from_mark(
    lua_State *L, int arg, polyshm_value *value) {
  const pshm_lua_mark *mark =
      pshm_lua_tagged(L, arg, pshm_lua_mark_tag, sizeof *mark);
  if (mark == NULL || lua_getiuservalue(L, arg, 1) != LUA_TSTRING)
    return false;
  size_t size;
  value->type = mark->type;
  value->of.p = lua_tolstring(L, -1, &size);
  value->size = size;
  lua_pop(L, 1);
  return true;
}

/* ------------------------------------------------------------------ values */

/* False if no list can hold what is at `arg`. The value's bytes are the
 * string's own. */
static inline bool pshm_lua_to_value(
    lua_State *L, int arg, polyshm_value *value) {
  value->reserved = 0;
  value->size = 0;
  switch (lua_type(L, arg)) {
  case LUA_TNIL:
    value->type = POLYSHM_NONE;
    value->of.i = 0;
    return true;
  case LUA_TBOOLEAN:
    value->type = POLYSHM_BOOL;
    value->of.i = lua_toboolean(L, arg);
    return true;
  case LUA_TNUMBER:
    if (lua_isinteger(L, arg)) {
      value->type = POLYSHM_INT;
      value->of.i = lua_tointeger(L, arg);
    } else {
      value->type = POLYSHM_FLOAT;
      value->of.f = lua_tonumber(L, arg);
    }
    return true;
  case LUA_TSTRING: {
    size_t size;
    value->type = POLYSHM_TEXT;
    value->of.p = lua_tolstring(L, arg, &size);
    value->size = size;
    return true;
  }
  default:
    return pshm_lua_from_mark(L, arg, value);
  }
}

static inline void pshm_lua_push(lua_State *L, const polyshm_value *value) {
  switch (value->type) {
  case POLYSHM_BOOL:
    lua_pushboolean(L, value->of.i != 0);
    break;
  case POLYSHM_INT:
    lua_pushinteger(L, value->of.i);
    break;
  case POLYSHM_FLOAT:
    lua_pushnumber(L, value->of.f);
    break;
  case POLYSHM_STRING:
  case POLYSHM_BYTES:
    lua_pushlstring(L, value->of.p, (size_t)value->size);
    break;
  default:
    lua_pushnil(L);
    break;
  }
}

/* --------------------------------------------------------------- arguments */

static const char *pshm_lua_check_name(lua_State *L, int arg) {
  size_t size;
  if (lua_isnoneornil(L, arg))
    return NULL;
  const char *name = luaL_checklstring(L, arg, &size);
  if (strlen(name) != size)
    luaL_error(L, "a block's name has no zero bytes");
  return name;
}

static uint64_t pshm_lua_check_count(lua_State *L, int arg, uint64_t most) {
  lua_Integer count = luaL_checkinteger(L, arg);
  luaL_argcheck(
      L, count >= 0 && (uint64_t)count <= most, arg, "number out of range");
  return (uint64_t)count;
}

/* A field of the options table at `arg`; 0 if it is not there. */
static uint64_t pshm_lua_check_option(
    lua_State *L, int arg, const char *key, uint64_t most) {
  luaL_checktype(L, arg, LUA_TTABLE);
  lua_pushstring(L, key);
  uint64_t option = 0;
  if (lua_rawget(L, arg) != LUA_TNIL) {
    lua_Integer integer = lua_tointeger(L, -1);
    luaL_argcheck(
        L, lua_isinteger(L, -1) && integer >= 0 && (uint64_t)integer <= most,
        arg, key);
    option = (uint64_t)integer;
  }
  lua_pop(L, 1);
  return option;
}

#endif
