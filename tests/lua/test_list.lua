-- SPDX-License-Identifier: MIT
-- Lists: ShareableList.

package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local check = require "check"
local polyshm = require "polyshm"

-- A list that has its name no longer.
local function fresh(values, options)
  options = options or {}
  options.name = check.name()
  local list = assert(polyshm.ShareableList(values, options))
  check.same(list:unlink(), true)
  return list
end

-- ------------------------------------------------------- making and attaching

do
  local name = check.name()
  local made = assert(polyshm.ShareableList({1, "two", 3.5}, {name = name}))
  check.same(made.name, name)
  check.same(#made, 3)
  local attached = assert(polyshm.ShareableList(nil, {name = name}))
  check.items(attached, 1, "two", 3.5)
  attached[1] = -1
  check.same(made[1], -1)

  check.refused(polyshm.E_EXISTS, polyshm.ShareableList({}, {name = name}))
  local opened = assert(
    polyshm.ShareableList({5}, {name = name, exclusive = false}))
  check.items(opened, -1, "two", 3.5)

  local viewed = assert(
    polyshm.ShareableList(nil, {name = name, read_only = true}))
  check.items(viewed, -1, "two", 3.5)
  check.error_here("the list '" .. name .. "' is open for reading only",
    function()
      viewed[1] = 1
    end)
  check.same(viewed[1], -1)

  check.same(made:unlink(), true)
  check.refused(polyshm.E_NOT_FOUND, made:unlink())
  check.refused(polyshm.E_NOT_FOUND,
    polyshm.ShareableList(nil, {name = name, capacity = 5, exclusive = false}))
  check.same(attached[2], "two")
end

do -- drawn names
  local list = assert(polyshm.ShareableList {})
  check.that(list.name:find "^psm_%x+$")
  check.same(#list, 0)
  check.same(list:unlink(), true)
end

do -- the values
  check.same(#fresh {}, 0)
  check.same(#fresh(table.pack()), 0)
  check.same(#fresh(table.pack(nil, nil)), 2)
  check.items(fresh(table.pack(nil, 1, nil)), nil, 1, nil)
  check.items(fresh {1, 2, 3, n = 2}, 1, 2, nil)
  check.items(fresh {1, n = 2.0}, 1, nil)
  check.items(fresh {1, 2, name = "ignored"}, 1, 2)
  check.items(fresh(fresh {1, nil, 3}:totable()), 1, nil, 3)
  check.same(#fresh {n = 0}, 0)
  for _, n in ipairs {-1, 1.5, "x", 1 << 62, math.maxinteger, {}, true} do
    check.error("'n'", polyshm.ShareableList, {1, n = n})
  end

  -- Metamethods are heeded.
  local proxy = setmetatable({}, {
    __index = function(_, i) return i ~= "n" and i * 10 or nil end,
    __len = function() return 3 end,
  })
  check.items(fresh(proxy), 10, 20, 30)
  check.items(fresh(setmetatable({1, 2}, {})), 1, 2)

  for _, value in ipairs {{}, print, io.stdout, coroutine.create(print)} do
    check.error("value 2 is a " .. type(value),
      polyshm.ShareableList, {1, value})
  end
  check.refused(polyshm.E_SPACE,
    polyshm.ShareableList({("x"):rep(9999993)}, {name = check.name()}))
end

do -- capacity
  local list = fresh({1, "x", ("y"):rep(30)}, {capacity = 20})
  check.items(table.pack(
    list:capacity(1), list:capacity(2), list:capacity(-1)), 24, 24, 32)
  check.same(math.type(list:capacity(1)), "integer")
  list[1] = ("z"):rep(24)
  check.same(list[1], ("z"):rep(24))
  check.error_here("25 bytes do not fit item 1, which holds 24", function()
    list[1] = ("z"):rep(25)
  end)
  check.error_here("33 bytes do not fit item 3, which holds 32", function()
    list[-1] = ("z"):rep(33)
  end)
  check.same(list[1], ("z"):rep(24))
  check.error_here("bad argument #1 to 'capacity' (index out of range)",
    function()
      list:capacity(4)
    end)
  for _, index in ipairs {0, -4, math.maxinteger, math.mininteger} do
    check.error("index out of range", list.capacity, list, index)
    check.error("index out of range", list.type, list, index)
  end
  check.error("number expected, got nil", list.capacity, list)
  check.error("number expected, got no value", list.type, list)
end

-- ----------------------------------------------------------------- one by one

do
  local list = fresh {10, 20, 30}
  check.items(table.pack(list[1], list[2], list[3]), 10, 20, 30)
  check.items(table.pack(list[-1], list[-2], list[-3]), 30, 20, 10)
  check.same(list[2.0], 20)
  check.same(list[-1.0], 30)
  for _, index in ipairs {0, 4, -4, 1.5, math.maxinteger, math.mininteger,
    math.huge, -math.huge, 0 / 0, 2^53, 2^63, "1", "2.0", "x", true, {}, list,
    "__index", "__disown"} do
    check.same(list[index], nil)
  end
  check.same(list[nil], nil)

  list[1], list[-1], list[2.0] = 11, 33, 22
  check.items(list, 11, 22, 33)
  for _, index in ipairs {0, 4, -4, math.maxinteger, math.mininteger} do
    check.error(("index %d is outside the list, which has 3 items"):format(
      index), function() list[index] = 1 end)
  end
  check.error_here("index 4 is outside the list", function()
    list[4] = 1
  end)
  for _, index in ipairs {1.5, math.huge, 2^63, true, {}, list} do
    check.error("the index of an item is an integer, not ", function()
      list[index] = 1
    end)
  end
  check.error("the index of an item is an integer", function()
    list[0 / 0] = 1
  end)
  check.error("the index of an item is an integer", function()
    list[nil] = 1
  end)
  for _, key in ipairs {"1", "name", "index", "other"} do
    check.error(("the field '%s' cannot be set"):format(key), function()
      list[key] = 1
    end)
  end
  for _, value in ipairs {{}, print, io.stdout, coroutine.create(print)} do
    check.error("no list holds a " .. type(value), function()
      list[1] = value
    end)
  end
  check.items(list, 11, 22, 33)
end

do -- the table library works on lists
  local list = fresh {3, 1, 2}
  table.sort(list)
  check.items(list, 1, 2, 3)
  check.same(table.concat(list, ","), "1,2,3")
  check.items(table.pack(table.unpack(list)), 1, 2, 3)
  table.move(list, 2, 3, 1)
  check.items(list, 2, 3, 3)
end

-- ------------------------------------------------------------------ iteration

do
  local list = fresh(table.pack(1, nil, "x", nil))
  local seen = {}
  for i, value in pairs(list) do
    check.same(math.type(i), "integer")
    seen[#seen + 1] = i .. "=" .. tostring(value)
  end
  check.same(table.concat(seen, " "), "1=1 2=nil 3=x 4=nil")

  local count = 0
  for _ in ipairs(list) do count = count + 1 end
  check.same(count, 1)
  for _ in pairs(fresh {}) do check.that(false) end

  -- Items may change meanwhile, and the list may end.
  for i in pairs(list) do list[i] = i end
  check.items(list, 1, 2, 3, 4)
  check.error("has been closed", function()
    for i in pairs(list) do if i == 2 then list:close() end end
  end)
  check.error("has been closed", pairs, list)

  local step, state, start = pairs(fresh {1, 2})
  check.items(table.pack(step(state, 1)), 2, 2)
  check.same(select("#", step(state, 2)), 0)
  check.same(select("#", step(state, -1)), 0)
  check.same(select("#", step(state, math.maxinteger)), 0)
  check.same(start, 0)
  check.error("number expected", step, state)
  check.error("ShareableList expected", step, io.stdout, 0)
end

-- -------------------------------------------------------------------- methods

do -- totable
  local list = fresh {10, 20, 30, 40}
  local function range(...)
    local table_ = list:totable(...)
    check.same(table_.n, nil)
    return table.concat(table_, " ")
  end
  check.same(range(), "10 20 30 40")
  check.same(range(2), "20 30 40")
  check.same(range(2, 3), "20 30")
  check.same(range(-2), "30 40")
  check.same(range(1, -2), "10 20 30")
  check.same(range(-100, 100), "10 20 30 40")
  check.same(range(0, 1), "10")
  check.same(range(3, 2), "")
  check.same(range(5), "")
  check.same(range(1, 0), "")
  check.same(range(1, -5), "")
  check.same(range(math.mininteger, math.maxinteger), "10 20 30 40")
  check.same(range(math.maxinteger, math.mininteger), "")
  check.same(range(nil, nil), "10 20 30 40")
  check.error_here("bad argument #1 to 'totable' (number expected, got string)",
    function()
      list:totable("x")
    end)

  list[2] = nil
  local items = list:totable()
  check.items(items, 10, nil, 30, 40)
  check.same(items.n, 4)
  check.same(list:totable(1, 2).n, 2)
  check.same(list:totable(3).n, nil)
end

do -- index and count
  local list = fresh {
    1, "x", 2.0, true, "x", false, "日本", "\xff", 2^53, n = 10,
  }
  check.same(list:index "x", 2)
  check.same(list:index("x", 2), 2)
  check.same(list:index("x", 3), 5)
  check.same(list:index("x", -6), 5)
  check.same(list:index("x", -100), 2)
  check.same(list:index("x", 0), 2)
  check.refused(polyshm.E_NOT_FOUND, list:index("x", 6))
  check.refused(polyshm.E_NOT_FOUND, list:index("x", math.maxinteger))
  check.same(list:index("x", math.mininteger), 2)
  check.refused(polyshm.E_NOT_FOUND, list:index "y")
  check.refused(polyshm.E_NOT_FOUND, list:index(0 / 0))
  check.same(math.type(list:index "x"), "integer")

  -- Numbers and booleans compare by value, as with Python.
  check.same(list:index(1), 1)
  check.same(list:index(1.0), 1)
  check.same(list:index(true, 2), 4)
  check.same(list:index(0), 6)
  check.same(list:index(2), 3)
  check.same(list:index(1 << 53), 9)
  check.refused(polyshm.E_NOT_FOUND, list:index((1 << 53) + 1))
  check.same(list:index(nil), 10)
  check.same(list:index "日本", 7)
  check.same(list:index "\xff", 8)
  check.same(list:index(polyshm.bytes "\xff"), 8)
  check.refused(polyshm.E_NOT_FOUND, list:index(polyshm.bytes "日本"))
  check.same(list:index(polyshm.str "日本"), 7)

  check.same(list:count "x", 2)
  check.same(list:count "y", 0)
  check.same(list:count(1), 2)
  check.same(list:count(nil), 1)
  check.same(list:count(0 / 0), 0)
  for _, method in ipairs {"index", "count"} do
    check.error("expected, got no value", list[method], list)
    check.error("expected, got table", list[method], list, {})
  end
  check.error_here("bad argument #1 to 'count' (nil, boolean, number or " ..
    "string expected, got function)", function()
      list:count(print)
    end)
  check.error_here("bad argument #2 to 'index' (number expected, got string)",
    function()
      list:index(1, "x")
    end)
end

do -- type
  local list = fresh(table.pack(
    nil, true, 1, 1.0, "s", "\xff", polyshm.bytes "s", polyshm.str "s", "",
    ("x"):rep(1000)))
  local types = {}
  for i in pairs(list) do types[i] = list:type(i) end
  check.same(table.concat(types, " "),
    "none bool int float str bytes bytes str str str")
end

-- ------------------------------------------------------------------ the block

do
  local name = check.name()
  local list = assert(polyshm.ShareableList({"content"}, {name = name}))
  local block = list.shm
  check.that(rawequal(block, list.shm))
  check.same(block.name, name)
  check.same(tostring(block):match "^%S+", "SharedMemory")
  check.that(block:read():find("content", 1, true))
  local attached = assert(polyshm.SharedMemory(name))
  check.that(block == attached)
  check.same(block.size, attached.size)
  check.that(list ~= block)
  check.that(block ~= list)

  local one = assert(polyshm.ShareableList(nil, {name = name}))
  check.that(one == list)
  check.same(list:unlink(), true)
  local other = assert(polyshm.ShareableList({1}, {name = name}))
  check.that(one ~= other)
  check.same(block:close(), true)
  check.error_here("the list '" .. name .. "' has been closed", function()
    return list[1]
  end)
  check.same(list:close(), true)
  check.same(one:close(), true)
  check.error("has been closed", one.shm.read, one.shm)
  check.same(list:unlink(), true)
end

-- -------------------------------------------------------------------- closing

do
  local name = check.name()
  local list = assert(polyshm.ShareableList({1, 2}, {name = name}))
  check.same(tostring(list), ("ShareableList '%s' (2 items)"):format(name))
  check.same(list:close(), true)
  check.same(list:close(), true)
  check.same(tostring(list), ("ShareableList '%s' (closed)"):format(name))
  check.error_here("the list '" .. name .. "' has been closed", function()
    return list[1]
  end)
  check.error_here("the list '" .. name .. "' has been closed", function()
    list[1] = 1
  end)
  for _, use in ipairs {
    function() return #list end,
    function() return list[5] end,
    function() return pairs(list) end,
    function() return ipairs(list)(list, 0) end,
    function() return list:index(1) end,
    function() return list:count(1) end,
    function() return list:totable() end,
    function() return list:totable(5, 4) end,
    function() return list:capacity(1) end,
    function() return list:type(1) end,
    function() return list:format() end,
    function() return list:update {} end,
  } do
    check.error("has been closed", use)
  end
  check.same(list.name, name)
  check.same(list.shm.name, name)
  check.same(list:unlink(), true)
end

if check.closes then
  local outer
  do
    local list <close> = assert(
      polyshm.ShareableList({1}, {name = check.name()}))
    outer = list
    check.same(list:unlink(), true)
    check.same(list[1], 1)
  end
  check.error("has been closed", function() return outer[1] end)
end

-- ----------------------------------------------------- what others put there

do -- no list at all
  local name = check.name()
  local block <close> = assert(
    polyshm.SharedMemory {name = name, create = true, size = 100})
  block:write(0, ("\xff"):rep(100))
  check.refused(polyshm.E_CORRUPT, polyshm.ShareableList(nil, {name = name}))
  check.refused(polyshm.E_CORRUPT,
    polyshm.ShareableList({}, {name = name, exclusive = false}))
  check.same(block:unlink(), true)
end

do -- the layout of Python 3.8
  local name = check.name()
  local content = check.golden "py38_mixed.bin"
  local block <close> = assert(
    polyshm.SharedMemory {name = name, create = true, size = #content})
  block:write(0, content)
  check.refused(polyshm.E_VERSION, polyshm.ShareableList(nil, {name = name}))
  check.same(block:unlink(), true)
end

do -- one item that is damaged
  local list = fresh {1, 2, 3}
  local formats = list.shm:read():find("q\0\0\0\0\0\0\0", 1, true) - 1
  list.shm:write(formats + 8, "?!")
  check.same(list[1], 1)
  check.same(list[3], 3)
  check.error_here("item 2: ", function()
    return list[2]
  end)
  check.error("item 2: ", function() for _ in pairs(list) do end end)
  check.refused(polyshm.E_CORRUPT, list:type(2))
  check.refused(polyshm.E_CORRUPT, list:totable())
  check.refused(polyshm.E_CORRUPT, list:index(3))
  check.refused(polyshm.E_CORRUPT, list:count(3))
  check.same(list:totable(3)[1], 3)
  list[2] = 5
  check.items(list, 1, 5, 3)

  list.shm:write(8, ("\x07"):rep(24)) -- the offsets
  check.error("item 1: ", function() return list[1] end)
  check.error("item 1: ", function() list[1] = 1 end)
  check.refused(polyshm.E_CORRUPT, list:capacity(1))
end

check.done()
