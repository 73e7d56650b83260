-- SPDX-License-Identifier: MIT
-- Compress one shared block into another with zlib: lua compress.lua LIBZ

local polyshm = require "polyshm"
local native = require "polyshm.native"

local z = native.load(arg[1])
local compress = z:bind("compress", "i32(buf, [u64], const buf, len)")
local uncompress = z:bind("uncompress", "i32(buf, [u64], const buf, len)")
local bound = z:bind("compressBound", "u64(u64)")
local version = z:bind("zlibVersion", "str()")

local text = ("all work and no play makes Jack a dull boy\n"):rep(10000)
local plain <close> = assert(
  polyshm.SharedMemory {create = true, size = #text})
local packed <close> = assert(
  polyshm.SharedMemory {create = true, size = bound(#text)})
local again <close> = assert(
  polyshm.SharedMemory {create = true, size = #text})
-- zlib is told a size by address, and tells one there.
local sizes <close> = assert(polyshm.SharedMemory {create = true, size = 8})
local size = sizes:view "u64"

plain:write(0, text)
size[1] = packed.size
assert(compress(packed, size, plain) == 0)
local packed_size = size[1]
size[1] = again.size
assert(uncompress(again, size, packed:view("u8", 0, packed_size)) == 0)
assert(size[1] == #text and again:read() == text)
print(("zlib %s: %d bytes became %d"):format(version(), #text, packed_size))

size[1] = 10 -- too small: Z_BUF_ERROR, and nothing beyond is written
assert(uncompress(again, size, packed) == -5)
