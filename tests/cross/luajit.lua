-- SPDX-License-Identifier: MIT
-- Runs peer.lua on LuaJIT: what that lacks of Lua 5.4, as far as the peer needs
-- it. A float stays one, also if it is a whole number.

local ffi = require "ffi"
local polyshm = require "polyshm.ffi"

table.unpack = unpack -- luacheck: ignore
math.tointeger = tonumber -- luacheck: ignore

function table.pack(...) -- luacheck: ignore
  return {n = select("#", ...), ...}
end

local number = ffi.new "union { int64_t i; double d; char bytes[8]; }"

local function member(format)
  return assert(({[">i8"] = "i", [">d"] = "d"})[format])
end

function string.pack(format, value) -- luacheck: ignore
  number[member(format)] = value
  return ffi.string(number.bytes, 8):reverse()
end

function string.unpack(format, bytes) -- luacheck: ignore
  ffi.copy(number.bytes, bytes:reverse(), 8)
  if member(format) == "i" then return number.i end
  return polyshm.float(number.d)
end

dofile((arg[0]:match "^.*/" or "") .. "peer.lua")
