-- SPDX-License-Identifier: MIT
-- Lua's element access, in nanoseconds per operation: the least of many passes,
-- the loop's own cost subtracted. Prints lines `lua <name> <ns>`; judges
-- nothing.

local polyshm = require "polyshm"

local PASSES <const> = 25
local COUNT <const> = 100000

local function least(run, operations)
  local best = math.huge
  for _ = 1, PASSES do
    collectgarbage()
    local start = os.clock()
    run()
    best = math.min(best, os.clock() - start)
  end
  return best / operations * 1e9
end

local function report(name, nanoseconds)
  print(("lua %-24s %10.2f"):format(name, nanoseconds))
  io.stdout:flush()
end

-- Nanoseconds of a statement in a loop. Its names are the loop's locals.
local function measure(name, statement, object, value)
  local function timed(body)
    local run = assert(load(
      "local o, v = ... return function() for i = 1, " .. COUNT .. " do " ..
      body .. " end end"))(object, value)
    return least(run, COUNT)
  end
  report(name, math.max(timed(statement) - timed "", 0))
end

local list = assert(polyshm.ShareableList {12345, 2.5, "0123456789", true})
local long = {}
for i = 1, COUNT do long[i] = i end
local items = assert(polyshm.ShareableList(long))
local block = assert(polyshm.SharedMemory {create = true, size = 4096})
for _, made in ipairs {list, items, block} do made:unlink() end

measure("get int", "local x = o[1]", list)
measure("set int", "o[1] = v", list, 12345)
measure("get float", "local x = o[2]", list)
measure("set float", "o[2] = v", list, 2.5)
measure("get str of 10", "local x = o[3]", list)
measure("set str of 10", "o[3] = v", list, "0123456789")
measure("get bool", "local x = o[4]", list)
measure("length", "local x = #o", list)
measure("get name", "local x = o.name", list)
report("for 1 to #l, an item", least(function()
  for i = 1, #items do local _ = items[i] end
end, COUNT))
report("pairs, an item", least(function()
  for _ in pairs(items) do end
end, COUNT))
report("totable, an item", least(function() items:totable() end, COUNT))
report("index of the last, an item", least(function()
  items:index(COUNT)
end, COUNT))
report("count, an item", least(function() items:count(5) end, COUNT))
measure("read 4 KiB", "local x = o:read(0, 4096)", block)
measure("write 4 KiB", "o:write(0, v)", block, ("x"):rep(4096))
measure("a table's get (scale)", "local x = o[1]", {12345})
