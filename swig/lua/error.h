/* SPDX-License-Identifier: MIT */
/*
 * Lua's two ways to fail: what a caller may expect is nil, a message and a
 * code; what no caller should do is an error.
 *
 * An error is a longjmp, so none may be raised while memory or a pin is held.
 */
#ifndef POLYSHM_SWIG_LUA_ERROR_H
#define POLYSHM_SWIG_LUA_ERROR_H

#include "lua/compat.h"

#include <polyshm.h>

#if defined(__GNUC__)
#define PSHM_LUA_COLD __attribute__((cold, noinline))
#else
#define PSHM_LUA_COLD
#endif

/* An error, with the position of the Lua code that called us. */
PSHM_LUA_COLD static int pshm_lua_raise(lua_State *L) {
  return luaL_error(L, "%s", polyshm_error_message());
}

/* What a function returns that failed. */
PSHM_LUA_COLD static int pshm_lua_fail(lua_State *L, polyshm_status status) {
  switch (status) {
  case POLYSHM_E_INVALID:
  case POLYSHM_E_CLOSED:
  case POLYSHM_E_RANGE:
  case POLYSHM_E_TYPE:
    return pshm_lua_raise(L);
  default:
    lua_pushnil(L);
    lua_pushstring(L, polyshm_error_message());
    lua_pushinteger(L, status);
    return 3;
  }
}

/* The same of a call that changes what a handle is on. Whether that may be
 * written was asked when it was opened, so a refusal is a mistake, too. */
PSHM_LUA_COLD static int pshm_lua_fail_change(
    lua_State *L, polyshm_status status) {
  return status == POLYSHM_E_ACCESS ? pshm_lua_raise(L)
                                    : pshm_lua_fail(L, status);
}

#endif
