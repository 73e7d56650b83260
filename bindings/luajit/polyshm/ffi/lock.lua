-- SPDX-License-Identifier: MIT
-- l:lock(): an object that stands for the lock while it is held.
--
-- It keeps its list. Only one that took the lock gives it back, and only once,
-- so that what is left of an older one harms nobody.

local ffi = require "ffi"
local block = require "polyshm.ffi.block"
local list = require "polyshm.ffi.list"
local native = require "polyshm.ffi.native"
local wait = require "polyshm.ffi.wait"

local C, fail = native.C, native.fail

local Lock = ffi.typeof [[
  struct { polyshm_list *_handle; uint32_t _recovered; }]]

local methods = {}

local function release(self)
  local handle = self._handle
  self._handle = nil
  return handle == nil and 0 or C.polyshm_list_unlock(handle)
end

function methods:unlock()
  native.check_self(Lock, self, "lock", "unlock")
  local status = release(self)
  if status ~= 0 then return fail(status) end
  return true
end

local metamethods = {__gc = release}

function metamethods:__index(key)
  if key == "recovered" then return self._recovered ~= 0 end
  return methods[key]
end

function metamethods.__newindex(_, key)
  return native.refuse_field(key)
end

ffi.metatype(Lock, metamethods)
native.class("lock", Lock)

local recovered_out = ffi.new "uint32_t[1]"

function list.methods:lock(timeout)
  list.check_self(self, "lock")
  timeout = native.check_timeout(timeout, 1, "lock")
  local lock = Lock()
  local handle = self._handle
  local status = C.polyshm_list_lock(handle, 0, recovered_out)
  if status == C.POLYSHM_E_TIMEOUT and timeout ~= 0 then
    status = wait.sleep(timeout, function(slice)
      return C.polyshm_list_lock(handle, slice, recovered_out)
    end)
  end
  if status ~= 0 then return fail(status) end
  lock._handle, lock._recovered = handle, recovered_out[0]
  block.anchors[lock] = self
  return lock
end

return {methods = methods}
