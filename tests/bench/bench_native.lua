-- SPDX-License-Identifier: MIT
-- Native calls from Lua, and the same written by hand: nanoseconds per call, the
-- least of many passes, taken in turns. Prints lines `lua <name> <ns> <by hand>`.
-- Arguments: the kernels, and how many percent of the passes are made.

local polyshm = require "polyshm"
local native = require "polyshm.native"
local hand = require "bench_native"

local PERCENT <const> = tonumber(arg[2]) or 100
local PASSES <const> = math.max(1, 40 * PERCENT // 100)
local COUNT <const> = 50000
local ITEMS <const> = 20000

local kernels = native.load(arg[1])
local block = assert(polyshm.SharedMemory {create = true, size = 80})
local items = assert(polyshm.SharedMemory {create = true, size = 8 * ITEMS})
local view, numbers = block:view "f64", items:view "i64"
local by_hand = hand.view(block.name, 10)
local numbers_by_hand = hand.view(items.name, 4)
block:unlink()
items:unlink()

local function loop(statement, ...)
  return assert(load("local f, a, b = ... return function() for _ = 1, " ..
    COUNT .. " do " .. statement .. " end end"))(...)
end

local function time(run)
  local start = os.clock()
  run()
  return os.clock() - start
end

-- The least of each, taken in turns.
local function least(...)
  local best = {}
  for _ = 1, PASSES do
    for i, run in ipairs {...} do
      best[i] = math.min(best[i] or math.huge, time(run))
    end
  end
  return best
end

local function report(name, nanoseconds, other)
  print(("lua %-28s %8.1f %8.1f"):format(name, nanoseconds, other))
end

local function compare(name, statement, f, g, a, b, c, d)
  local best = least(loop(statement, f, a, b), loop(statement, g, c or a, d or b),
    loop("", f))
  local scale = 1e9 / COUNT
  report(name, (best[1] - best[3]) * scale, (best[2] - best[3]) * scale)
end

compare("void()", "f()", kernels:bind("nothing", "void()"), hand.nothing)
compare("i64(i64)", "f(a)", kernels:bind("twice", "i64(i64)"), hand.twice, 21)
compare("f64(count, const [f64])", "f(a)",
  kernels:bind("last_f64", "f64(count, const [f64])"), hand.last, view, nil,
  by_hand)
compare("f64(const [f64], const [f64], count)", "f(a, b)",
  kernels:bind("dot", "f64(const [f64], const [f64], count)"), hand.dot,
  view, view, by_hand, by_hand)

-- Per comparison. All sort the same numbers.
local qsort = native.load():bind(
  "qsort", "void([i64], count, u64, fn i32(*i64, *i64))")
local kept = native.callback("i32(*i64, *i64)", function(a, b)
  return a < b and -1 or a > b and 1 or 0
end)
local comparisons = 0
local function order(a, b) return a < b and -1 or a > b and 1 or 0 end

local function shuffle()
  local state = 88172645463325252
  for i = 1, ITEMS do
    state = state ~ state << 13
    state = state ~ state >> 7
    state = state ~ state << 17
    numbers[i] = state
  end
end
shuffle()
qsort(numbers, 8, function(a, b)
  comparisons = comparisons + 1
  return order(a, b)
end)

local best = {}
for _ = 1, math.max(1, 15 * PERCENT // 100) do
  for i, run in ipairs {
    function() qsort(numbers, 8, order) end,
    function() qsort(numbers, 8, kept) end,
    function() hand.sort_safely(numbers_by_hand, order) end,
    function() hand.sort_quickly(numbers_by_hand, order) end,
    function() qsort(numbers, 8, kernels:symbol "compare_i64") end,
  } do
    shuffle()
    best[i] = math.min(best[i] or math.huge, time(run) / comparisons * 1e9)
  end
end
report("a comparison, as by hand", best[1], best[3])
report("a comparison, unprotected", best[1], best[4])
report("native.callback, as by hand", best[2], best[3])
report("native.callback, unprotected", best[2], best[4])
report("a comparison in C", best[5], best[5])
