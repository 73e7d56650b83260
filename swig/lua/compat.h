/* SPDX-License-Identifier: MIT */
/*
 * What Lua 5.4 has and 5.3 lacks. Older ones have no integers, so no module is
 * made for them.
 */
#ifndef POLYSHM_SWIG_LUA_COMPAT_H
#define POLYSHM_SWIG_LUA_COMPAT_H

#include <lauxlib.h>
#include <lua.h>

#if LUA_VERSION_NUM < 503
#error "polyshm needs Lua 5.3 or newer"
#endif

#if LUA_VERSION_NUM == 503

/* One user value was all that a userdata had. */
#define lua_newuserdatauv(L, size, values) lua_newuserdata(L, size)
#define lua_getiuservalue(L, index, value) lua_getuservalue(L, index)
#define lua_setiuservalue(L, index, value) lua_setuservalue(L, index)

static int luaL_typeerror(lua_State *L, int arg, const char *expected) {
  const char *got;
  if (luaL_getmetafield(L, arg, "__name") == LUA_TSTRING)
    got = lua_tostring(L, -1);
  else if (lua_type(L, arg) == LUA_TLIGHTUSERDATA)
    got = "light userdata";
  else
    got = luaL_typename(L, arg);
  return luaL_argerror(
      L, arg, lua_pushfstring(L, "%s expected, got %s", expected, got));
}

#endif

#endif
