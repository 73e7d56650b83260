-- SPDX-License-Identifier: MIT
-- Every value there is, in and out again.

package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local check = require "check"
local polyshm = require "polyshm"

local INTEGERS = {
  "0", "1", "-1", "255", "256", "2147483647", "-2147483648", "4294967296",
  "9007199254740991", "9007199254740992", "9007199254740993",
  "-9007199254740991", "-9007199254740992", "-9007199254740993",
  "9223372036854775806", "9223372036854775807",
  "-9223372036854775806", "-9223372036854775807",
}
local FLOATS = {
  0.5, -0.5, 1.5, 1e300, -1e300, 5e-324, 2.2250738585072014e-308,
  1.7976931348623157e308, 1 / 0, -1 / 0, 0 / 0, 2^53 + 2.5e16 + 0.5, 2^70,
}

-- Each through a new list, an assignment, totable, snapshot and pairs.
local function round_trip(value, kind)
  local list = check.list({value, "room for all", n = 2}, {capacity = 40})
  check.same(list:type(1), kind)
  check.same(list[1], value)
  list[2] = value
  check.same(list:type(2), kind)
  check.same(list[2], value)
  check.same(list:totable(2)[1], value)
  check.same(list:snapshot()[2], value)
  for _, item in pairs(list) do check.same(item, value) end
  if value == value then check.same(list:index(value, 2), 2) end
  check.same(list:count(value), value == value and 2 or 0)
end

local function numbers()
  for _, digits in ipairs(INTEGERS) do round_trip(check.int(digits), "int") end
  for _, float in ipairs(FLOATS) do round_trip(float, "float") end
  round_trip(check.int "-9223372036854775807" - 1, "int")
  local list = check.list {0}
  for _, digits in ipairs(INTEGERS) do
    list[1] = check.int(digits)
    check.same(list:add(1, 0), check.int(digits))
    check.same(("%d"):format(list[1]), digits)
  end
  -- Zero keeps its sign.
  list[1] = -0.0
  check.same(list:type(1), "float")
  check.same(1 / list[1], -1 / 0)
end

local function the_rest()
  round_trip(true, "bool")
  round_trip(false, "bool")
  round_trip(nil, "none")
  for _, text in ipairs {"", "a", "seven77", "eight888", "a\0b", "\0", "x\0",
    "é", "日本語", "😀", ("é"):rep(20)} do
    round_trip(text, "str")
  end
  for _, bytes in ipairs {"\255", "\0\255", "\195", "\237\160\128",
    "\244\144\128\128", ("\200"):rep(40)} do
    round_trip(bytes, "bytes")
  end
  -- Around the buffer that short ones fit, and the longest.
  for _, size in ipairs {255, 256, 257, 4096, 9999991} do
    local text = ("x"):rep(size)
    local list = check.list {text}
    check.same(list[1], text)
    list[1] = ("y"):rep(size)
    check.same(list[1], ("y"):rep(size))
    check.same(list:snapshot()[1], ("y"):rep(size))
  end
end

local function marks()
  local list = check.list({polyshm.bytes "abc", polyshm.str "é"})
  check.same(list:type(1), "bytes")
  check.same(list:type(2), "str")
  list[1], list[2] = polyshm.str "abc", polyshm.bytes "é"
  check.same(list:type(1), "str")
  check.same(list:type(2), "bytes")
  check.items(list, "abc", "é")
  check.same(tostring(polyshm.bytes "abc"), "abc")
  check.error("UTF-8", function() list[1] = polyshm.str "\255" end)
  check.same(list[1], "abc")
  check.same(list:index(polyshm.str "abc"), 1)
  check.refused(polyshm.E_NOT_FOUND, list:index(polyshm.bytes "abc"))
  check.same(list:index "é", 2)
  for _, f in ipairs {polyshm.str, polyshm.bytes} do
    check.error("string expected", f, {})
    check.error("string expected", f)
  end
end

-- Integers that differ beyond what a double holds are different.
local function exactness()
  local list = check.list {check.int "9007199254740993"}
  check.refused(polyshm.E_NOT_FOUND, list:index(check.int "9007199254740992"))
  check.same(list:index(check.int "9007199254740993"), 1)
  check.same(list:add(1, check.int "9007199254740993"),
    check.int "18014398509481986")
  local swapped, before = list:swap(1, check.int "18014398509481987", 1)
  check.same(swapped, false)
  check.same(before, check.int "18014398509481986")
  check.same(list:swap(1, check.int "18014398509481986", 1), true)
  check.same(list[1], 1)
end

-- What others wrote is not trusted: a double may have any bits.
local function any_bits()
  local list = check.list {1.5}
  local content = list.shm:read()
  local at
  for offset = 0, #content - 8, 8 do
    if content:sub(offset + 1, offset + 8) == "\0\0\0\0\0\0\248\63" then
      at = offset
    end
  end
  if not at then return end -- another byte order
  for _, bits in ipairs {"\255\255\255\255\255\255\255\255",
    "\1\0\0\0\0\0\248\255", "\0\0\0\0\0\0\249\255", "\0\0\0\0\128\251\255\255",
    "\0\0\0\0\0\0\248\255", "\1\0\0\0\0\0\240\127", "\0\0\0\0\0\0\240\255"} do
    list.shm:write(at, bits)
    for _ = 1, 200 do
      local value = list[1]
      check.that(value ~= value or value == -1 / 0)
      check.same(type(list:totable()[1]), "number")
      check.same(type(list:snapshot()[1]), "number")
    end
  end
end

check.run(function()
  numbers()
  the_rest()
  marks()
  exactness()
  any_bits()
end)
