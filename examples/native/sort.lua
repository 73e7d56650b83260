-- SPDX-License-Identifier: MIT
-- Sort a shared block with the C library's qsort: lua sort.lua KERNEL [COUNT]

local polyshm = require "polyshm"
local native = require "polyshm.native"

local count <const> = math.tointeger(arg[2] or 1000000)
local block <close> = assert(
  polyshm.SharedMemory {create = true, size = 8 * count})
local numbers = block:view "i64"

local function shuffle()
  local state = 88172645463325252
  for i = 1, count do
    state = state ~ state << 13
    state = state ~ state >> 7
    state = state ~ state << 17
    numbers[i] = state
  end
end

local function check()
  local last = math.mininteger
  for _, number in ipairs(numbers) do
    assert(last <= number)
    last = number
  end
end

local qsort = native.load():bind(
  "qsort", "void([i64], count, u64, fn i32(*i64, *i64))")

local function measure(name, compare)
  shuffle()
  local start = os.clock()
  qsort(numbers, 8, compare)
  print(("%-20s %6.2f s"):format(name, os.clock() - start))
  check()
end

measure("compared by Lua", function(a, b)
  return a < b and -1 or a > b and 1 or 0
end)
measure("compared by C", native.load(arg[1]):symbol "ascending")
