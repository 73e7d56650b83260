-- SPDX-License-Identifier: MIT
-- The example of SharedMemoryManager from Python's documentation, in Lua.

local polyshm = require "polyshm"

local manager = assert(polyshm.SharedMemoryManager {}:start())
local list = assert(manager:ShareableList {0, 1, 2, 3})
print(table.concat(list:totable(), ", "))
local block = assert(manager:SharedMemory(128))
block:write(0, "alpha")
local other = assert(manager:ShareableList {"a", "l", "p", "h", "a"})
print(table.concat(other:totable(), ", "))
assert(manager:shutdown()) -- unlinks list, block and other
