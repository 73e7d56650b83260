-- SPDX-License-Identifier: MIT
-- Typed views: elements of one kind, one behind the other, in a block.
--
-- A view keeps the object of its block and holds no address: each access goes
-- through the library, which checks the place and knows whether the block has
-- been closed. Loops take the elements in parts.

local ffi = require "ffi"
local block = require "polyshm.ffi.block"
local elements = require "polyshm.ffi.element"
local list = require "polyshm.ffi.list"
local native = require "polyshm.ffi.native"
local value = require "polyshm.ffi.value"

local C, fail, fail_change = native.C, native.fail, native.fail_change
local tonumber, type, floor, min = tonumber, type, math.floor, math.min

local PART = 4096 -- elements

local int64 = ffi.typeof "int64_t"

-- -------------------------------------------------------------------- one kind

local View = {} -- the methods, which are those of all kinds
local classes = {}

-- Errors name the caller's caller.
local function check_self(self, name)
  local class = type(self) == "cdata" and classes[tonumber(ffi.typeof(self))]
  if not class then
    error(("calling '%s' on bad self (View expected, got %s)"):format(
      name, native.type_of(self)), 3)
  end
  return class
end

local function name_of(self)
  return ffi.string(C.polyshm_block_name(self._handle))
end

local function new_class(name, ctype, least, most)
  local Type = ffi.typeof [[
    struct { polyshm_block *_handle; double _offset, _count; }]]
  local element, size = ffi.new(ctype .. "[1]"), ffi.sizeof(ctype)
  local read, write = C.polyshm_block_read, C.polyshm_block_write
  local class = {
    type = Type, name = name, size = size, least = least, most = most,
    part = ffi.new(ctype .. "[?]", PART), array = ffi.typeof(ctype .. "[?]"),
    to = elements.converter(name),
  }
  class.load = elements.reader(name, class.part)
  local load, to = elements.reader(name, element), class.to

  local fields = {
    kind = function() return name end,
    offset = function(self) return self._offset end,
    shm = function(self) return block.anchors[self] end,
  }
  local metamethods = {}

  function metamethods:__index(key)
    if type(key) ~= "number" then
      local field = fields[key]
      if field then return field(self) end
      return View[key]
    end
    if key < 0 then key = key + self._count + 1 end
    local offset = self._offset + (key - 1) * size
    if not (key >= 1 and key <= self._count and key == floor(key)) then
      offset = 0
      key = nil
    end
    local status = read(self._handle, offset, element, key and size or 0)
    if status ~= 0 then return fail(status) end
    if not key then return nil end
    return load(0)
  end

  function metamethods:__newindex(key, x)
    if type(key) ~= "number" then
      if type(key) == "string" then return native.refuse_field(key) end
      error(("the index of an element is an integer, not %s"):format(
        tostring(key)), 2)
    end
    local place = key < 0 and key + self._count or key - 1
    if not (place >= 0 and place < self._count and place == floor(place)) then
      local status = read(self._handle, 0, nil, 0)
      if status ~= 0 then return fail(status) end
      error(("index %s is outside the view, which has %d elements"):format(
        tostring(key), self._count), 2)
    end
    local number = to(x)
    if number == nil then error(elements.explain(class, x), 2) end
    element[0] = number
    local status = write(
      self._handle, self._offset + place * size, element, size)
    if status ~= 0 then return fail_change(status) end
  end

  function metamethods:__len()
    local status = read(self._handle, 0, nil, 0)
    if status ~= 0 then return fail(status) end
    return self._count
  end

  local function next_element(self, index)
    if index >= self._count then return nil end
    return index + 1, self[index + 1]
  end

  function metamethods:__pairs()
    local status = read(self._handle, 0, nil, 0)
    if status ~= 0 then return fail(status) end
    return next_element, self, 0
  end

  function metamethods:__tostring()
    if not block.is_open(self._handle) then
      return ("View '%s' (closed)"):format(name_of(self))
    end
    return ("View '%s' (%d %s at offset %d)"):format(
      name_of(self), self._count, name, self._offset)
  end

  ffi.metatype(Type, metamethods)
  native.class("View", Type)
  classes[tonumber(Type)] = class
  return class
end

local kinds = {}
for name, kind in pairs(elements.kinds) do
  kinds[name] = new_class(name, unpack(kind, 1, 3))
end

-- ---------------------------------------------------------------------- making

function block.methods:view(kind, offset, count)
  native.check_self(block.type, self, "SharedMemory", "view")
  local class = kinds[native.check_string(kind, 1, "view")]
  if not class then
    error(("bad argument #1 to 'view' (no kind is called '%s'; i8 to i64, " ..
      "u8 to u64, f32, f64 are)"):format(kind), 2)
  end
  local status = C.polyshm_block_read(self._handle, 0, nil, 0)
  if status ~= 0 then return fail(status) end
  local room
  offset, room = block.check_span(
    tonumber(C.polyshm_block_size(self._handle)), offset, nil, 2, "view")
  local most = floor(room / class.size)
  count = count == nil and most or native.check_count(count, 3, "view")
  if count > most then
    error("bad argument #3 to 'view' (the block has not so many elements)", 2)
  end
  local view = class.type(self._handle, offset, count)
  block.anchors[view] = self
  return view
end

-- ----------------------------------------------------------------------- loops

-- Call act(n) for all parts of the elements before + 1 to before + count, each
-- of n elements, which are in class.part then; returns a status.
local function each_part(self, class, before, count, act)
  local at = self._offset + before * class.size
  repeat
    local n = min(count, PART)
    local status = C.polyshm_block_read(
      self._handle, at, class.part, n * class.size)
    if status ~= 0 then return status end
    act(n)
    at, count = at + n * class.size, count - n
  until count == 0
  return 0
end

function View:totable(first, last)
  local class = check_self(self, "totable")
  local before, count = native.check_range(first, last, self._count, "totable")
  local items, length, load = {}, 0, class.load
  local status = each_part(self, class, before, count, function(n)
    for i = 0, n - 1 do items[length + i + 1] = load(i) end
    length = length + n
  end)
  if status ~= 0 then return fail(status) end
  return items
end

-- Integers of up to 32 bits are summed up exactly by doubles, as far as one
-- part goes; 64-bit integers wrap.
local function sum_of(class, n)
  local part, load = class.part, class.load
  if class.name == "i64" or class.name == "u64" then
    local some = int64(0)
    for i = 0, n - 1 do some = some + ffi.cast(int64, part[i]) end
    return some
  end
  local some = 0
  for i = 0, n - 1 do some = some + load(i) end
  return some
end

function View:sum(first, last)
  local class = check_self(self, "sum")
  local before, count = native.check_range(first, last, self._count, "sum")
  local is_float = class.name == "f32" or class.name == "f64"
  local sum = is_float and 0 or int64(0)
  local status = each_part(self, class, before, count, function(n)
    sum = sum + sum_of(class, n)
  end)
  if status ~= 0 then return fail(status) end
  if is_float then return sum end
  return value.integer(sum)
end

-- The first of these that beats all others. A NaN does, and stays.
local function least(load, n, best)
  for i = 0, n - 1 do
    local x = load(i)
    if x < best or x ~= x then best = x end
  end
  return best
end

local function most(load, n, best)
  for i = 0, n - 1 do
    local x = load(i)
    if x > best or x ~= x then best = x end
  end
  return best
end

-- nil of none; or nil and a status.
local function extreme(self, class, before, count, beats)
  local best
  local load = class.load
  local status = each_part(self, class, before, count, function(n)
    if n > 0 then best = beats(load, n, best == nil and load(0) or best) end
  end)
  if status ~= 0 then return nil, status end
  return best
end

function View:min(first, last)
  local class = check_self(self, "min")
  local before, count = native.check_range(first, last, self._count, "min")
  local best, status = extreme(self, class, before, count, least)
  if status then return fail(status) end
  return best
end

function View:max(first, last)
  local class = check_self(self, "max")
  local before, count = native.check_range(first, last, self._count, "max")
  local best, status = extreme(self, class, before, count, most)
  if status then return fail(status) end
  return best
end

function View:fill(x, first, last)
  local class = check_self(self, "fill")
  local before, count = native.check_range(first, last, self._count, "fill", 2)
  local number = class.to(x)
  if number == nil then
    error(("bad argument #1 to 'fill' (%s)"):format(
      elements.explain(class, x)), 2)
  end
  local part, at = class.part, self._offset + before * class.size
  for i = 0, min(count, PART) - 1 do part[i] = number end
  repeat
    local n = min(count, PART)
    local status = C.polyshm_block_write(
      self._handle, at, part, n * class.size)
    if status ~= 0 then return fail_change(status) end
    at, count = at + n * class.size, count - n
  until count == 0
  return true
end

-- ------------------------------------------------------------------------ copy

-- All elements of a view, table or list, as this kind's.
local function convert(source, class, count)
  local converted, to = class.array(count), class.to
  for i = 1, count do
    local x = source[i]
    local number = to(x)
    if number == nil then
      error(("value %d: %s"):format(i, elements.explain(class, x)), 3)
    end
    converted[i - 1] = number
  end
  return converted
end

function View:copy(source, index)
  local class = check_self(self, "copy")
  local other = type(source) == "cdata"
    and classes[tonumber(ffi.typeof(source))]
  if not other and type(source) ~= "table"
    and not ffi.istype(list.type, source) then
    error(("bad argument #1 to 'copy' (View, table or ShareableList " ..
      "expected, got %s)"):format(native.type_of(source)), 2)
  end
  local count = #source
  index = index == nil and 1 or native.check_integer(index, 2, "copy")
  if index < 0 then index = index + self._count + 1 end
  if index < 1 or index > self._count + 1 then
    error("bad argument #2 to 'copy' (index out of range)", 2)
  elseif count > self._count - index + 1 then
    error("bad argument #1 to 'copy' (the view has not so many elements " ..
      "from there on)", 2)
  end

  local copied
  if other == class then
    copied = class.array(count)
    local status = C.polyshm_block_read(
      source._handle, source._offset, copied, count * class.size)
    if status ~= 0 then return fail(status) end
  else
    copied = convert(source, class, count)
  end
  local status = C.polyshm_block_write(self._handle,
    self._offset + (index - 1) * class.size, copied, count * class.size)
  if status ~= 0 then return fail_change(status) end
  return true
end

return {methods = View}
