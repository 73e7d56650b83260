-- SPDX-License-Identifier: MIT
-- Blocks: SharedMemory.

local ffi = require "ffi"
local abi = require "polyshm.ffi.abi"
local native = require "polyshm.ffi.native"
local options = require "polyshm.ffi.options"

local C, fail, fail_change = native.C, native.fail, native.fail_change
local check_self = native.check_self
local tonumber, type = tonumber, type

-- An object is a struct, which unlike a table can have a length and be
-- finalized. A list's block is not its object's own.
local Block = ffi.typeof "struct { polyshm_block *_handle; bool _owned; }"

local block = {type = Block}
local methods = {}

-- What an object needs to stay alive for: a list's block its list, a view its
-- block.
local anchors = setmetatable({}, {__mode = "k"})
block.anchors = anchors

local address_out = ffi.new "void *[1]"
local size_out = ffi.new "uint64_t[1]"

-- Whether a block's bytes are still mapped.
function block.is_open(handle)
  return C.polyshm_block_address(handle, address_out, size_out) == 0
end

local function name_of(handle)
  return ffi.string(C.polyshm_block_name(handle))
end

-- --------------------------------------------------------------------- methods

function methods:close()
  check_self(Block, self, "SharedMemory", "close")
  local status = C.polyshm_block_close(self._handle)
  if status ~= 0 then return fail(status) end
  return true
end

function methods:unlink()
  check_self(Block, self, "SharedMemory", "unlink")
  local status = C.polyshm_unlink(C.polyshm_block_name(self._handle))
  if status ~= 0 then return fail(status) end
  return true
end

-- The arguments offset = 0, count = the rest of a block of `size` bytes, of
-- which the first is argument #position of `name`. Errors are the caller's
-- caller's.
local function check_span(size, offset, count, position, name)
  offset = native.to_count(offset, 0, position, name)
  if offset > size then
    error(("bad argument #%d to '%s' (the block ends before this offset)")
      :format(position, name), 3)
  end
  count = native.to_count(count, size - offset, position + 1, name)
  if count > size - offset then
    error(("bad argument #%d to '%s' (the block has not so many bytes)")
      :format(position + 1, name), 3)
  end
  return offset, count
end

-- A string of bytes that the block has. It is pinned meanwhile, for somebody's
-- finalizer may close it whenever there is an allocation.
local function copy_out(handle, offset, count)
  local status = C.polyshm_block_pin(handle, address_out, size_out)
  if status ~= 0 then return nil, status end
  local bytes = ffi.string(
    ffi.cast("const char *", address_out[0]) + offset, count)
  C.polyshm_block_unpin(handle)
  return bytes
end

local function size_of(self)
  return tonumber(C.polyshm_block_size(self._handle))
end

function methods:read(offset, count)
  check_self(Block, self, "SharedMemory", "read")
  offset, count = check_span(size_of(self), offset, count, 1, "read")
  local bytes, status = copy_out(self._handle, offset, count)
  if not bytes then return fail(status) end
  return bytes
end

function methods:write(offset, bytes)
  check_self(Block, self, "SharedMemory", "write")
  offset = native.check_count(offset, 1, "write")
  bytes = native.check_string(bytes, 2, "write")
  local status = C.polyshm_block_write(self._handle, offset, bytes, #bytes)
  if status ~= 0 then return fail_change(status) end
  return true
end

local CHUNK = 65536
local chunk = ffi.new("char[?]", CHUNK)

function methods:fill(byte, offset, count)
  check_self(Block, self, "SharedMemory", "fill")
  byte = byte == nil and 0 or native.check_integer(byte, 1, "fill")
  if byte < 0 or byte > 255 then
    error("bad argument #1 to 'fill' (a byte is from 0 to 255)", 2)
  end
  offset, count = check_span(size_of(self), offset, count, 2, "fill")
  ffi.fill(chunk, math.min(count, CHUNK), byte)
  repeat
    local part = math.min(count, CHUNK)
    local status = C.polyshm_block_write(self._handle, offset, chunk, part)
    if status ~= 0 then return fail_change(status) end
    offset, count = offset + part, count - part
  until count == 0
  return true
end

function methods:find(bytes, offset, count)
  check_self(Block, self, "SharedMemory", "find")
  bytes = native.check_string(bytes, 1, "find")
  offset, count = check_span(size_of(self), offset, count, 2, "find")
  -- Parts overlap by what could begin in one and end in the next.
  local most = math.max(CHUNK, 2 * #bytes)
  repeat
    local part, status = copy_out(self._handle, offset, math.min(count, most))
    if not part then return fail(status) end
    local first = part:find(bytes, 1, true)
    if first then return offset + first - 1 end
    local step = math.max(#part - #bytes + 1, 1)
    offset, count = offset + step, count - step
  until count < #bytes
  return nil, "the block has no such bytes there", C.POLYSHM_E_NOT_FOUND
end

block.methods = methods
block.check_span = check_span

-- ----------------------------------------------------------------- metamethods

local metamethods = {}

function metamethods:__index(key)
  local method = methods[key]
  if method then return method end
  if key == "name" then return name_of(self._handle) end
  if key == "size" then return size_of(self) end
  return nil
end

function metamethods.__newindex(_, key)
  return native.refuse_field(key)
end

function metamethods.__eq(one, other)
  return ffi.istype(Block, one) and ffi.istype(Block, other)
    and C.polyshm_block_id(one._handle) == C.polyshm_block_id(other._handle)
end

function metamethods:__tostring()
  local name = name_of(self._handle)
  if not block.is_open(self._handle) then
    return ("SharedMemory '%s' (closed)"):format(name)
  end
  return ("SharedMemory '%s' (%d bytes)"):format(name, size_of(self))
end

function metamethods:__gc()
  if self._owned then C.polyshm_block_free(self._handle) end
  self._handle = nil
end

ffi.metatype(Block, metamethods)
native.class("SharedMemory", Block)

-- ---------------------------------------------------------------------- making

local handle_out = ffi.new "polyshm_block *[1]"

-- The constructor.
function block.SharedMemory(given)
  if type(given) == "string" then given = {name = given} end
  if given == nil then
    error("bad argument #1 to 'SharedMemory' (string or table expected, " ..
      "got nil)", 2)
  end
  local wanted = options.check(given, options.block, 1, "SharedMemory")
  local flags = options.attach_flags(wanted)
  if wanted.create then flags = flags + options.create_flags(wanted) end
  local rest = ffi.new("polyshm_block_options", {
    struct_size = abi.sizes.polyshm_block_options, mode = wanted.mode or 0,
  })
  -- The object comes first: nobody would free a handle for which there is no
  -- memory.
  local self = Block(nil, true)
  local status = C.polyshm_block_open(
    wanted.name, wanted.size or 0, flags, rest, handle_out)
  if status ~= 0 then return fail(status) end
  self._handle = handle_out[0]
  return self
end

-- The block beneath a list.
function block.of_list(list, handle)
  local self = Block(handle, false)
  anchors[self] = list
  return self
end

return block
