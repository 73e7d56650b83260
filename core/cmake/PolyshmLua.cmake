# SPDX-License-Identifier: MIT
# The Lua that the module is for: POLYSHM_LUA_VERSION, its headers and its
# interpreter. Lua itself is never linked.

if(POLYSHM_ROCK)
  # luarocks tells where the headers are, and they tell of which Lua. A Lua 5.1
  # is taken for LuaJIT, whose module needs no compiler.
  file(STRINGS ${LUA_INCLUDE_DIR}/lua.h line
    REGEX "^#define[ \t]+LUA_VERSION_NUM")
  string(REGEX REPLACE ".*50([0-9]).*" "5.\\1" version "${line}")
  set(POLYSHM_LUA_VERSION ${version} CACHE STRING "Lua's version" FORCE)
  set(POLYSHM_LUA ON)
  set(POLYSHM_LUAJIT OFF)
  if(version STREQUAL 5.1)
    set(POLYSHM_LUA OFF)
    set(POLYSHM_LUAJIT ON)
  endif()
  return()
endif()

set(POLYSHM_LUA_VERSION 5.4 CACHE STRING "The version of Lua to build for")
if(POLYSHM_LUA)
  string(REPLACE . "" digits ${POLYSHM_LUA_VERSION})
  find_package(Lua ${POLYSHM_LUA_VERSION} EXACT REQUIRED)
  find_program(LUA_EXECUTABLE
    NAMES lua${POLYSHM_LUA_VERSION} lua${digits} lua REQUIRED)
endif()
if(POLYSHM_LUAJIT) # the tests' own
  find_program(LUAJIT_EXECUTABLE luajit)
endif()
