/* SPDX-License-Identifier: MIT */
/*
 * l:lock: an object that stands for the lock while it is held.
 *
 * It keeps its list. Only one that took the lock gives it back, and only once,
 * so that what is left of an older one harms nobody.
 */
#ifndef POLYSHM_SWIG_LUA_LOCK_H
#define POLYSHM_SWIG_LUA_LOCK_H

#include "lua/timeout.h"

typedef struct pshm_lua_lock {
  const void *tag;
  bool held;
  bool recovered;
} pshm_lua_lock;

static const char pshm_lua_lock_tag[] = "polyshm.lock";

static pshm_lua_lock *pshm_lua_check_lock(lua_State *L) {
  pshm_lua_lock *lock = pshm_lua_tagged(L, 1, pshm_lua_lock_tag, sizeof *lock);
  if (lock == NULL)
    luaL_typeerror(L, 1, "lock");
  return lock;
}

static polyshm_status pshm_lua_release(lua_State *L, pshm_lua_lock *lock) {
  if (!lock->held)
    return POLYSHM_OK;
  lock->held = false;
  lua_getiuservalue(L, 1, 1);
  const swig_lua_userdata *list =
      pshm_lua_object(L, -1, SWIGTYPE_p_polyshm_list);
  /* A list that was freed has given its lock up. */
  return list == NULL || list->ptr == NULL ? POLYSHM_OK
                                           : polyshm_list_unlock(list->ptr);
}

/* lock:unlock(), again harmless; also when a <close> variable ends. */
static int pshm_lua_lock_unlock(lua_State *L) {
  polyshm_status status = pshm_lua_release(L, pshm_lua_check_lock(L));
  if (status != POLYSHM_OK)
    return pshm_lua_fail(L, status);
  lua_pushboolean(L, 1);
  return 1;
}

static int pshm_lua_lock_gc(lua_State *L) {
  pshm_lua_lock *lock = pshm_lua_tagged(L, 1, pshm_lua_lock_tag, sizeof *lock);
  if (lock != NULL)
    pshm_lua_release(L, lock);
  return 0;
}

/* lock.recovered, and the methods. */
static int pshm_lua_lock_index(lua_State *L) {
  const pshm_lua_lock *lock = pshm_lua_check_lock(L);
  lua_settop(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) == LUA_TBOOLEAN)
    lua_pushboolean(L, lock->recovered);
  return 1;
}

static int pshm_lua_lock_newindex(lua_State *L) {
  pshm_lua_check_lock(L);
  return pshm_lua_refuse_field(L);
}

PSHM_LUA_COLD static void pshm_lua_lock_class(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"unlock", pshm_lua_lock_unlock}, {NULL, NULL}};
  static const luaL_Reg metamethods[] = {
      {"__close", pshm_lua_lock_unlock},
      {"__gc", pshm_lua_lock_gc},
      {"__newindex", pshm_lua_lock_newindex},
      {NULL, NULL}};
  luaL_setfuncs(L, metamethods, 0);
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  luaL_newlib(L, methods);
  lua_pushboolean(L, 1);
  lua_setfield(L, -2, "recovered");
  lua_pushcclosure(L, pshm_lua_lock_index, 1);
  lua_setfield(L, -2, "__index");
}

/* Push an object that holds nothing yet. It comes before the lock because Lua
 * may find no memory for it, and nobody would unlock then. */
static pshm_lua_lock *pshm_lua_new_lock(lua_State *L) {
  pshm_lua_lock *lock = lua_newuserdatauv(L, sizeof *lock, 1);
  *lock = (pshm_lua_lock){.tag = pshm_lua_lock_tag};
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  if (luaL_newmetatable(L, pshm_lua_lock_tag))
    pshm_lua_lock_class(L);
  lua_setmetatable(L, -2);
  return lock;
}

static polyshm_status pshm_lua_sleep_locking(
    lua_State *L, polyshm_list *list, int64_t timeout,
    uint32_t *out_recovered) {
  pshm_lua_sleep sleep = pshm_lua_sleep_begin(L, timeout);
  polyshm_status status;
  do
    status =
        polyshm_list_lock(list, pshm_lua_sleep_slice(&sleep), out_recovered);
  while (pshm_lua_sleep_on(L, &sleep, &status));
  return status;
}

/* l:lock(timeout = forever) */
static int pshm_lua_list_lock(lua_State *L) {
  polyshm_list *list = pshm_lua_list(L);
  int64_t timeout = pshm_lua_opt_timeout(L, 2);
  pshm_lua_lock *lock = pshm_lua_new_lock(L);
  uint32_t recovered;
  polyshm_status status = polyshm_list_lock(list, 0, &recovered);
  if (status == POLYSHM_E_TIMEOUT && timeout != 0)
    status = pshm_lua_sleep_locking(L, list, timeout, &recovered);
  if (status != POLYSHM_OK)
    return pshm_lua_sleep_fail(L, status);
  lock->held = true;
  lock->recovered = recovered != 0;
  return 1;
}

#endif
