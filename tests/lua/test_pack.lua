-- SPDX-License-Identifier: MIT
-- b:pack and b:unpack, against string.pack and string.unpack.

package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local check = require "check"
local polyshm = require "polyshm"

local SIZE <const> = 4096
local block = assert(polyshm.SharedMemory {
  name = check.name(), create = true, size = SIZE,
})
check.same(block:unlink(), true)

-- --------------------------------------------------------- as string.pack does

local cases = {
  {""}, {" "}, {"<"}, {"!8"}, {"x"}, {"xxx"}, {"!4 xXi4", n = 1},
  {"b", -128}, {"b", 127}, {"B", 255}, {"h", -2}, {"H", 65535}, {"l", -3},
  {"L", 5}, {"j", math.mininteger}, {"J", -1}, {"T", 77}, {"i", -5}, {"I", 6},
  {"f", 1.5}, {"d", -0.0}, {"n", math.huge}, {"d", 0 / 0}, {"f", 5},
  {">i2<i2=i2", 1, 2, 3}, {">f<f", 1.5, 1.5}, {">d<d", math.pi, math.pi},
  {"i1i2i3i4i5i6i7i8", 1, -2, 3, -4, 5, -6, 7, -8},
  {"i9i10i16", -1, math.mininteger, math.maxinteger}, {">i16", -5},
  {"<I16>I16", 5, 6}, {"I12", 1}, {"j", 3.0}, {"j", "17"}, {"d", "1.5"},
  {"z", "text"}, {"z", ""}, {"s", "text"}, {"s1", ("x"):rep(255)}, {"s2", ""},
  {">s4", "big"}, {"s16", "wide"}, {"c5", "abc"}, {"c3", "abc"}, {"c0", ""},
  {"z", 17}, {"s1", 1.5}, {"c4", 12},
  {"!i1i8i2", 1, 2, 3}, {"!2i1i8", 1, 2}, {"!16i1d", 1, 2.5},
  {"!i1!1i8", 1, 2}, {"!4 i1 Xi8 i1", 1, 2}, {"!8 b Xd b", 1, 2},
  {"!8 b Xh Xi4 d", 1, 2.5}, {"!s1!4i4", "ab", 7}, {"!4 z i4", "abcd", 7},
  {"!8 b s4 b s8", 1, "xyz", 2, "w"}, {"<!4 i2 i4 > i2 i4", 1, 2, 3, 4},
  {"bzs1c4fdjJ", 1, "z\xff", "s\0s", "c\0", 1.5, 2.5, -7, 9},
}
for _, case in ipairs(cases) do
  local format = case[1]
  local count = case.n and case.n - 1 or #case - 1
  local text = string.pack(format, table.unpack(case, 2, count + 1))
  for _, offset in ipairs {0, 1, 7, 8, SIZE - #text} do
    block:fill(0xee)
    check.same(block:pack(offset, format, table.unpack(case, 2, count + 1)),
      offset + #text)
    check.same(block:read(offset, #text), text)
    if offset > 0 then check.same(block:read(offset - 1, 1), "\xee") end
    if offset + #text < SIZE then
      check.same(block:read(offset + #text, 1), "\xee")
    end
    local expected = table.pack(string.unpack(format, text))
    local values = table.pack(block:unpack(offset, format))
    check.same(values.n, expected.n)
    check.same(values[values.n], offset + expected[expected.n] - 1)
    check.items(values, table.unpack(expected, 1, expected.n - 1))
  end
  -- One byte less than it needs.
  if #text > 0 then
    local offset = SIZE - #text + 1
    block:fill(0xee)
    check.error(("%d bytes at offset %d reach past the end"):format(
      #text, offset), block.pack, block, offset, format,
      table.unpack(case, 2, count + 1))
    check.same(block:find "\xee", 0)
    check.same(block:view "u8":min(), 0xee)
    block:fill(0xff)
    check.error("", block.unpack, block, offset, format)
  end
end

-- Random formats.
do
  math.randomseed(7)
  local options = {
    "b", "B", "h", "H", "i", "I", "l", "j", "J", "i3", "I7", "i12", "f", "d",
    "n", "z", "s1", "s4", "s", "c9", "x", "<", ">", "=", "!", "!1", "!4",
    "!16", " ", "Xi4", "Xd",
  }
  local rounds = 0
  for _ = 1, 2000 do
    local words, values = {}, {}
    for _ = 1, math.random(8) do
      local option = options[math.random(#options)]
      words[#words + 1] = option
      if option:find "^[bBhHiIljJ]" then
        values[#values + 1] = math.random(0, 100)
      elseif option:find "^[fdn]" then
        values[#values + 1] = math.random(-50, 50) / 4
      elseif option:find "^[zsc]" then
        values[#values + 1] = ("v"):rep(math.random(0, 9))
      end
    end
    local format = table.concat(words, " ")
    local ok, text = pcall(string.pack, format, table.unpack(values))
    if ok then
      rounds = rounds + 1
      local offset = math.random(0, 99)
      check.same(block:pack(offset, format, table.unpack(values)),
        offset + #text)
      check.same(block:read(offset, #text), text)
      local expected = table.pack(string.unpack(format, text))
      expected[expected.n] = offset + expected[expected.n] - 1
      local found = table.pack(block:unpack(offset, format))
      check.same(found.n, expected.n)
      check.items(found, table.unpack(expected, 1, expected.n))
    else
      check.error(text:match "%(.*%)" or text, block.pack, block, 0, format,
        table.unpack(values))
    end
  end
  check.that(rounds > 1000)
end

-- --------------------------------------------------------------------- errors

-- What string.pack says, too; the arguments are counted as the caller wrote
-- them.
for _, case in ipairs {
  {"invalid format option 'y'", "y"}, {"invalid format option '1'", "1"},
  {"integral size (17) out of limits [1,16]", "i17", 1},
  {"integral size (0) out of limits [1,16]", "I0", 1},
  {"integral size (99) out of limits [1,16]", "!99"},
  {"missing size for format option 'c'", "c", ""},
  {"bad argument #2 to '%s' (invalid next option for option 'X')", "X"},
  {"bad argument #2 to '%s' (invalid next option for option 'X')", "Xz"},
  {"bad argument #2 to '%s' (invalid next option for option 'X')", "Xc1"},
  {"bad argument #2 to '%s' (invalid next option for option 'X')", "X "},
  {"bad argument #2 to '%s' (format asks for alignment not power of 2)",
    "!3 i4", 1},
  {"bad argument #2 to '%s' (format asks for alignment not power of 2)",
    "!i3", 1},
  {"bad argument #3 to '%s' (integer overflow)", "b", 128},
  {"bad argument #3 to '%s' (integer overflow)", "b", -129},
  {"bad argument #4 to '%s' (unsigned overflow)", "bB", 1, 256},
  {"bad argument #3 to '%s' (unsigned overflow)", "I7", -1},
  {"bad argument #3 to '%s' (number expected, got no value)", "b"},
  {"bad argument #3 to '%s' (number expected, got table)", "d", {}},
  {"bad argument #3 to '%s' (number has no integer representation)", "j", 1.5},
  {"bad argument #3 to '%s' (number expected, got string)", "j", "x"},
  {"bad argument #3 to '%s' (string expected, got nil)", "z", nil, n = 3},
  {"bad argument #3 to '%s' (string contains zeros)", "z", "a\0b"},
  {"bad argument #3 to '%s' (string longer than given size)", "c2", "abc"},
  {"bad argument #3 to '%s' (string length does not fit in given size)", "s1",
    ("x"):rep(256)},
} do
  block:fill(0)
  local message = case[1]:format "pack"
  check.error_here(message, function()
    block:pack(0, table.unpack(case, 2, case.n or #case))
  end)
  check.same(block:view "u8":max(), 0) -- none of it was written
end
for _, format in ipairs {"y", "i17", "c", "X", "!3i4"} do
  check.error_here("", function() block:unpack(0, format) end)
end

block:fill(0xff)
check.error_here("16-byte integer does not fit into Lua Integer", function()
  block:unpack(0, "I16")
end)
check.same(block:unpack(0, "i16"), -1)
check.error_here("unfinished string for format 'z'", function()
  block:unpack(0, "z")
end)
check.error_here("reach past the end", function() block:unpack(0, "s8") end)
check.error_here("255 bytes at offset 4000 reach past the end", function()
  block:unpack(3999, "s1")
end)
check.error_here("reach past the end", function()
  block:unpack(0, "c2147483647")
end)
check.error_here("reach past the end", function()
  block:unpack(SIZE + 1, "")
end)
check.error_here("reach past the end", function() block:pack(SIZE + 1, "") end)
check.same(block:unpack(SIZE, ""), SIZE)
check.same(block:pack(SIZE, ""), SIZE)
for _, method in ipairs {"pack", "unpack"} do
  for _, offset in ipairs {-1, math.mininteger} do
    check.error("number out of range", block[method], block, offset, "")
  end
  check.error("reach past the end", block[method], block, math.maxinteger, "")
  check.error("number expected, got no value", block[method], block)
  check.error("string expected, got no value", block[method], block, 0)
  check.error("string expected, got table", block[method], block, 0, {})
end
check.error("stack overflow", block.unpack, block, 0, ("c0"):rep(1100000))

-- Numbers become strings where a string is wanted, once, and the caller's stay.
do
  local value = 12
  check.same(block:pack(0, "zs1", value, value), 6)
  check.same(math.type(value), "integer")
  check.items(table.pack(block:unpack(0, "zs1")), "12", "12", 6)
end

-- A finalizer that closes the block while strings are made of it.
do
  local victim = assert(polyshm.SharedMemory {
    name = check.name(), create = true, size = 100000,
  })
  check.same(victim:unlink(), true)
  setmetatable({}, {__gc = function() victim:close() end})
  check.error("has been closed", function()
    for _ = 1, 1000 do victim:unpack(0, ("c1000"):rep(100)) end
  end)
end

block:close()
check.error_here("has been closed", function() block:pack(0, "b", 1) end)
check.error_here("has been closed", function() block:unpack(0, "b") end)

check.done()
