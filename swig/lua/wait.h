/* SPDX-License-Identifier: MIT */
/* Sleeping until others change a list or one of its items: l:version, l:wait;
 * and how long other calls may sleep: l:timeout. An index of nil means the
 * whole list. */
#ifndef POLYSHM_SWIG_LUA_WAIT_H
#define POLYSHM_SWIG_LUA_WAIT_H

#include "lua/timeout.h"

static const uint64_t pshm_lua_whole_list = UINT64_MAX;

static uint64_t pshm_lua_opt_index(
    lua_State *L, int arg, const polyshm_list *list) {
  return lua_isnoneornil(L, arg) ? pshm_lua_whole_list
                                 : pshm_lua_check_index(L, arg, list);
}

static polyshm_status pshm_lua_take_version(
    const polyshm_list *list, uint64_t slot, uint64_t *out_version) {
  return slot == pshm_lua_whole_list
             ? polyshm_list_version(list, out_version)
             : polyshm_list_slot_version(list, slot, out_version);
}

/* l:version(i = nil) */
static int pshm_lua_list_version(lua_State *L) {
  const polyshm_list *list = pshm_lua_list(L);
  uint64_t slot = pshm_lua_opt_index(L, 2, list);
  uint64_t version;
  polyshm_status status = pshm_lua_take_version(list, slot, &version);
  if (status != POLYSHM_OK)
    return pshm_lua_fail(L, status);
  lua_pushinteger(L, (lua_Integer)version);
  return 1;
}

/* Sleep until the version is another one. */
static polyshm_status pshm_lua_sleep_until(
    lua_State *L, const polyshm_list *list, uint64_t slot, int64_t timeout,
    uint64_t *version) {
  pshm_lua_sleep sleep = pshm_lua_sleep_begin(L, timeout);
  polyshm_status status;
  do {
    int64_t slice = pshm_lua_sleep_slice(&sleep);
    status = slot == pshm_lua_whole_list
                 ? polyshm_list_wait(list, *version, slice, version)
                 : polyshm_list_slot_wait(list, slot, *version, slice, version);
  } while (pshm_lua_sleep_on(L, &sleep, &status));
  return status;
}

/* l:wait(i = nil, timeout = forever, seen = the version now) */
static int pshm_lua_list_wait(lua_State *L) {
  const polyshm_list *list = pshm_lua_list(L);
  uint64_t slot = pshm_lua_opt_index(L, 2, list);
  int64_t timeout = pshm_lua_opt_timeout(L, 3);
  uint64_t version = (uint64_t)luaL_optinteger(L, 4, 0);
  polyshm_status status = POLYSHM_OK;
  if (lua_isnoneornil(L, 4))
    status = pshm_lua_take_version(list, slot, &version);
  if (status == POLYSHM_OK)
    status = pshm_lua_sleep_until(L, list, slot, timeout, &version);
  if (status != POLYSHM_OK && status != POLYSHM_E_TIMEOUT)
    return pshm_lua_sleep_fail(L, status);
  lua_pushboolean(L, status == POLYSHM_OK);
  return 1;
}

/* l:timeout(seconds) */
static int pshm_lua_list_timeout(lua_State *L) {
  polyshm_list *list = pshm_lua_list(L);
  luaL_checkany(L, 2);
  polyshm_status status =
      polyshm_list_timeout(list, pshm_lua_opt_timeout(L, 2));
  if (status != POLYSHM_OK)
    return pshm_lua_fail(L, status);
  lua_pushboolean(L, 1);
  return 1;
}

#endif
