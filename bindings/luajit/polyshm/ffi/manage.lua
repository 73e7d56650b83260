-- SPDX-License-Identifier: MIT
-- Blocks seen from outside: what there is, and who has it.

local ffi = require "ffi"
local abi = require "polyshm.ffi.abi"
local native = require "polyshm.ffi.native"
local options = require "polyshm.ffi.options"

local C, fail = native.C, native.fail

local manage = {}

local function new_info()
  return ffi.new("polyshm_info", {struct_size = abi.sizes.polyshm_info})
end

-- A table; what is not known is not in it.
local function info_table(info)
  local function is(state) return bit.band(info.state, state) ~= 0 end
  local is_list = info.kind == C.POLYSHM_KIND_LIST
  local held
  if not is(C.POLYSHM_STATE_UNKNOWN) then held = is(C.POLYSHM_STATE_HELD) end
  return {
    name = ffi.string(info.name),
    kind = is_list and "list" or "block",
    size = tonumber(info.size),
    length = is_list and tonumber(info.length) or nil,
    mode = info.mode,
    uid = info.uid,
    created = info.created_at ~= 0 and tonumber(info.created_at) / 1e9 or nil,
    tracked = is(C.POLYSHM_STATE_TRACKED),
    held = held,
    kept = is(C.POLYSHM_STATE_TREE),
    orphan = is(C.POLYSHM_STATE_ORPHAN),
  }
end

function manage.unlink(name)
  native.check_name(name, 1, "unlink")
  local status = C.polyshm_unlink(name)
  if status ~= 0 then return fail(status) end
  return true
end

function manage.inspect(name)
  native.check_name(name, 1, "inspect")
  local info = new_info()
  local status = C.polyshm_inspect(name, info)
  if status ~= 0 then return fail(status) end
  return info_table(info)
end

-- An error in the middle of a walk can only be thrown: nil would end it.
function manage.blocks()
  local out = ffi.new "polyshm_scan *[1]"
  local status = C.polyshm_scan_open(out)
  if status ~= 0 then return fail(status) end
  local scan, info = ffi.gc(out[0], C.polyshm_scan_free), new_info()
  return function()
    if scan == nil then return nil end
    local answer = C.polyshm_scan_next(scan, info)
    if answer == 0 then return info_table(info) end
    if answer ~= C.POLYSHM_E_END then error(native.message(), 2) end
    C.polyshm_scan_free(ffi.gc(scan, nil))
    scan = nil
    return nil
  end
end

function manage.holders(name)
  native.check_name(name, 1, "holders")
  local capacity, count = 32, ffi.new "uint64_t[1]"
  local ids
  repeat
    capacity = 2 * math.max(capacity, tonumber(count[0]))
    ids = ffi.new("uint64_t[?]", capacity)
    local status = C.polyshm_holders(name, ids, capacity, count)
    if status ~= 0 then return fail(status) end
  until tonumber(count[0]) <= capacity
  local found = {}
  for i = 1, tonumber(count[0]) do found[i] = tonumber(ids[i - 1]) end
  return found
end

function manage.gc(given)
  local wanted = options.check(given, options.gc, 1, "gc")
  local removed = ffi.new "uint64_t[1]"
  local status = C.polyshm_gc(
    wanted.dry_run and C.POLYSHM_GC_DRY_RUN or 0, removed)
  if status ~= 0 then return fail(status) end
  return tonumber(removed[0])
end

return manage
