-- SPDX-License-Identifier: MIT

--- polyshm for LuaJIT: the library called through its FFI.
--
-- The names, arguments and results are those of the module for Lua 5.4. What
-- differs comes from LuaJIT:
--
--   integers    its numbers are doubles. A whole number of at most 2^53 is
--               stored as an int, another as a float; polyshm.float(x) forces
--               float. An int that a double does not hold comes back as an
--               int64_t, such as 9007199254740993LL, and is taken as one
--   versions    are uint64_t: compare them, and give them to l:wait()
--   <close>     is not there: call close(), and lock:unlock()
--   ipairs(l)   does not know lists: use pairs(l), or for i = 1, #l
--   pack, unpack
--               are left out, for there is no string.pack; use views
--
-- Errors are raised and returned alike: nil, a message and a code for what may
-- be expected to fail, an error for a mistake of the program. Handles may be
-- used after they were closed, and say so; what nobody refers to is closed by
-- the garbage collector.

local native = require "polyshm.ffi.native"
local abi = require "polyshm.ffi.abi"
local block = require "polyshm.ffi.block"
local list = require "polyshm.ffi.list"
local manage = require "polyshm.ffi.manage"
local value = require "polyshm.ffi.value"
require "polyshm.ffi.counter"
require "polyshm.ffi.items"
require "polyshm.ffi.lock"
require "polyshm.ffi.view"

local version = native.version

local polyshm = {
  _VERSION = ("polyshm %d.%d.%d"):format(
    bit.rshift(version, 16), bit.band(bit.rshift(version, 8), 0xff),
    bit.band(version, 0xff)),

  SharedMemory = block.SharedMemory,
  ShareableList = list.ShareableList,

  unlink = manage.unlink,
  inspect = manage.inspect,
  blocks = manage.blocks,
  holders = manage.holders,
  gc = manage.gc,

  str = value.str,
  bytes = value.bytes,

  --- Mark a number to be stored as a float, also if it is whole.
  float = value.float,

  --- The timeout that has no end.
  FOREVER = math.huge,
}

for name, number in pairs(abi.constants) do
  local code = name:match "^POLYSHM_(E_.*)"
  if code then polyshm[code] = number end
end

return polyshm
