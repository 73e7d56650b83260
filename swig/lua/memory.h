/* SPDX-License-Identifier: MIT */
/*
 * The bytes of blocks: where they are, and which of them a call means.
 *
 * Others write to them at any time, and no lock of ours would keep them from
 * it. So nothing here takes an address, a length or an index from them without
 * copying it first and checking the copy; whatever a load that races with a
 * store yields is just a number, and no such number decides where the next load
 * goes. That is all that is promised, and it lets the compiler use plain loads
 * and vectors.
 */
#ifndef POLYSHM_SWIG_LUA_MEMORY_H
#define POLYSHM_SWIG_LUA_MEMORY_H

#include "lua/value.h"

typedef struct pshm_lua_memory {
  char *at;
  uint64_t size;
} pshm_lua_memory;

static inline polyshm_block *pshm_lua_block(lua_State *L) {
  return pshm_lua_handle(L, 1, SWIGTYPE_p_polyshm_block);
}

/* Where a block's bytes are, until it is closed. Finalizers may do that, and
 * Lua runs them whenever it allocates: ask after the last allocation. */
static inline pshm_lua_memory pshm_lua_map(
    lua_State *L, const polyshm_block *block) {
  void *address;
  pshm_lua_memory memory = {0};
  if (polyshm_block_address(block, &address, &memory.size) != POLYSHM_OK)
    pshm_lua_raise(L);
  memory.at = address;
  return memory;
}

PSHM_LUA_COLD static int pshm_lua_refuse_writing(
    lua_State *L, const polyshm_block *block) {
  return luaL_error(
      L, "the block '%s' is open for reading only", polyshm_block_name(block));
}

/* The same for writing. */
static inline pshm_lua_memory pshm_lua_map_writable(
    lua_State *L, const polyshm_block *block) {
  pshm_lua_memory memory = pshm_lua_map(L, block);
  if (polyshm_block_flags(block) & POLYSHM_READ_ONLY)
    pshm_lua_refuse_writing(L, block);
  return memory;
}

/* An error unless the block has these bytes. */
static inline void pshm_lua_check_span(
    lua_State *L, const polyshm_block *block, uint64_t offset,
    uint64_t nbytes) {
  uint64_t size = polyshm_block_size(block);
  if (offset > size || nbytes > size - offset)
    luaL_error(
        L,
        "%I bytes at offset %I reach past the end of the block '%s', which has "
        "%I",
        (LUAI_UACINT)nbytes, (LUAI_UACINT)offset, polyshm_block_name(block),
        (LUAI_UACINT)size);
}

/* The argument offset = 0 of a block of `size` bytes. */
static uint64_t pshm_lua_opt_offset(lua_State *L, int arg, uint64_t size) {
  if (lua_isnoneornil(L, arg))
    return 0;
  uint64_t offset = pshm_lua_check_count(L, arg, INT64_MAX);
  luaL_argcheck(L, offset <= size, arg, "the block ends before this offset");
  return offset;
}

/* The arguments offset = 0, n = the rest. */
static uint64_t pshm_lua_opt_span(
    lua_State *L, int arg, uint64_t size, uint64_t *out_offset) {
  uint64_t offset = pshm_lua_opt_offset(L, arg, size);
  uint64_t nbytes = size - offset;
  if (!lua_isnoneornil(L, arg + 1)) {
    nbytes = pshm_lua_check_count(L, arg + 1, INT64_MAX);
    luaL_argcheck(
        L, nbytes <= size - offset, arg + 1, "the block has not so many bytes");
  }
  *out_offset = offset;
  return nbytes;
}

#endif
