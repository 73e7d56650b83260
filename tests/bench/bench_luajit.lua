-- SPDX-License-Identifier: MIT
-- Element access of polyshm.ffi under LuaJIT, in nanoseconds per operation: the
-- least of many passes, beside the same calls of the library from C-like code,
-- ffi calls in the same loop. Prints lines `luajit <name> <ns>, bare <ns>,
-- <ratio>x`; judges nothing. An argument is how many percent of the passes are
-- made.

local ffi = require "ffi"
local polyshm = require "polyshm.ffi"
local C = require("polyshm.ffi.native").C

local COUNT = 1000000
local PASSES = math.max(1, math.floor((tonumber(arg[1]) or 100) / 4))

ffi.cdef [[
struct bench_time { long seconds, nanoseconds; };
int clock_gettime(int clock, struct bench_time *time);
]]
local time = ffi.new "struct bench_time"
local function now()
  ffi.C.clock_gettime(1, time)
  return tonumber(time.seconds) * 1e9 + tonumber(time.nanoseconds)
end

local function least(run)
  local best = math.huge
  for _ = 1, PASSES do
    collectgarbage()
    local start = now()
    run()
    best = math.min(best, now() - start)
  end
  return best / COUNT
end

local function race(name, ours, bare)
  local one, other = least(ours), least(bare)
  print(("luajit %-24s %8.2f, bare %.2f, %.2fx"):format(
    name, one, other, one / other))
  io.stdout:flush()
end

local list = assert(polyshm.ShareableList {1, 2.5, "0123456789"})
local block = assert(polyshm.SharedMemory {create = true, size = 8 * COUNT})
list:unlink()
block:unlink()
local handle = list._handle
local value = ffi.new "polyshm_value"
local buffer = ffi.new "char[256]"
local view = block:view "f64"
local plain = ffi.new("double[?]", COUNT)

race("get int", function()
  local sum = 0
  for _ = 1, COUNT do sum = sum + list[1] end
  return sum
end, function()
  local sum = 0LL
  for _ = 1, COUNT do
    C.polyshm_list_get(handle, 0, buffer, 256, value)
    sum = sum + value.of.i
  end
  return sum
end)
race("set int", function()
  for i = 1, COUNT do list[1] = i end
end, function()
  value.type = C.POLYSHM_INT
  for i = 1, COUNT do
    value.of.i = i
    C.polyshm_list_set(handle, 0, value)
  end
end)
race("get float", function()
  local sum = 0
  for _ = 1, COUNT do sum = sum + list[2] end
  return sum
end, function()
  local sum = 0
  for _ = 1, COUNT do
    C.polyshm_list_get(handle, 1, buffer, 256, value)
    sum = sum + value.of.f
  end
  return sum
end)
race("get str of 10", function()
  local text
  for _ = 1, COUNT do text = list[3] end
  return text
end, function()
  local text
  for _ = 1, COUNT do
    C.polyshm_list_get(handle, 2, buffer, 256, value)
    text = ffi.string(value.of.p, value.size)
  end
  return text
end)
race("add", function()
  for _ = 1, COUNT do list:add(1) end
end, function()
  local after = ffi.new "int64_t[1]"
  for _ = 1, COUNT do C.polyshm_list_add(handle, 0, 1, after) end
end)
race("get element of f64", function()
  local sum = 0
  for i = 1, COUNT do sum = sum + view[i] end
  return sum
end, function()
  local sum = 0
  for i = 1, COUNT do sum = sum + plain[i - 1] end
  return sum
end)
race("sum of f64, an element", function()
  return view:sum()
end, function()
  local sum = 0
  for i = 0, COUNT - 1 do sum = sum + plain[i] end
  return sum
end)
