-- SPDX-License-Identifier: MIT
-- Typed views of blocks.

package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local check = require "check"
local polyshm = require "polyshm"

local SIZES = {i8 = 1, i16 = 2, i32 = 4, i64 = 8, u8 = 1, u16 = 2, u32 = 4,
  u64 = 8, f32 = 4, f64 = 8}
-- What the integer kinds hold, and what is too much.
local LIMITS = {
  i8 = {-128, 127}, i16 = {-32768, 32767}, i32 = {-2147483648, 2147483647},
  u8 = {0, 255}, u16 = {0, 65535}, u32 = {0, 4294967295},
}

local function each_kind(act)
  for kind, size in pairs(SIZES) do act(kind, size) end
end

local function elements(kind, size)
  local block = check.block(1000)
  local view = block:view(kind, 3, 10)
  check.same(#view, 10)
  check.same(view.kind, kind)
  check.same(view.offset, 3)
  check.that(view.shm == block)
  check.same(tostring(view),
    ("View '%s' (10 %s at offset 3)"):format(block.name, kind))
  for i = 1, 10 do view[i] = i end
  check.same(view[-1], 10)
  view[-1] = 100
  for i, x in pairs(view) do check.same(x, i == 10 and 100 or i) end
  check.same(block:read(0, 3), "\0\0\0")
  check.same(block:read(3 + 10 * size, 8), ("\0"):rep(8))
  for _, index in ipairs {0, 11, -11, 1.5, 2^53, 1 / 0, 0 / 0, "x", true} do
    check.same(view[index], nil)
  end
  for _, index in ipairs {0, 11, -11} do
    check.error("is outside the view, which has 10 elements", function()
      view[index] = 1
    end)
  end
  check.error("the index of an element is an integer", function()
    view[true] = 1
  end)
  check.error_here("the field 'kind' cannot be set", function()
    view.kind = 1
  end)
  for _, x in ipairs {"1", true, {}, print} do
    check.error(("an element of kind %s is a number"):format(kind), function()
      view[1] = x
    end)
  end
  check.error_here("is a number, not a nil", function() view[1] = nil end)
  check.same(view[1], 1)
  local limits = LIMITS[kind]
  for i, limit in ipairs(limits or {}) do
    view[1] = limit
    check.same(view[1], limit)
    check.error_here("an element of kind " .. kind .. " is an integer from",
      function() view[1] = limit + (i == 1 and -1 or 1) end)
    check.same(view[1], limit)
  end
  if kind:sub(1, 1) ~= "f" then
    check.error("an element of kind " .. kind, function() view[1] = 1.5 end)
    check.error("an element of kind " .. kind, function() view[1] = 0 / 0 end)
    check.error("an element of kind " .. kind, function() view[1] = 2^64 end)
  end
end

local function loops(kind, size)
  local block = check.block(50000 * size)
  local view = block:view(kind)
  check.same(#view, 50000)
  check.same(view:sum(), 0)
  check.same(view:fill(2), true)
  check.same(view:sum(), 100000)
  check.same(view:fill(3, 2, -2), true)
  check.same(view:sum(), 2 * 2 + 49998 * 3)
  check.same(view:fill(7, 30000, 30000), true)
  check.same(view:min(), 2)
  check.same(view:max(), 7)
  check.same(view:max(1, 29999), 3)
  check.same(view:min(2, -2), 3)
  check.same(view:sum(5, 4), 0)
  check.same(view:min(5, 4), nil)
  check.same(view:max(60000), nil)
  local items = view:totable()
  check.same(#items, 50000)
  check.items(items, 2, 3, 3)
  check.same(items[30000], 7)
  check.same(#view:totable(29999, 30001), 3)
  check.same(view:totable(29999, 30001)[2], 7)

  check.same(view:copy {9, 8}, true)
  check.items(view, 9, 8, 3)
  check.same(view:copy({6, 5}, -2), true)
  check.items(view:totable(-3), 3, 6, 5)
  check.same(view:copy(block:view(kind, 0, 3), 4), true)
  check.items(view, 9, 8, 3, 9, 8, 3, 3)
  check.same(view:copy(block:view(kind, 0, 4), 2), true) -- they overlap
  check.items(view, 9, 9, 8, 3, 9)
  check.same(view:copy(check.list {1, 2}), true)
  check.items(view, 1, 2, 8)
  check.same(view:copy {}, true)
  check.error_here("bad argument #1 to 'copy'", function()
    view:copy({1, 2}, -1)
  end)
  check.error_here("bad argument #2 to 'copy'", function()
    view:copy({1}, 50002)
  end)
  check.error_here("View, table or ShareableList expected", function()
    view:copy(1)
  end)
  check.error_here("value 2: an element of kind", function()
    view:copy {1, "x"}
  end)
  check.items(view, 1, 2, 8)
  check.error_here("bad argument #1 to 'fill'", function() view:fill "x" end)
  check.error_here("bad argument #2 to 'fill'", function()
    view:fill(1, {})
  end)
  check.error_here("bad argument #1 to 'sum'", function() view:sum "x" end)
  check.error_here("bad argument #2 to 'max'", function() view:max(1, {}) end)
end

local function between_kinds()
  local block = check.block(80)
  local wide = block:view("f64", 0, 5)
  wide:copy {1, 2, 3, 4, 5}
  local narrow = block:view("u8", 40, 5)
  check.same(narrow:copy(wide), true)
  check.same(block:read(40, 5), "\1\2\3\4\5")
  wide[3] = 2.5
  check.error("value 3: an element of kind u8", narrow.copy, narrow, wide)
  check.same(block:read(40, 5), "\1\2\3\4\5")
  check.same(block:view("f32", 48, 5):copy(wide), true)
  check.same(block:view("f32", 48, 5)[3], 2.5)
end

local function whole_range()
  local block = check.block(16)
  local signed = block:view "i64"
  for _, digits in ipairs {"9223372036854775807", "-9223372036854775807",
    "9007199254740993", "-1"} do
    signed[2] = check.int(digits)
    check.same(signed[2], check.int(digits))
    check.same(signed:totable()[2], check.int(digits))
    check.same(signed:sum(), check.int(digits))
    check.same(signed:max(2), check.int(digits))
  end
  signed[1], signed[2] = check.int "9223372036854775807", 1
  check.same(signed:sum(), check.int "-9223372036854775807" - 1)
  check.same(signed:max(), check.int "9223372036854775807")
  check.same(signed:min(), 1)
end

local function any_bits()
  local block = check.block(80000)
  block:fill(255)
  for _, kind in ipairs {"f32", "f64"} do
    local view = block:view(kind)
    for i = 1, 200 do
      check.that(view[i] ~= view[i])
      check.same(type(view[i]), "number")
    end
    check.that(view:sum() ~= view:sum())
    check.that(view:min() ~= view:min())
    check.that(view:max() ~= view:max())
    check.same(type(view:totable()[7]), "number")
    view[1] = 1
    check.that(view:max() ~= view:max())
  end
end

local function making()
  local block = check.block(20)
  check.same(#block:view "f64", 2)
  check.same(#block:view("f64", 5), 1)
  check.same(#block:view("u8", 20), 0)
  check.same(#block:view("u8", 20, 0), 0)
  for _, wrong in ipairs {{"f64", 0, 3}, {"u8", 21}, {"u8", -1}, {"u8", 0, -1},
    {"u8", 1.5}, {"u8", {}}, {"u8", 0, {}}, {"f16"}, {""}, {{}}, {}} do
    check.error("bad argument", block.view, block, wrong[1], wrong[2], wrong[3])
  end
  check.error_here("no kind is called 'f16'", function() block:view "f16" end)
  check.error_here("bad argument #2 to 'view'", function()
    block:view("u8", 21)
  end)
  check.error_here("bad argument #3 to 'view'", function()
    block:view("u8", 0, 21)
  end)
  local view = block:view "u8"
  for _, wrong in ipairs {1, "x", {}, io.stdout, block} do
    for _, name in ipairs {"totable", "fill", "copy", "sum", "min", "max"} do
      check.error("View expected", view[name], wrong, 1)
    end
  end
end

local function closing()
  local block = check.block(20)
  local view, other = block:view "u8", check.block(5):view "u8"
  collectgarbage()
  collectgarbage()
  check.same(other[5], 0) -- it has kept its block
  check.same(block:close(), true)
  check.same(tostring(view), ("View '%s' (closed)"):format(block.name))
  for _, use in ipairs {
    function() return view[1] end, function() return view[21] end,
    function() view[1] = 1 end, function() view[21] = 1 end,
    function() return #view end, function() view:totable() end,
    function() view:fill(1) end, function() view:copy {1} end,
    function() view:sum() end, function() view:min() end,
    function() view:max() end, function() view:sum(2, 1) end,
    function() other:copy(view) end, function() pairs(view) end,
  } do
    check.error("has been closed", use)
  end
  check.error_here("has been closed", function() return view[1] end)

  local name = check.name()
  local made = assert(
    polyshm.SharedMemory {name = name, create = true, size = 3})
  local viewed = assert(polyshm.SharedMemory {name = name, read_only = true})
  view = viewed:view "u8"
  check.same(view[1], 0)
  for _, change in ipairs {
    function() view[1] = 1 end, function() view:fill(1) end,
    function() view:copy {1} end,
  } do
    check.error_here("is open for reading only", change)
  end
  check.same(made:unlink(), true)
  local list = check.list {5}
  check.same(#list.shm:view "u8", list.shm.size)
end

check.run(function()
  each_kind(elements)
  each_kind(loops)
  between_kinds()
  whole_range()
  any_bits()
  making()
  closing()
end)
