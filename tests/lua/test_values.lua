-- SPDX-License-Identifier: MIT
-- Every kind of value, and that it comes back as it was.

package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local check = require "check"
local polyshm = require "polyshm"

local values = table.pack(
  nil, true, false,
  0, 1, -1, 127, 128, 255, 256, 2^31 | 0, -(2^31) | 0, 1 << 53, (1 << 53) + 1,
  -(1 << 53) - 1, math.maxinteger, math.maxinteger - 1, math.mininteger,
  math.mininteger + 1,
  0.0, -0.0, 1.0, -1.5, 0.1, 2^53, 2^63, 1e308, -1e308, 5e-324, math.huge,
  -math.huge, 0 / 0, -(0 / 0), math.pi,
  "", "a", "seven77", "eight888", "nine99999", "\0a", "a\0b", "\0\0\0a", "\n",
  "é", "日本語", "😀", "\xff", "\xc3", "\xed\xa0\x80", "\xc0\x80", "ok\xff",
  ("x"):rep(255), ("x"):rep(256), ("x"):rep(257), ("é"):rep(1000),
  ("\0"):rep(5000) .. "!", ("0123456789"):rep(7000))

do -- as they were made, through another handle
  local name = check.name()
  local made = assert(polyshm.ShareableList(values, {name = name}))
  local attached = assert(polyshm.ShareableList(nil, {name = name}))
  for i = 1, values.n do
    check.same(attached[i], values[i])
    check.same(attached:totable(i, i)[1], values[i])
  end
  for i, value in pairs(attached) do check.same(value, values[i]) end
  check.items(attached:totable(), table.unpack(values, 1, values.n))
  check.same(made:unlink(), true)
end

do -- one over the other
  local list = assert(polyshm.ShareableList(
    {0}, {name = check.name(), capacity = 70000}))
  check.same(list:unlink(), true)
  for i = 1, values.n do
    for j = 1, values.n, 7 do
      list[1] = values[i]
      list[1] = values[j]
      check.same(list[1], values[j])
    end
  end
end

do -- what counts as str and what as bytes
  local list = assert(polyshm.ShareableList(
    {""}, {name = check.name(), capacity = 100}))
  check.same(list:unlink(), true)
  local function stored(value)
    list[1] = value
    return list:type(1)
  end
  for _, text in ipairs {"", "a", "a\0b", "é", "日本", "😀", "\x7f"} do
    check.same(stored(text), "str")
    check.same(stored(polyshm.str(text)), "str")
    check.same(list[1], text)
    check.same(stored(polyshm.bytes(text)), "bytes")
    check.same(list[1], text)
  end
  for _, bytes in ipairs {"\xff", "a\x80", "\xc0\x80", "\xed\xa0\x80",
    "\xf4\x90\x80\x80", "é\xc3"} do
    check.same(stored(bytes), "bytes")
    check.same(stored(polyshm.bytes(bytes)), "bytes")
    check.error_here("a string is not UTF-8", function()
      list[1] = polyshm.str(bytes)
    end)
    check.same(list[1], bytes)
    check.error("not UTF-8", polyshm.ShareableList, {polyshm.str(bytes)})
  end

  local marked = polyshm.bytes "a\0b"
  check.same(tostring(marked), "a\0b")
  check.same(getmetatable(marked), false)
  for _, mark in ipairs {polyshm.str, polyshm.bytes} do
    for _, value in ipairs {5, {}, true, marked} do
      check.error("string expected", mark, value)
    end
    check.error("string expected", mark)
  end

  local mixed = assert(polyshm.ShareableList(
    {polyshm.bytes "x", polyshm.str "x", "x"}, {name = check.name()}))
  check.same(mixed:unlink(), true)
  check.items(table.pack(mixed:type(1), mixed:type(2), mixed:type(3)),
    "bytes", "str", "str")
  check.same(mixed:count "x", 3)
  check.same(mixed:count(polyshm.bytes "x"), 1)
  check.same(mixed:count(polyshm.str "x"), 2)
end

do -- zero bytes at the end
  local texts = {
    "a\0\0", "\0", ("\0"):rep(9), "seven\0\0", "eight\0\0\0", "\xff\0",
    polyshm.bytes "b\0", ("é"):rep(1000) .. "\0",
  }
  local name = check.name()
  local list = assert(
    polyshm.ShareableList(texts, {name = name, capacity = 16}))
  local attached = assert(polyshm.ShareableList(nil, {name = name}))
  check.same(list:unlink(), true)
  for i, value in ipairs(texts) do
    value = tostring(value)
    check.same(list[i], value)
    check.same(attached[i], value)
    check.same(list:snapshot()[i], value)
    check.same(list:totable()[i], value)
    for _, other in ipairs {"", "a", "\0", "a\0", ("\0"):rep(16)} do
      list[i] = other
      check.same(attached[i], other)
    end
    list[i] = value
    check.same(attached[i], value)
  end
  check.same(list:index "\0", 2)
  check.refused(polyshm.E_NOT_FOUND, list:index "")

  -- Python's own lists cannot tell them from padding.
  local stock = check.stock "mixed.bin"
  stock[1] = "b\0"
  check.same(stock[1], "b")
end

do -- the longest strings
  local name = check.name()
  for _, length in ipairs {9999984, 9999991, 9999992} do
    local long = ("x"):rep(length - 1) .. "!"
    local list = polyshm.ShareableList({long}, {name = name})
    if length == 9999992 then
      -- CPython's rule leaves it no slot; but it fits one that is there.
      check.same(list, nil)
      list = assert(
        polyshm.ShareableList({""}, {name = name, capacity = length}))
      list[1] = long
    end
    check.same(list[1], long)
    check.same(list:type(1), "str")
    check.same(list:index(long), 1)
    check.error("do not fit item 1", function()
      list[1] = ("x"):rep(10000000)
    end)
    check.same(list[1], long)
    list[1] = 5
    check.same(list[1], 5)
    check.same(list:unlink(), true)
    list:close()
  end
end

check.done()
