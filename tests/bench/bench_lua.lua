-- SPDX-License-Identifier: MIT
-- Lua's element access, in nanoseconds per operation: the least of many passes,
-- the loop's own cost subtracted. Prints lines `lua <name> <ns>`; judges
-- nothing.
--
-- Then the same of bench_hand, a module as one would write it by hand, if
-- package.cpath has it: lines `lua <name> <ns>, by hand <ns>, <ratio>x`. The
-- passes of the two alternate, so that both see the same machine. An argument is
-- how many percent of the passes are made.

local polyshm = require "polyshm"
local has_hand, hand = pcall(require, "bench_hand")

local PASSES <const> = math.max(1, 25 * (tonumber(arg[1]) or 100) // 100)
local COUNT <const> = 100000
local MANY <const> = 1000000

-- The least time of each function, in nanoseconds per operation.
local function least(operations, ...)
  local runs, best = {...}, {}
  for _ = 1, PASSES do
    for i, run in ipairs(runs) do
      collectgarbage()
      local start = os.clock()
      run()
      best[i] = math.min(best[i] or math.huge, os.clock() - start)
    end
  end
  for i = 1, #best do best[i] = best[i] / operations * 1e9 end
  return table.unpack(best)
end

local function report(name, nanoseconds)
  print(("lua %-30s %10.2f"):format(name, nanoseconds))
  io.stdout:flush()
end

local function compare(name, ours, what, theirs)
  print(("lua %-30s %10.2f, %s %.2f, %.2fx"):format(
    name, ours, what, theirs, ours / theirs))
  io.stdout:flush()
end

-- A function that runs a statement in a loop. Its names are the loop's locals.
local function loop(body, object, value)
  return assert(load(
    "local o, v = ... return function() for i = 1, " .. COUNT .. " do " ..
    body .. " end end"))(object, value)
end

local function measure(name, statement, object, value)
  local full, empty = least(COUNT, loop(statement, object, value), loop "")
  report(name, math.max(full - empty, 0))
end

-- The same statement on ours and on the one by hand.
local function race(name, statement, ours, theirs, value)
  local one, other, empty = least(COUNT, loop(statement, ours, value),
    loop(statement, theirs, value), loop "")
  compare(name, one - empty, "by hand", other - empty)
end

local list = assert(polyshm.ShareableList {12345, 2.5, "0123456789", true})
local long = {}
for i = 1, COUNT do long[i] = i end
local items = assert(polyshm.ShareableList(long))
local block = assert(polyshm.SharedMemory {create = true, size = 4096})
local doubles = assert(
  polyshm.SharedMemory {create = true, size = 8 * MANY})
local made = {list, items, block, doubles}
local f64, i32 = doubles:view "f64", block:view "i32"
for i = 1, MANY do f64[i] = i / 7 end

local by_hand
if has_hand then
  by_hand = {
    list = hand.list(list.name),
    items = hand.list(items.name),
    i32 = hand.view(block.name, "i32"),
    f64 = hand.view(doubles.name, "f64"),
  }
end
for _, object in ipairs(made) do object:unlink() end

measure("get int", "local x = o[1]", list)
measure("set int", "o[1] = v", list, 12345)
measure("get float", "local x = o[2]", list)
measure("set float", "o[2] = v", list, 2.5)
measure("get str of 10", "local x = o[3]", list)
measure("set str of 10", "o[3] = v", list, "0123456789")
measure("get bool", "local x = o[4]", list)
measure("length", "local x = #o", list)
measure("get name", "local x = o.name", list)
report("for 1 to #l, an item", (least(COUNT, function()
  for i = 1, #items do local _ = items[i] end
end)))
report("pairs, an item", (least(COUNT, function()
  for _ in pairs(items) do end
end)))
report("totable, an item", (least(COUNT, function() items:totable() end)))
report("index of the last, an item", (least(COUNT, function()
  items:index(COUNT)
end)))
report("count, an item", (least(COUNT, function() items:count(5) end)))
measure("get element of f64", "local x = o[1]", f64)
measure("set element of f64", "o[1] = v", f64, 2.5)
measure("get element of i32", "local x = o[1]", i32)
measure("set element of i32", "o[1] = v", i32, 12345)
measure("pack <i4d", "o:pack(0, '<i4d', 5, v)", block, 2.5)
measure("unpack <i4d", "local x, y = o:unpack(0, '<i4d')", block)
measure("read 4 KiB", "local x = o:read(0, 4096)", block)
measure("write 4 KiB", "o:write(0, v)", block, ("x"):rep(4096))
measure("a table's get (scale)", "local x = o[1]", {12345})

for _, kind in ipairs {"i8", "i16", "i32", "i64", "u64", "f32", "f64"} do
  local view = doubles:view(kind, 0, MANY)
  report(("sum of %s, an element"):format(kind), (least(MANY, function()
    view:sum()
  end)))
  report(("max of %s, an element"):format(kind), (least(MANY, function()
    view:max()
  end)))
end

do
  local copied, moved, ours = least(COUNT, function()
    local copy = {}
    for i = 1, #long do copy[i] = long[i] end
  end, function()
    table.move(long, 1, #long, 1, {})
  end, function()
    items:totable()
  end)
  compare("totable, an item", ours, "copying a table", copied)
  compare("totable, an item", ours, "table.move", moved)
end

if not has_hand then
  print "lua bench_hand is not there to compare with"
  return
end
race("get int", "local x = o[1]", list, by_hand.list)
race("set int", "o[1] = v", list, by_hand.list, 12345)
race("get float", "local x = o[2]", list, by_hand.list)
race("set float", "o[2] = v", list, by_hand.list, 2.5)
race("get str of 10", "local x = o[3]", list, by_hand.list)
race("set str of 10", "o[3] = v", list, by_hand.list, "0123456789")
race("length", "local x = #o", list, by_hand.list)
race("get element of f64", "local x = o[1]", f64, by_hand.f64)
race("set element of f64", "o[1] = v", f64, by_hand.f64, 2.5)
race("get element of i32", "local x = o[1]", i32, by_hand.i32)
race("set element of i32", "o[1] = v", i32, by_hand.i32, 12345)
do
  local ours, theirs = least(COUNT, function()
    for _ in pairs(items) do end
  end, function()
    for _ in pairs(by_hand.items) do end
  end)
  compare("pairs, an item", ours, "by hand", theirs)
end
do
  local ours, theirs = least(MANY, function()
    f64:sum()
  end, function()
    hand.sum(by_hand.f64)
  end)
  compare("sum of f64, an element", ours, "a loop in C", theirs)
end
