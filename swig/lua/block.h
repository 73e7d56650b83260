/* SPDX-License-Identifier: MIT */
/* Blocks, as SharedMemory. */
#ifndef POLYSHM_SWIG_LUA_BLOCK_H
#define POLYSHM_SWIG_LUA_BLOCK_H

#include "lua/pack.h"
#include "lua/view.h"

/* ------------------------------------------------------------- metamethods */

/* b.name, b.size, and the methods. */
static int pshm_lua_block_index(lua_State *L) {
  const polyshm_block *block = pshm_lua_block(L);
  lua_settop(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNUMBER)
    return 1;
  if (lua_tointeger(L, -1) == PSHM_LUA_NAME)
    lua_pushstring(L, polyshm_block_name(block));
  else
    lua_pushinteger(L, (lua_Integer)polyshm_block_size(block));
  return 1;
}

static int pshm_lua_block_newindex(lua_State *L) {
  pshm_lua_block(L);
  return pshm_lua_refuse_field(L);
}

static int pshm_lua_block_tostring(lua_State *L) {
  swig_lua_userdata *object = pshm_lua_object(L, 1, SWIGTYPE_p_polyshm_block);
  if (object == NULL)
    return luaL_typeerror(L, 1, "SharedMemory");
  const polyshm_block *block = pshm_lua_handle_of(L, 1, object);
  if (block == NULL)
    lua_pushliteral(L, "SharedMemory (closed)");
  else if (pshm_lua_is_open(block) != POLYSHM_OK)
    lua_pushfstring(L, "SharedMemory '%s' (closed)", polyshm_block_name(block));
  else
    lua_pushfstring(
        L, "SharedMemory '%s' (%I bytes)", polyshm_block_name(block),
        (LUAI_UACINT)polyshm_block_size(block));
  return 1;
}

static int pshm_lua_block_gc(lua_State *L) {
  swig_lua_userdata *object = pshm_lua_object(L, 1, SWIGTYPE_p_polyshm_block);
  if (object != NULL) {
    polyshm_block_free(object->ptr); /* NULL if it is a list's */
    object->ptr = NULL;
    object->own = 1;
  }
  return 0;
}

/* ----------------------------------------------------------------- methods */

/* b:read(offset = 0, n = the rest) */
static int pshm_lua_block_read(lua_State *L) {
  const polyshm_block *block = pshm_lua_block(L);
  pshm_lua_memory memory = pshm_lua_map(L, block);
  uint64_t offset;
  uint64_t nbytes = pshm_lua_opt_span(L, 2, memory.size, &offset);
  /* Lua collects garbage behind the copy, not before it. */
  lua_pushlstring(L, memory.at + offset, (size_t)nbytes);
  return 1;
}

/* b:write(offset, s) */
static int pshm_lua_block_write(lua_State *L) {
  polyshm_block *block = pshm_lua_block(L);
  uint64_t offset = pshm_lua_check_count(L, 2, INT64_MAX);
  size_t size;
  const char *bytes = luaL_checklstring(L, 3, &size);
  polyshm_status status = polyshm_block_write(block, offset, bytes, size);
  if (status != POLYSHM_OK)
    return pshm_lua_fail_change(L, status);
  lua_pushboolean(L, 1);
  return 1;
}

/* b:fill(byte = 0, offset = 0, n = the rest) */
static int pshm_lua_block_fill(lua_State *L) {
  const polyshm_block *block = pshm_lua_block(L);
  pshm_lua_memory memory = pshm_lua_map_writable(L, block);
  lua_Integer byte = luaL_optinteger(L, 2, 0);
  luaL_argcheck(L, byte >= 0 && byte <= 255, 2, "a byte is from 0 to 255");
  uint64_t offset;
  uint64_t nbytes = pshm_lua_opt_span(L, 3, memory.size, &offset);
  memset(memory.at + offset, (int)byte, (size_t)nbytes);
  lua_pushboolean(L, 1);
  return 1;
}

/* b:find(s, offset = 0, n = the rest): where these bytes are first. */
static int pshm_lua_block_find(lua_State *L) {
  const polyshm_block *block = pshm_lua_block(L);
  size_t size;
  const char *wanted = luaL_checklstring(L, 2, &size);
  pshm_lua_memory memory = pshm_lua_map(L, block);
  uint64_t offset;
  uint64_t nbytes = pshm_lua_opt_span(L, 3, memory.size, &offset);
  const char *found = memmem(memory.at + offset, (size_t)nbytes, wanted, size);
  if (found == NULL) {
    lua_pushnil(L);
    lua_pushliteral(L, "the block has no such bytes there");
    lua_pushinteger(L, POLYSHM_E_NOT_FOUND);
    return 3;
  }
  lua_pushinteger(L, found - memory.at);
  return 1;
}

static const luaL_Reg pshm_lua_block_methods[] = {
    {"read", pshm_lua_block_read}, {"write", pshm_lua_block_write},
    {"pack", pshm_lua_block_pack}, {"unpack", pshm_lua_block_unpack},
    {"fill", pshm_lua_block_fill}, {"find", pshm_lua_block_find},
    {"view", pshm_lua_block_view}, {NULL, NULL}};

static const luaL_Reg pshm_lua_block_metamethods[] = {
    {"__newindex", pshm_lua_block_newindex},
    {"__eq", pshm_lua_equal},
    {"__tostring", pshm_lua_block_tostring},
    {"__gc", pshm_lua_block_gc},
    {NULL, NULL}};

#endif
