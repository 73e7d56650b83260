-- SPDX-License-Identifier: MIT
-- Sleeping until others change a list or one of its items: l:version, l:wait;
-- and how long other calls may sleep: l:timeout. An index of nil means the
-- whole list.

local ffi = require "ffi"
local list = require "polyshm.ffi.list"
local native = require "polyshm.ffi.native"

local C, fail = native.C, native.fail
local methods = list.methods

local wait = {}

-- A signal's handler leaves a hook behind for the interpreter, which gets to it
-- between two slices: so an interrupt from the keyboard ends a sleep, whenever
-- it came. What is compiled looks at no hooks.
local SLICE = 1000000000LL

function wait.sleep(timeout, act)
  while true do
    local slice = (timeout < 0 or timeout > SLICE) and SLICE or timeout
    local status = act(slice)
    if status ~= C.POLYSHM_E_TIMEOUT then return status end
    if timeout >= 0 then
      timeout = timeout - slice
      if timeout == 0 then return status end
    end
  end
end
jit.off(wait.sleep)

local function opt_index(self, index, name)
  return index ~= nil and list.check_index(self, index, name, 4) or nil
end

local version_out = ffi.new "uint64_t[1]"

local function take_version(self, slot)
  if slot == nil then
    return C.polyshm_list_version(self._handle, version_out)
  end
  return C.polyshm_list_slot_version(self._handle, slot, version_out)
end

function methods:version(index)
  list.check_self(self, "version")
  local slot = opt_index(self, index, "version")
  local status = take_version(self, slot)
  if status ~= 0 then return fail(status) end
  return version_out[0]
end

function methods:wait(index, timeout, seen)
  list.check_self(self, "wait")
  local slot = opt_index(self, index, "wait")
  timeout = native.check_timeout(timeout, 2, "wait")
  local status = 0
  if seen == nil then
    status = take_version(self, slot)
    seen = version_out[0]
  elseif type(seen) == "number" then
    seen = ffi.cast("uint64_t", seen)
  elseif not ffi.istype("uint64_t", seen) then
    error(("bad argument #3 to 'wait' (number expected, got %s)"):format(
      native.type_of(seen)), 2)
  end
  if status == 0 then
    status = wait.sleep(timeout, function(slice)
      if slot == nil then
        return C.polyshm_list_wait(self._handle, seen, slice, version_out)
      end
      return C.polyshm_list_slot_wait(
        self._handle, slot, seen, slice, version_out)
    end)
  end
  if status == C.POLYSHM_E_TIMEOUT then return false end
  if status ~= 0 then return fail(status) end
  return true
end

function methods:timeout(...)
  list.check_self(self, "timeout")
  if select("#", ...) == 0 then
    error("bad argument #1 to 'timeout' (value expected)", 2)
  end
  local status = C.polyshm_list_timeout(
    self._handle, native.check_timeout((...), 1, "timeout"))
  if status ~= 0 then return native.fail_change(status) end
  return true
end

return wait
