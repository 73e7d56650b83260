-- SPDX-License-Identifier: MIT
-- Typed views of blocks.

package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local check = require "check"
local polyshm = require "polyshm"

-- A block that has its name no longer.
local function fresh(size)
  local block = assert(polyshm.SharedMemory {
    name = check.name(), create = true, size = size,
  })
  check.same(block:unlink(), true)
  return block
end

-- Kind, format of string.pack, least and most, and numbers it has not.
local integers = {
  {"i8", "i1", -128, 127, -129, 128},
  {"i16", "i2", -32768, 32767, -32769, 32768},
  {"i32", "i4", -(1 << 31), (1 << 31) - 1, -(1 << 31) - 1, 1 << 31},
  {"i64", "i8", math.mininteger, math.maxinteger},
  {"u8", "I1", 0, 255, -1, 256},
  {"u16", "I2", 0, 65535, -1, 65536},
  {"u32", "I4", 0, (1 << 32) - 1, -1, 1 << 32},
  {"u64", "I8", math.mininteger, math.maxinteger},
}
local floats = {{"f32", "f"}, {"f64", "d"}}

-- ------------------------------------------------------------------- elements

do -- every kind, aligned and not, against string.pack
  local block <close> = fresh(64)
  for _, case in ipairs(integers) do
    local kind, format, least, most = table.unpack(case, 1, 4)
    local size = string.packsize(format)
    for _, offset in ipairs {0, 8, 3} do
      local view = block:view(kind, offset, 4)
      check.same(#view, 4)
      check.same(view.kind, kind)
      check.same(view.offset, offset)
      check.that(rawequal(view.shm, block))
      for _, value in ipairs {least, most, 0, 1, 77, most - 1, least + 1} do
        view[2] = value
        check.same(view[2], value)
        check.same(view[-3], value)
        check.same(block:read(offset + size, size), format:pack(value))
        block:write(offset + 2 * size, format:pack(value))
        check.same(view[3], value)
        view[1] = value + 0.0 == value and math.abs(value) < 1 << 53
          and value + 0.0 or value
        check.same(view[1], value)
      end
    end
    for i = 5, 6 do
      local wrong = case[i]
      if wrong then
        local view = block:view(kind, 0, 1)
        local text = ("an element of kind %s is an integer from %d to %d, " ..
          "not %d"):format(kind, least, most, wrong)
        view[1] = most
        check.error_here(text, function() view[1] = wrong end)
        check.same(view[1], most)
      end
    end
  end
  local view = block:view("u64", 0, 1)
  view[1] = -1
  check.same(block:read(0, 8), ("\xff"):rep(8))
  check.same(math.ult(view[1], math.maxinteger), false)
end

do -- floats
  local block <close> = fresh(64)
  for _, case in ipairs(floats) do
    local kind, format = case[1], case[2]
    for _, offset in ipairs {0, 5} do
      local view = block:view(kind, offset, 3)
      for _, value in ipairs {0.0, -0.0, 1.5, -1.5, math.huge, -math.huge,
        0 / 0, 2.0 ^ 100} do
        view[3] = value
        check.same(view[3], value)
        block:write(offset, format:pack(value))
        check.same(view[1], value)
      end
      view[1] = 7
      check.same(view[1], 7.0)
    end
  end
  local single, double = block:view "f32", block:view "f64"
  single[1] = 0.1
  check.same(single[1], string.unpack("f", string.pack("f", 0.1)))
  single[1] = 1e300
  check.same(single[1], math.huge)
  double[1] = 5e-324
  check.same(double[1], 5e-324)
end

do -- what is no element
  local block <close> = fresh(8)
  for _, kind in ipairs {"i8", "u64", "f64"} do
    local view = block:view(kind)
    for _, value in ipairs {"1", true, {}, print, io.stdout, view} do
      check.error(("an element of kind %s is a number, not a %s"):format(
        kind, type(value)), function() view[1] = value end)
    end
    check.error_here("is a number, not a nil", function() view[1] = nil end)
  end
  for _, kind in ipairs {"i8", "u64"} do
    local view = block:view(kind)
    for _, value in ipairs {1.5, 2^63, -2^70, math.huge, 0 / 0} do
      check.error_here("an element of kind " .. kind, function()
        view[1] = value
      end)
    end
  end
  check.same(block:read(), ("\0"):rep(8))
end

do -- indices
  local block <close> = fresh(30)
  local view = block:view("i16", 4, 3)
  view[1], view[2], view[-1] = 1, 2, 3
  check.same(view[2.0], 2)
  check.same(view[-3], 1)
  for _, index in ipairs {0, 4, -4, 1.5, math.maxinteger, math.mininteger,
    math.huge, 0 / 0, 2^53, 2^63, "1", "x", true, {}, view, "__index"} do
    check.same(view[index], nil)
  end
  check.same(view[nil], nil)
  for _, index in ipairs {0, 4, -4, math.maxinteger, math.mininteger} do
    check.error(("index %d is outside the view, which has 3 elements"):format(
      index), function() view[index] = 1 end)
  end
  check.error_here("index 4 is outside the view", function() view[4] = 1 end)
  check.error_here("index 1.5 is outside the view", function()
    view[1.5] = 1
  end)
  for _, index in ipairs {true, {}, view} do
    check.error("the index of an element is an integer, not ", function()
      view[index] = 1
    end)
  end
  for _, key in ipairs {"1", "kind", "sum", "other"} do
    check.error(("the field '%s' cannot be set"):format(key), function()
      view[key] = 1
    end)
  end
  check.same(block:read(0, 4), "\0\0\0\0")
  check.same(block:read(10), ("\0"):rep(20))

  check.same(getmetatable(view), "View")
  check.that(view ~= block:view("i16", 4, 3))
  check.that(view == view)
end

do -- making them
  local block <close> = fresh(20)
  check.same(#block:view "u8", 20)
  check.same(#block:view "f64", 2)
  check.same(#block:view("f64", 4), 2)
  check.same(#block:view("f64", 5), 1)
  check.same(#block:view("u8", 20), 0)
  check.same(#block:view("u16", nil, 10), 10)
  check.same(#block:view("u16", 0, 0), 0)
  check.same(#block:view("u16", 2.0, 3.0), 3)
  for _, kind in ipairs {"", "f16", "i128", "F64", "d", "f64x", "i8\0"} do
    check.error_here("bad argument #1 to 'view' (no kind is called", function()
      block:view(kind)
    end)
  end
  check.error_here("bad argument #1 to 'view' (string expected, got no value)",
    function() block:view() end)
  check.error_here("bad argument #2 to 'view' (the block ends before this " ..
    "offset)", function() block:view("u8", 21) end)
  check.error_here("bad argument #2 to 'view' (number out of range)",
    function() block:view("u8", -1) end)
  check.error_here("bad argument #2 to 'view' (number expected, got string)",
    function() block:view("u8", "x") end)
  for _, place in ipairs {{0, 11}, {2, 10}, {19, 1}, {20, 1}, {0, -1},
    {0, math.maxinteger}, {0, math.mininteger}} do
    check.error_here("bad argument #3 to 'view' (", function()
      block:view("u16", table.unpack(place))
    end)
  end
end

-- ------------------------------------------------------------------ iteration

do
  local block <close> = fresh(40)
  local view = block:view "i64"
  for i = 1, 5 do view[i] = i * i end
  local seen = {}
  for i, x in pairs(view) do seen[#seen + 1] = i .. "=" .. x end
  check.same(table.concat(seen, " "), "1=1 2=4 3=9 4=16 5=25")
  seen = {}
  for i, x in ipairs(view) do seen[#seen + 1] = i .. "=" .. x end
  check.same(table.concat(seen, " "), "1=1 2=4 3=9 4=16 5=25")
  for _ in pairs(block:view("i64", 0, 0)) do check.that(false) end

  local step = pairs(view)
  check.items(table.pack(step(view, 4)), 5, 25)
  for _, index in ipairs {5, -1, math.maxinteger, math.mininteger} do
    check.same(select("#", step(view, index)), 0)
  end
  check.error("number expected", step, view)
  check.error("View expected", step, block, 0)

  table.sort(view, function(a, b) return a > b end)
  check.items(view, 25, 16, 9, 4, 1)
  check.same(table.concat(view, ","), "25,16,9,4,1")
  check.items(table.pack(table.unpack(view)), 25, 16, 9, 4, 1)
end

-- -------------------------------------------------------------------- methods

do -- totable
  local block <close> = fresh(8)
  local view = block:view "u8"
  view:copy {1, 2, 3, 4, 5, 6, 7, 8}
  local function range(...) return table.concat(view:totable(...), " ") end
  check.same(range(), "1 2 3 4 5 6 7 8")
  check.same(range(3, 5), "3 4 5")
  check.same(range(-2), "7 8")
  check.same(range(0, 1), "1")
  check.same(range(5, 4), "")
  check.same(range(math.mininteger, math.maxinteger), "1 2 3 4 5 6 7 8")
  check.same(range(nil, 2), "1 2")
  check.same(view:totable().n, nil)
  check.same(math.type(block:view "f32":totable()[1]), "float")
  check.error_here("bad argument #1 to 'totable' (number expected, got string)",
    function() view:totable "x" end)
end

do -- fill, with all counts around the size of its pattern
  local block <close> = fresh(5000)
  for _, case in ipairs {{"u8", 1}, {"i16", 2}, {"f32", 4}, {"f64", 8}} do
    local kind, size = case[1], case[2]
    local view = block:view(kind, 3)
    for _, count in ipairs {0, 1, 63, 64, 65, 127, 128, 129, 511, 512, 513,
      #view - 2} do
      if count <= #view - 2 then
        block:fill(0)
        check.same(view:fill(9, 2, count + 1), true)
        check.same(math.tointeger(view:sum()), 9 * count)
        check.same(view[1] == 0 and view[count + 2] == 0, true)
        check.same(block:find(("\0"):rep(3 + size)), 0)
      end
    end
  end
  local view = block:view "i8"
  check.same(view:fill(-1), true)
  check.same(block:read(), ("\xff"):rep(5000))
  check.same(view:fill(5, -2), true)
  check.items(view:totable(-3), -1, 5, 5)
  check.same(view:fill(6, 3, 2), true)
  check.same(view:min(), -1)
  check.error_here("bad argument #1 to 'fill' (an element of kind i8 is an " ..
    "integer from -128 to 127, not 128)", function() view:fill(128) end)
  check.error_here("bad argument #1 to 'fill' (an element of kind i8 is a " ..
    "number, not a string)", function() view:fill "1" end)
  check.error_here("bad argument #1 to 'fill' (value expected)",
    function() view:fill() end)
  check.error_here("bad argument #2 to 'fill' (number expected, got table)",
    function() view:fill(1, {}) end)
end

do -- copy
  local block <close> = fresh(64)
  local other <close> = fresh(64)
  local view, source = block:view "i32", other:view("i32", 0, 4)
  check.same(source:copy {1, 2, 3, 4}, true)
  check.same(view:copy(source), true)
  check.items(view:totable(1, 5), 1, 2, 3, 4, 0)
  check.same(view:copy(source, 13), true)
  check.items(view:totable(13), 1, 2, 3, 4)
  check.same(view:copy(source, -4), true)
  check.same(view:copy({}, 17), true)
  check.same(view:copy(other:view("i32", 0, 0)), true)
  check.error_here("bad argument #1 to 'copy' (the view has not so many " ..
    "elements from there on)", function() view:copy(source, 14) end)
  for _, index in ipairs {0, 18, -17, math.maxinteger, math.mininteger} do
    check.error_here("bad argument #2 to 'copy' (index out of range)",
      function() view:copy(source, index) end)
  end

  -- Parts of one view that overlap, both ways.
  view:copy {1, 2, 3, 4, 5, 6, 7, 8}
  check.same(block:view("i32", 8, 6):copy(block:view("i32", 0, 6)), true)
  check.items(view:totable(1, 8), 1, 2, 1, 2, 3, 4, 5, 6)
  check.same(view:copy(block:view("i32", 8, 6)), true)
  check.items(view:totable(1, 8), 1, 2, 3, 4, 5, 6, 5, 6)
  check.same(view:copy(view), true)

  -- Other kinds, tables, lists, and what looks like a table.
  local doubles = other:view("f64", 0, 3)
  doubles:copy {1.0, -2.0, 3.5}
  check.error_here("value 3: an element of kind i32 is an integer from " ..
    "-2147483648 to 2147483647, not 3.5", function() view:copy(doubles) end)
  check.same(view[1], 1)
  doubles[3] = 4
  check.same(view:copy(doubles, 2), true)
  check.items(view:totable(1, 4), 1, 1, -2, 4)
  local bytes = block:view("u8", 0, 8)
  check.same(bytes:copy {255, 0, 1, 2}, true)
  check.same(block:view "f64":copy(bytes), true) -- over its own source
  check.items(block:view("f64", 0, 8), 255.0, 0.0, 1.0, 2.0)
  local list = assert(polyshm.ShareableList({7, 8.0}, {name = check.name()}))
  check.same(list:unlink(), true)
  check.same(view:copy(list), true)
  check.items(view:totable(1, 2), 7, 8)
  check.same(view:copy(setmetatable({}, {
    __len = function() return 2 end,
    __index = function(_, i) return 10 * i end,
  })), true)
  check.items(view:totable(1, 2), 10, 20)
  list[2] = "x"
  check.error_here("value 2: an element of kind i32 is a number, not a string",
    function() view:copy(list) end)
  check.error("value 2: an element of kind i32 is a number, not a nil",
    view.copy, view, setmetatable({1}, {__len = function() return 2 end}))
  for _, wrong in ipairs {1, true, "text", block, io.stdout, print} do
    check.error("View, table or ShareableList expected",
      view.copy, view, wrong)
  end
  check.error("View, table or ShareableList expected, got no value",
    view.copy, view)
  for _, length in ipairs {-1, 17, math.maxinteger, 1.5, "x"} do
    check.error("", view.copy, view,
      setmetatable({}, {__len = function() return length end}))
  end
  check.items(view:totable(1, 2), 10, 20)

  -- A source whose code closes the view's block.
  local victim = fresh(16)
  local target = victim:view "u8"
  check.error("has been closed", target.copy, target, setmetatable({}, {
    __len = function() return 1 end,
    __index = function()
      victim:close()
      return 1
    end,
  }))
end

do -- sum, min and max against plain loops, of all lengths around the lanes
  local block <close> = fresh(8 * 200 + 1)
  math.randomseed(42)
  local kinds = {}
  for _, case in ipairs(integers) do kinds[#kinds + 1] = case end
  kinds[#kinds + 1] = {"f32", "f", -1000, 1000}
  kinds[#kinds + 1] = {"f64", "d", -1000, 1000}
  for _, case in ipairs(kinds) do
    local kind, _, least, most = table.unpack(case, 1, 4)
    local is_float = kind:find "^f"
    local less = kind == "u64" and math.ult or function(a, b) return a < b end
    local view = block:view(kind, 1, 200)
    for i = 1, 200 do -- no one interval is as large as 64 bits
      local part = i % 2 == 0 and math.random(least // 2, most // 2)
        or i % 4 == 1 and math.random(least, least // 2)
        or math.random(most // 2, most)
      view[i] = part
    end
    for _, range in ipairs {{1, 0}, {1, 1}, {2, 16}, {1, 15}, {3, 19}, {1, 33},
      {1, 200}, {-7, -1}, {5, 5}} do
      local i, j = table.unpack(range)
      local items = view:totable(i, j)
      local sum, low, high = is_float and 0.0 or 0, items[1], items[1]
      for _, x in ipairs(items) do
        sum = sum + x
        if less(x, low) then low = x end
        if less(high, x) then high = x end
      end
      check.same(view:sum(i, j), sum)
      check.same(view:min(i, j), low)
      check.same(view:max(i, j), high)
    end
    for place = 1, 40 do -- the extreme may be anywhere
      view:fill(1, 1, 40)
      view[place] = 0
      check.same(view:min(1, 40), is_float and 0.0 or 0)
      view[place] = 2
      check.same(view:max(1, 40), is_float and 2.0 or 2)
    end
  end

  local big = block:view("i64", 0, 3)
  big:copy {math.maxinteger, 1, 5}
  check.same(big:sum(), math.maxinteger + 1 + 5) -- wraps
  local unsigned = block:view("u64", 0, 3)
  unsigned:copy {-1, 1, 5}
  check.same(unsigned:max(), -1)
  check.same(unsigned:min(), 1)
  check.same(unsigned:sum(), 5)

  for _, kind in ipairs {"f32", "f64"} do
    local view = block:view(kind, 0, 40)
    for place = 1, 40, 3 do
      view:fill(1)
      view[place] = 0 / 0
      check.same(view:sum(), 0 / 0)
      check.same(view:min(), 0 / 0)
      check.same(view:max(), 0 / 0)
    end
    view:fill(math.huge)
    check.same(view:sum(), math.huge)
    check.same(view:min(), math.huge)
    check.same(view:sum(1, 0), 0.0)
  end
  check.same(block:view "u8":sum(1, 0), 0)
  check.same(block:view "u8":min(1, 0), nil)
  check.same(select("#", block:view "u8":max(1, 0)), 1)
  for _, method in ipairs {"sum", "min", "max"} do
    check.error_here("bad argument #2 to '", function()
      local view = block:view "u8"
      if method == "sum" then view:sum(1, "x") end
      if method == "min" then view:min(1, "x") end
      view:max(1, "x")
    end)
  end
end

do -- much at once
  local block <close> = fresh(8000000)
  local view = block:view "f64"
  check.same(view:fill(0.5), true)
  check.same(view:sum(), 500000.0)
  check.same(#view:totable(), 1000000)
end

-- -------------------------------------------------------------------- closing

do
  local name = check.name()
  local block = assert(
    polyshm.SharedMemory {name = name, create = true, size = 16})
  local view = block:view("i32", 4)
  check.same(tostring(view), ("View '%s' (3 i32 at offset 4)"):format(name))
  check.same(block:close(), true)
  check.same(tostring(view), ("View '%s' (closed)"):format(name))
  check.same(view.kind, "i32")
  check.same(view.offset, 4)
  check.that(rawequal(view.shm, block))
  local other <close> = fresh(16)
  for _, use in ipairs {
    function() return view[1] end,
    function() return view[99] end,
    function() view[1] = 1 end,
    function() view[99] = 1 end,
    function() return #view end,
    function() return pairs(view) end,
    function() return ipairs(view)(view, 0) end,
    function() view:totable() end,
    function() view:totable(2, 1) end,
    function() view:fill(1) end,
    function() view:fill(1, 2, 1) end,
    function() view:copy {1} end,
    function() view:copy {} end,
    function() other:view "i32":copy(view) end,
    function() other:view "i8":copy(view) end,
    function() view:sum() end,
    function() view:sum(2, 1) end,
    function() view:min() end,
    function() view:max() end,
    function() block:view "i32" end,
    function() for i in pairs(other:view "i8") do
      if i == 2 then other:close() end
    end end,
  } do
    check.error("has been closed", use)
  end
  check.error_here("the block '" .. name .. "' has been closed",
    function() local _ = view[1] end)
  check.same(block:unlink(), true)
end

do -- a view keeps its block, and that may be a list's
  local name = check.name()
  local made <close> = assert(polyshm.ShareableList({1, 2.5}, {name = name}))
  local list = assert(polyshm.ShareableList(nil, {name = name}))
  local numbers = list.shm:view("i64", 0, 1)
  check.same(numbers[1], 2) -- Python's lists begin with their length
  local shm = list.shm
  list = nil
  collectgarbage()
  collectgarbage()
  check.same(numbers[1], 2)
  check.same(check.mappings(name), 1)
  check.that(rawequal(numbers.shm, shm))
  shm:close()
  check.error("has been closed", function() return numbers[1] end)
  check.same(polyshm.unlink(name), true)

  local view = fresh(8):view "u8"
  collectgarbage()
  collectgarbage()
  view[8] = 5
  check.same(view.shm:read(7), "\5")
  local weak = setmetatable({view.shm}, {__mode = "v"})
  view = nil
  collectgarbage()
  collectgarbage()
  check.same(weak[1], nil)
end

do -- through two views of two handles
  local name = check.name()
  local one = assert(
    polyshm.SharedMemory {name = name, create = true, size = 80})
  local two = assert(polyshm.SharedMemory {name = name, read_only = true})
  local writer, reader = one:view "f64", two:view "f64"
  writer[10] = 2.5
  check.same(reader[-1], 2.5)
  check.error_here("is open for reading only", function() reader[1] = 1 end)
  check.error_here("is outside the view", function() reader[0] = 1 end)
  check.error("is open for reading only", reader.fill, reader, 1)
  check.error("is open for reading only", reader.copy, reader, writer)
  check.same(writer:copy(reader), true)
  check.same(one:unlink(), true)
end

check.done()
