# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR
# The installed polyshm.ffi works, knowing nothing but its own folder: it finds
# the library from where it lies, and the library its helper.
source "$(dirname "$0")/support.sh"
prefix=$WORK/$1

[[ -v LUAJIT_DIR ]] || skip 'polyshm.ffi was not built'
luajit=$(command -v luajit) || skip 'there is no luajit'
cd /
LUA_PATH="$prefix/$LUAJIT_DIR/?.lua;$prefix/$LUAJIT_DIR/?/init.lua;;" \
  "$luajit" - "$prefix" <<'END'
local polyshm = require "polyshm"
local numbers = assert(polyshm.ShareableList {40, "two"})
local ok, problem = pcall(function()
  numbers[1] = numbers[1] + 2
  local again = assert(polyshm.ShareableList(nil, {name = numbers.name}))
  assert(#again == 2 and again[1] == 42 and again[2] == "two")
end)
assert(numbers:unlink())
assert(ok, problem)
local ffi = require "ffi"
local path = ffi.new "char[4096]"
assert(require("polyshm.ffi.native").C.polyshm_helper_path(path, 4096) == 0)
path = ffi.string(path)
assert(path:sub(1, #arg[1]) == arg[1], path)
END
