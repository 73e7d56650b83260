-- SPDX-License-Identifier: MIT
-- Lists: ShareableList.

local ffi = require "ffi"
local abi = require "polyshm.ffi.abi"
local block = require "polyshm.ffi.block"
local native = require "polyshm.ffi.native"
local options = require "polyshm.ffi.options"
local value = require "polyshm.ffi.value"

local C, fail = native.C, native.fail
local to_value, from_value = value.from, value.to
local tonumber, type, floor = tonumber, type, math.floor

local List = ffi.typeof "struct { polyshm_list *_handle; }"

local list = {type = List}
local methods = {}
list.methods = methods

-- What no call keeps: nothing else runs before its content is taken.
local SMALL = 256
local small = ffi.new("char[?]", SMALL)
local slot_value = ffi.new "polyshm_value"
local number_out = ffi.new "uint64_t[1]"

local function check_self(self, name)
  native.check_self(List, self, "ShareableList", name, 4)
end
list.check_self = check_self

local function length_of(self)
  return tonumber(C.polyshm_list_length(self._handle))
end

-- The slot of an index, counted from 0. Lists count items from 1, and back from
-- the last with -1.
local function check_index(self, index, name, level)
  local slot = native.to_integer(index)
  if not slot then
    error(("bad argument #1 to '%s' (%s)"):format(name,
      type(index) == "number" and "number has no integer representation"
      or "number expected, got " .. native.type_of(index)), level or 3)
  end
  local length = length_of(self)
  if slot < 0 then slot = slot + length + 1 end
  if slot < 1 or slot > length then
    error(("bad argument #1 to '%s' (index out of range)"):format(name),
      level or 3)
  end
  return slot - 1
end
list.check_index = check_index

local function block_of(self)
  return C.polyshm_list_block(self._handle)
end

list.length_of = length_of

-- A closed list's error is the caller's caller's.
local function check_open(self)
  if not block.is_open(block_of(self)) then error(native.message(), 3) end
end
list.check_open = check_open

-- --------------------------------------------------------------------- reading

-- A string that the small buffer cannot take. Others may have put something
-- else there by now.
local function read_long(self, slot)
  local status = C.polyshm_list_capacity(self._handle, slot, number_out)
  if status ~= 0 then return status end
  local capacity = number_out[0]
  local buffer = ffi.new("char[?]", capacity)
  status = C.polyshm_list_get(
    self._handle, slot, buffer, capacity, slot_value)
  return status, status == 0 and from_value(slot_value) or nil,
    slot_value.type
end

-- A status, the item in a slot, and its type.
local function read(self, slot)
  local status = C.polyshm_list_get(
    self._handle, slot, small, SMALL, slot_value)
  if status == 0 then return 0, from_value(slot_value), slot_value.type end
  if status == C.POLYSHM_E_SPACE then return read_long(self, slot) end
  return status
end

list.read = read

-- An error about one item. It takes the place of who calls it to return.
local function raise_item(self, index, slot, status)
  if status == C.POLYSHM_E_RANGE then
    error(("index %s is outside the list, which has %d items"):format(
      tostring(index), length_of(self)), 2)
  elseif status == C.POLYSHM_E_SPACE
    and C.polyshm_list_capacity(self._handle, slot, number_out) == 0 then
    error(("%d bytes do not fit item %d, which holds %d"):format(
      tonumber(slot_value.size), slot + 1,
      math.min(tonumber(number_out[0]), C.POLYSHM_TEXT_MAX)), 2)
  elseif status == C.POLYSHM_E_CORRUPT or status == C.POLYSHM_E_TIMEOUT then
    error(("item %d: %s"):format(slot + 1, native.message()), 2)
  end
  error(native.message(), 2)
end

-- ----------------------------------------------------------------- metamethods

local metamethods = {}

function metamethods:__index(key)
  if type(key) ~= "number" then
    local method = methods[key]
    if method then return method end
    if key == "name" then
      return ffi.string(C.polyshm_block_name(block_of(self)))
    end
    if key == "shm" then return block.of_list(self, block_of(self)) end
    return nil
  end
  if key < 0 then key = key + length_of(self) + 1 end
  if not (key >= 1 and key <= 2^53 and key == floor(key)) then key = 2^53 end
  local status, item = read(self, key - 1)
  if status == 0 then return item end
  if status == C.POLYSHM_E_RANGE then return nil end
  return raise_item(self, key, key - 1, status)
end

function metamethods:__newindex(key, item)
  if type(key) ~= "number" or key ~= floor(key)
    or key < -2^63 or key >= 2^63 then
    if type(key) == "string" then return native.refuse_field(key) end
    error(("the index of an item is an integer, not %s"):format(
      tostring(key)), 2)
  end
  if not to_value(item, slot_value) then
    error(("no list holds a %s"):format(type(item)), 2)
  end
  local slot = key - 1
  if key < 0 then slot = key + length_of(self) end
  if not (slot >= 0 and slot <= 2^53) then slot = 2^53 end
  local status = C.polyshm_list_set(self._handle, slot, slot_value)
  if status ~= 0 then return raise_item(self, key, slot, status) end
end

function metamethods:__len()
  check_open(self)
  return length_of(self)
end

local function next_item(self, index)
  if not ffi.istype(List, self) then
    error(("ShareableList expected, got %s"):format(native.type_of(self)), 2)
  end
  if type(index) ~= "number" then
    error(("number expected, got %s"):format(native.type_of(index)), 2)
  end
  if index < 0 or index >= length_of(self) then return nil end
  local status, item = read(self, index)
  if status ~= 0 then return raise_item(self, index + 1, index, status) end
  return index + 1, item
end

function metamethods:__pairs()
  check_open(self)
  return next_item, self, 0
end

function metamethods.__eq(one, other)
  return ffi.istype(List, one) and ffi.istype(List, other)
    and C.polyshm_block_id(block_of(one)) == C.polyshm_block_id(block_of(other))
end

function metamethods:__tostring()
  local name = ffi.string(C.polyshm_block_name(block_of(self)))
  if not block.is_open(block_of(self)) then
    return ("ShareableList '%s' (closed)"):format(name)
  end
  return ("ShareableList '%s' (%d items)"):format(name, length_of(self))
end

function metamethods:__gc()
  C.polyshm_list_free(self._handle)
  self._handle = nil
end

ffi.metatype(List, metamethods)
native.class("ShareableList", List)

-- --------------------------------------------------------------------- methods

function methods:close()
  check_self(self, "close")
  local status = C.polyshm_list_close(self._handle)
  if status ~= 0 then return fail(status) end
  return true
end

function methods:unlink()
  check_self(self, "unlink")
  local status = C.polyshm_unlink(C.polyshm_block_name(block_of(self)))
  if status ~= 0 then return fail(status) end
  return true
end

function methods:type(index)
  check_self(self, "type")
  local status, _, kind = read(self, check_index(self, index, "type"))
  if status ~= 0 then return fail(status) end
  return value.names[kind]
end

function methods:capacity(index)
  check_self(self, "capacity")
  local status = C.polyshm_list_capacity(
    self._handle, check_index(self, index, "capacity"), number_out)
  if status ~= 0 then return fail(status) end
  return tonumber(number_out[0])
end

local function check_value(item, position, name)
  if not to_value(item, slot_value) then
    error(("bad argument #%d to '%s' (nil, boolean, number or string " ..
      "expected, got %s)"):format(position, name, native.type_of(item)), 3)
  end
end

function methods:index(item, from)
  check_self(self, "index")
  check_value(item, 1, "index")
  from = from == nil and 1 or native.check_integer(from, 2, "index")
  if from < 0 then from = from + length_of(self) + 1 end
  local status = C.polyshm_list_find(
    self._handle, math.max(from, 1) - 1, slot_value, number_out)
  if status ~= 0 then return fail(status) end
  return tonumber(number_out[0]) + 1
end

function methods:count(item)
  check_self(self, "count")
  check_value(item, 1, "count")
  local count, slot = 0, 0
  while true do
    local status = C.polyshm_list_find(
      self._handle, slot, slot_value, number_out)
    if status == C.POLYSHM_E_NOT_FOUND then return count end
    if status ~= 0 then return fail(status) end
    count, slot = count + 1, tonumber(number_out[0]) + 1
  end
end

-- ---------------------------------------------------------------------- making

local handle_out = ffi.new "polyshm_list *[1]"

local function finish(self, status, timeout)
  if status ~= 0 then return fail(status) end
  self._handle = handle_out[0]
  if timeout ~= nil then
    status = C.polyshm_list_timeout(
      self._handle, native.check_timeout(timeout))
    if status ~= 0 then return fail(status) end
  end
  return self
end

-- The values of a table as C wants them. The strings are the table's own; those
-- of marks are kept by the second result.
local function check_values(items)
  local count = items.n
  if count == nil then
    count = #items
    if count == 0 and next(items) ~= nil then
      error("bad argument #1 to 'ShareableList' (no values, but other keys: " ..
        "options are the second argument)", 3)
    end
  end
  count = native.to_integer(count)
  if not count or count < 0 or count > 2^31 then
    error("bad argument #1 to 'ShareableList' (its field 'n' is no count of " ..
      "values)", 3)
  end
  local values, kept = ffi.new("polyshm_value[?]", count), {}
  for i = 1, count do
    local item = items[i]
    kept[i] = item
    if not to_value(item, values[i - 1]) then
      error(("value %d is a %s, which no list holds"):format(
        i, type(item)), 3)
    end
  end
  return values, count, kept
end

-- The constructor.
function list.ShareableList(items, given)
  local wanted = options.check(given, options.list, 2, "ShareableList")
  local flags = options.attach_flags(wanted)
  local self = List()
  if items == nil then
    return finish(self,
      C.polyshm_list_open(wanted.name, flags, handle_out), wanted.timeout)
  end

  if type(items) ~= "table" then
    error(("bad argument #1 to 'ShareableList' (table or nil expected, " ..
      "got %s)"):format(native.type_of(items)), 2)
  end
  if wanted.read_only then
    error("bad argument #2 to 'ShareableList' (a new list is not read-only)", 2)
  end
  local values, count, kept = check_values(items)
  local rest = ffi.new("polyshm_list_options", {
    struct_size = abi.sizes.polyshm_list_options,
    slot_capacity = wanted.capacity or 0,
    mode = wanted.mode or 0,
  })
  local status = C.polyshm_list_create(wanted.name, values, count,
    flags + options.create_flags(wanted), rest, handle_out)
  kept[0] = values -- both were needed until here
  return finish(self, status, wanted.timeout)
end

return list
