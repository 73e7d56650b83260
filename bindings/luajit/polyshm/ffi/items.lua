-- SPDX-License-Identifier: MIT
-- Many items of a list at once: l:totable, l:snapshot, l:format, l:update.

local ffi = require "ffi"
local list = require "polyshm.ffi.list"
local native = require "polyshm.ffi.native"
local value = require "polyshm.ffi.value"

local C, fail, fail_change = native.C, native.fail, native.fail_change
local to_value, from_value = value.from, value.to
local tonumber, type = tonumber, type

local methods = list.methods
local check_open, check_self = list.check_open, list.check_self
local length_of, read = list.length_of, list.read

local small = ffi.new "char[8]" -- for numbers: a string's bytes do not matter
local slot_value = ffi.new "polyshm_value"
local number_out = ffi.new "uint64_t[1]"

-- --------------------------------------------------------------------- reading

function methods:totable(first, last)
  check_self(self, "totable")
  local slot, count = native.check_range(
    first, last, length_of(self), "totable")
  check_open(self)
  local items, has_nil = {}, false
  for i = 1, count do
    local status, item = read(self, slot + i - 1)
    if status ~= 0 then return fail(status) end
    items[i] = item
    has_nil = has_nil or item == nil
  end
  if has_nil then items.n = count end
  return items
end

-- Bytes that the strings of these slots can take. They lie in the block, all of
-- them; slots that overlap, as no list's do, are not given more.
local function room_of(self, slot, count)
  local beneath = C.polyshm_list_block(self._handle)
  local most = tonumber(C.polyshm_block_size(beneath))
  local room = 0
  for i = slot, slot + count - 1 do
    local status = C.polyshm_list_capacity(self._handle, i, number_out)
    if status ~= 0 then return nil, status end
    room = math.min(room + tonumber(number_out[0]), most)
  end
  return room
end

function methods:snapshot(first, last)
  check_self(self, "snapshot")
  local slot, count = native.check_range(
    first, last, length_of(self), "snapshot")
  local room, problem = room_of(self, slot, count)
  if not room then return fail(problem) end
  local buffer = ffi.new("char[?]", room)
  local values = ffi.new("polyshm_value[?]", count)
  local status = C.polyshm_list_snapshot(
    self._handle, slot, count, buffer, room, values)
  if status ~= 0 then return fail(status) end
  local items = {n = count}
  for i = 1, count do items[i] = from_value(values[i - 1]) end
  return items
end

-- Python's struct format of all items, as ShareableList writes them.
local formats = {
  [C.POLYSHM_NONE] = "xxxxxx?x", [C.POLYSHM_BOOL] = "xxxxxxx?",
  [C.POLYSHM_INT] = "q", [C.POLYSHM_FLOAT] = "d",
}

function methods:format()
  check_self(self, "format")
  check_open(self)
  local parts = {}
  for slot = 0, length_of(self) - 1 do
    local status = C.polyshm_list_get(
      self._handle, slot, small, 8, slot_value)
    local part = status == 0 and formats[slot_value.type]
    if not part then -- a string, as long as its slot
      if status == 0 or status == C.POLYSHM_E_SPACE then
        status = C.polyshm_list_capacity(self._handle, slot, number_out)
      end
      if status ~= 0 then return fail(status) end
      part = ("%ds"):format(tonumber(number_out[0]))
    end
    parts[slot + 1] = part
  end
  return table.concat(parts)
end

-- ---------------------------------------------------------------------- update

-- The slot that a key of update's table means.
local function check_key(self, key)
  local slot = type(key) == "number" and native.to_integer(key)
  local length = length_of(self)
  if slot and slot < 0 then slot = slot + length + 1 end
  if not slot or slot < 1 or slot > length then
    error(("bad argument #1 to 'update' (its key '%s' is no index of the " ..
      "list, which has %d items)"):format(tostring(key), length), 4)
  end
  return slot - 1
end

-- Whether a value would fit its slot.
local function look(handle, slot, item)
  if item.size == 0 then return 0 end
  local status = C.polyshm_list_capacity(handle, slot, number_out)
  if status == 0 and item.size > number_out[0] then
    return C.POLYSHM_E_SPACE
  end
  return status
end

local function visit(self, slot, item, act)
  if not to_value(item, slot_value) then
    error(("bad argument #1 to 'update' (value %d is a %s, which no list " ..
      "holds)"):format(slot + 1, type(item)), 4)
  end
  return act(self._handle, slot, slot_value)
end

-- A status, and the slot that it is about.
local function visit_all(self, items, act)
  if items.n ~= nil then
    for slot = 0, items.n - 1 do
      local status = visit(self, slot, items[slot + 1], act)
      if status ~= 0 then return status, slot end
    end
  else
    for key, item in pairs(items) do
      local slot = check_key(self, key)
      local status = visit(self, slot, item, act)
      if status ~= 0 then return status, slot end
    end
  end
  return 0
end

-- What update returns about an item that could not be set; it takes its place.
local function fail_item(self, slot, status)
  local message = native.message()
  if status == C.POLYSHM_E_SPACE then
    local size = tonumber(slot_value.size)
    C.polyshm_list_capacity(self._handle, slot, number_out)
    message = ("%d bytes do not fit item %d, which holds %d"):format(
      size, slot + 1, tonumber(number_out[0]))
  elseif status == C.POLYSHM_E_CORRUPT or status == C.POLYSHM_E_TIMEOUT then
    message = ("item %d: %s"):format(slot + 1, message)
  else
    return fail_change(status)
  end
  return nil, message, status
end

function methods:update(items)
  check_self(self, "update")
  if type(items) ~= "table" then
    error(("bad argument #1 to 'update' (table expected, got %s)"):format(
      native.type_of(items)), 2)
  end
  check_open(self)
  if items.n ~= nil then
    local count = native.to_integer(items.n)
    if not count or count < 0 or count > length_of(self) then
      error("bad argument #1 to 'update' (its field 'n' is no count of " ..
        "items of the list)", 2)
    end
  end
  local status, slot = visit_all(self, items, look)
  if status == 0 then
    status, slot = visit_all(self, items, C.polyshm_list_set)
  end
  if status ~= 0 then return fail_item(self, slot, status) end
  return true
end
