-- SPDX-License-Identifier: MIT
rockspec_format = "3.0"
package = "polyshm"
version = "0.1.0-1"

-- `luarocks make` builds the folder that this file is in and fetches nothing;
-- `luarocks build` and `luarocks pack` want a release's archive beside it, as in
-- build/packages. `scripts/package --url` writes where else the archive is.
source = {
  url = "file://polyshm-0.1.0.tar.gz",
}

description = {
  summary = "Shared memory by name: blocks, lists and locks between processes",
  detailed = [[
Processes written in Lua, Python and C share memory by name: blocks of bytes
with typed views, and lists of values that every one of them reads and writes in
place, with counters, a lock that survives its holder's death, snapshots and
waiting. Python's own multiprocessing.shared_memory is one of the peers. For
Linux.]],
  license = "MIT",
  labels = {"shared-memory", "ipc", "multiprocessing"},
}

supported_platforms = {"linux"}
-- A Lua 5.1 is LuaJIT, which gets polyshm.ffi.
dependencies = {"lua >= 5.1, < 5.5", "lua ~= 5.2"}

-- Beside a C compiler and CMake 3.25; polyshm.ffi is made with Python 3, too.
external_dependencies = {
  SWIG = {program = "swig"},
}

build = {
  type = "cmake",
  variables = {
    CMAKE_BUILD_TYPE = "Release",
    CMAKE_INSTALL_PREFIX = "$(PREFIX)",
    LUA_INCLUDE_DIR = "$(LUA_INCDIR)",
    POLYSHM_ROCK = "ON",
    -- luarocks takes these two folders of the prefix into its tree.
    POLYSHM_LUA_INSTALL_CMOD = "lib",
    POLYSHM_LUA_INSTALL_LMOD = "lua",
    POLYSHM_PYTHON = "OFF",
    POLYSHM_CLI = "OFF",
    POLYSHM_EXAMPLES = "OFF",
    BUILD_TESTING = "OFF",
  },
}

test = {
  type = "command",
  script = "tests/lua/all.lua",
}
