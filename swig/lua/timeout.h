/* SPDX-License-Identifier: MIT */
/*
 * Timeouts, and sleeping in the core.
 *
 * A signal that comes just before the core falls asleep does not wake it. What
 * it does leave is a hook, since that is all that a handler may ask of Lua; so
 * the core sleeps in slices, and a hook that is new ends the last one.
 */
#ifndef POLYSHM_SWIG_LUA_TIMEOUT_H
#define POLYSHM_SWIG_LUA_TIMEOUT_H

#include "lua/index.h"

#include <math.h>
#include <time.h>

#define PSHM_LUA_SECOND INT64_C(1000000000)
#define PSHM_LUA_SLICE PSHM_LUA_SECOND

/* Seconds to nanoseconds. nil has no end; what is not nothing does not become
 * nothing; a time that is over is nothing. */
static int64_t pshm_lua_opt_timeout(lua_State *L, int arg) {
  lua_Number seconds = luaL_optnumber(L, arg, HUGE_VAL);
  luaL_argcheck(L, !isnan(seconds), arg, "timeout is not a number");
  if (seconds <= 0)
    return 0;
  lua_Number nanoseconds = ceil(seconds * (lua_Number)PSHM_LUA_SECOND);
  return nanoseconds < (lua_Number)INT64_MAX ? (int64_t)nanoseconds
                                             : POLYSHM_FOREVER;
}

typedef struct pshm_lua_sleep {
  lua_Hook hook;
  int64_t deadline; /* INT64_MAX: none */
} pshm_lua_sleep;

static int64_t pshm_lua_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * PSHM_LUA_SECOND + now.tv_nsec;
}

/* Signal handlers know the main thread, whatever coroutine runs. */
static lua_Hook pshm_lua_hook(lua_State *L) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
  lua_Hook hook = lua_gethook(lua_tothread(L, -1));
  lua_pop(L, 1);
  return hook;
}

static pshm_lua_sleep pshm_lua_sleep_begin(lua_State *L, int64_t timeout) {
  int64_t now = pshm_lua_now();
  bool endless = timeout < 0 || timeout > INT64_MAX - now;
  return (pshm_lua_sleep){
      .hook = pshm_lua_hook(L),
      .deadline = endless ? INT64_MAX : now + timeout};
}

/* How long the core is to sleep now. */
static int64_t pshm_lua_sleep_slice(const pshm_lua_sleep *sleep) {
  int64_t left = sleep->deadline - pshm_lua_now();
  return left < 0 ? 0 : left < PSHM_LUA_SLICE ? left : PSHM_LUA_SLICE;
}

/* Whether the core, having answered this, is to go on sleeping. */
static bool pshm_lua_sleep_on(
    lua_State *L, const pshm_lua_sleep *sleep, polyshm_status *status) {
  if (*status != POLYSHM_E_TIMEOUT)
    return false;
  if (pshm_lua_hook(L) != sleep->hook) {
    *status = POLYSHM_E_INTERRUPTED;
    return false;
  }
  return sleep->deadline > pshm_lua_now();
}

/* What a call returns whose sleep failed. The core need not know of a signal
 * that was noticed here. */
static int pshm_lua_sleep_fail(lua_State *L, polyshm_status status) {
  if (status != POLYSHM_E_INTERRUPTED)
    return pshm_lua_fail_change(L, status);
  lua_pushnil(L);
  lua_pushliteral(L, "a signal arrived while waiting");
  lua_pushinteger(L, status);
  return 3;
}

#endif
