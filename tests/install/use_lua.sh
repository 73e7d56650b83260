# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR
# The installed Lua module works, knowing nothing but its own folders.
source "$(dirname "$0")/support.sh"
prefix=$WORK/$1

[[ -v LUA ]] || skip 'the Lua module was not built'
export LUA_CPATH="$prefix/$LUA_CMOD/?.so"
export LUA_PATH="$prefix/$LUA_LMOD/?.lua;$prefix/$LUA_LMOD/?/init.lua"
"$LUA" - <<'END'
local polyshm = require "polyshm"
local numbers = assert(polyshm.ShareableList {40, "two"})
local name = numbers.name
local ok, problem = pcall(function()
  numbers[1] = numbers[1] + 2
  local again <close> = assert(polyshm.ShareableList(nil, {name = name}))
  assert(#again == 2 and again[1] == 42 and again[2] == "two")
end)
numbers:close()
assert(polyshm.unlink(name))
assert(ok, problem)
END
