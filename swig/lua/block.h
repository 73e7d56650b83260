/* SPDX-License-Identifier: MIT */
/* Blocks, as SharedMemory. */
#ifndef POLYSHM_SWIG_LUA_BLOCK_H
#define POLYSHM_SWIG_LUA_BLOCK_H

#include "lua/value.h"

static inline polyshm_block *pshm_lua_block(lua_State *L) {
  return pshm_lua_handle(L, 1, SWIGTYPE_p_polyshm_block);
}

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

/* b:read(offset = 0, n = the rest) */
static int pshm_lua_block_read(lua_State *L) {
  polyshm_block *block = pshm_lua_block(L);
  uint64_t offset =
      lua_isnoneornil(L, 2) ? 0 : pshm_lua_check_count(L, 2, INT64_MAX);
  void *address;
  uint64_t size;
  polyshm_status status = polyshm_block_pin(block, &address, &size);
  if (status != POLYSHM_OK)
    return pshm_lua_fail(L, status);
  /* Already over, since Lua's errors would leave a pin behind. The address
   * stays good: what makes the string runs no Lua code that could close. */
  polyshm_block_unpin(block);
  luaL_argcheck(L, offset <= size, 2, "the block ends before this offset");
  uint64_t nbytes = size - offset;
  if (!lua_isnoneornil(L, 3)) {
    nbytes = pshm_lua_check_count(L, 3, INT64_MAX);
    luaL_argcheck(
        L, nbytes <= size - offset, 3, "the block has not so many bytes");
  }
  lua_pushlstring(L, (const char *)address + offset, (size_t)nbytes);
  return 1;
}

static int pshm_lua_block_tostring(lua_State *L) {
  swig_lua_userdata *object = pshm_lua_object(L, 1, SWIGTYPE_p_polyshm_block);
  if (object == NULL)
    return luaL_typeerror(L, 1, "SharedMemory");
  const polyshm_block *block = object->ptr;
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

/* A list's block is not its object's own. */
static int pshm_lua_block_gc(lua_State *L) {
  swig_lua_userdata *object = pshm_lua_object(L, 1, SWIGTYPE_p_polyshm_block);
  if (object != NULL) {
    if (object->own)
      polyshm_block_free(object->ptr);
    object->ptr = NULL;
  }
  return 0;
}

static const luaL_Reg pshm_lua_block_methods[] = {
    {"read", pshm_lua_block_read}, {NULL, NULL}};

static const luaL_Reg pshm_lua_block_metamethods[] = {
    {"__newindex", pshm_lua_block_newindex},
    {"__eq", pshm_lua_equal},
    {"__tostring", pshm_lua_block_tostring},
    {"__gc", pshm_lua_block_gc},
    {NULL, NULL}};

#endif
