-- SPDX-License-Identifier: MIT
-- Integers of a list that several processes change: l:add and l:swap.

local ffi = require "ffi"
local list = require "polyshm.ffi.list"
local native = require "polyshm.ffi.native"
local value = require "polyshm.ffi.value"

local C, fail_change = native.C, native.fail_change
local type = type
local methods = list.methods
local check_self, check_index = list.check_self, list.check_index

local int_out = ffi.new "int64_t[1]"

local function check_int64(number, position, name)
  local exact = value.to_int64(number)
  if exact == nil then
    error(("bad argument #%d to '%s' (%s)"):format(position, name,
      type(number) == "number" and "number has no integer representation"
      or "number expected, got " .. native.type_of(number)), 3)
  end
  return exact
end

-- What a method returns that failed with one item; it takes that one's place.
local function fail_number(slot, status)
  local message = native.message()
  if status == C.POLYSHM_E_TYPE then
    error(("item %d is no integer"):format(slot + 1), 2)
  elseif status == C.POLYSHM_E_SPACE then
    message = ("the sum does not fit item %d"):format(slot + 1)
  elseif status == C.POLYSHM_E_CORRUPT or status == C.POLYSHM_E_TIMEOUT then
    message = ("item %d: %s"):format(slot + 1, message)
  else
    return fail_change(status)
  end
  return nil, message, status
end

function methods:add(index, delta)
  check_self(self, "add")
  local slot = check_index(self, index, "add")
  delta = delta == nil and 1 or check_int64(delta, 2, "add")
  local status = C.polyshm_list_add(self._handle, slot, delta, int_out)
  if status ~= 0 then return fail_number(slot, status) end
  return value.integer(int_out[0])
end

function methods:swap(index, expected, desired)
  check_self(self, "swap")
  local slot = check_index(self, index, "swap")
  expected = check_int64(expected, 2, "swap")
  desired = check_int64(desired, 3, "swap")
  local status = C.polyshm_list_swap(
    self._handle, slot, expected, desired, int_out)
  if status ~= 0 then return fail_number(slot, status) end
  return int_out[0] == expected, value.integer(int_out[0])
end
