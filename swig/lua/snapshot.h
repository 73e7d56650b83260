/* SPDX-License-Identifier: MIT */
/* Several items as they stood at one moment: l:snapshot. */
#ifndef POLYSHM_SWIG_LUA_SNAPSHOT_H
#define POLYSHM_SWIG_LUA_SNAPSHOT_H

#include "lua/index.h"

/* Bytes that the strings of these slots can take. They lie in the block, all of
 * them; slots that overlap, as no list's do, are not given more. */
static polyshm_status pshm_lua_room(
    const polyshm_list *list, uint64_t slot, uint64_t count,
    uint64_t *out_room) {
  uint64_t most = polyshm_block_size(polyshm_list_block(list)), room = 0;
  for (uint64_t end = slot + count; slot < end; slot++) {
    uint64_t capacity;
    polyshm_status status = polyshm_list_capacity(list, slot, &capacity);
    if (status != POLYSHM_OK)
      return status;
    room = capacity < most - room ? room + capacity : most;
  }
  *out_room = room;
  return POLYSHM_OK;
}

/* l:snapshot(i = 1, j = -1), which counts as l:totable does. */
static int pshm_lua_list_snapshot(lua_State *L) {
  const polyshm_list *list = pshm_lua_list(L);
  uint64_t slot, room;
  lua_Integer count = pshm_lua_check_slots(L, 2, list, &slot);
  polyshm_status status = pshm_lua_room(list, slot, (uint64_t)count, &room);
  if (status != POLYSHM_OK)
    return pshm_lua_fail(L, status);

  pshm_lua_new_items(L, count);
  polyshm_value *values =
      lua_newuserdatauv(L, (size_t)count * sizeof *values + (size_t)room, 0);
  status = polyshm_list_snapshot(
      list, slot, (uint64_t)count, values + count, room, values);
  if (status != POLYSHM_OK)
    return pshm_lua_fail(L, status);
  for (lua_Integer i = 0; i < count; i++) {
    pshm_lua_push(L, values + i);
    lua_rawseti(L, -3, i + 1);
  }
  lua_pop(L, 1);
  pshm_lua_set_count(L, count);
  return 1;
}

#endif
