-- SPDX-License-Identifier: MIT
-- Lists: ShareableList.

package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local check = require "check"
local polyshm = require "polyshm"

local function making_and_attaching()
  local name = check.name()
  local made = assert(polyshm.ShareableList({1, "two", 3.5}, {name = name}))
  check.same(made.name, name)
  check.same(#made, 3)
  check.same(tostring(made), ("ShareableList '%s' (3 items)"):format(name))
  local attached = assert(polyshm.ShareableList(nil, {name = name}))
  check.items(attached, 1, "two", 3.5)
  attached[1] = -1
  check.same(made[1], -1)
  check.that(made == attached)
  check.that(made ~= check.list {1})
  check.that(made ~= nil)
  check.that(made ~= made.shm)

  check.refused(polyshm.E_EXISTS, polyshm.ShareableList({}, {name = name}))
  local opened = assert(
    polyshm.ShareableList({5}, {name = name, exclusive = false}))
  check.items(opened, -1, "two", 3.5)
  local viewed = assert(
    polyshm.ShareableList(nil, {name = name, read_only = true}))
  for _, change in ipairs {
    function() viewed[1] = 1 end,
    function() viewed:add(1) end,
    function() viewed:swap(1, -1, 2) end,
    function() viewed:update {7} end,
  } do
    check.error_here("is open for reading only", change)
  end
  check.same(viewed[1], -1)

  check.same(polyshm.inspect(name).kind, "list")
  check.same(polyshm.inspect(name).length, 3)
  check.same(made:unlink(), true)
  check.refused(polyshm.E_NOT_FOUND, made:unlink())
  check.refused(polyshm.E_NOT_FOUND,
    polyshm.ShareableList(nil, {name = name}))
  check.same(attached[2], "two")

  local drawn = assert(polyshm.ShareableList {})
  check.that(drawn.name:find "^psm_%x+$")
  check.same(#drawn, 0)
  check.same(drawn:unlink(), true)
end

local function values_and_options()
  check.same(#check.list(check.pack(nil, nil)), 2)
  check.items(check.list(check.pack(nil, 1, nil)), nil, 1, nil)
  check.items(check.list {1, 2, 3, n = 2}, 1, 2, nil)
  check.same(#check.list {n = 0}, 0)
  for _, n in ipairs {-1, 1.5, "x", 2^62, {}, true} do
    check.error("'n'", polyshm.ShareableList, {1, n = n})
  end
  for _, value in ipairs {{}, print, io.stdout, coroutine.create(print)} do
    check.error("value 2 is a " .. type(value),
      polyshm.ShareableList, {1, value})
  end
  check.error("options are the second argument",
    polyshm.ShareableList, {name = "x"})
  check.error("a new list is not read-only",
    polyshm.ShareableList, {1}, {read_only = true})
  check.error("unknown option", polyshm.ShareableList, {1}, {size = 1})
  check.error("seconds", polyshm.ShareableList, {1}, {timeout = 0 / 0})
  check.error_here("bad argument #1 to 'ShareableList'", function()
    polyshm.ShareableList(1)
  end)
  check.error_here("bad argument #2 to 'ShareableList'", function()
    polyshm.ShareableList(nil, 1)
  end)
  check.refused(polyshm.E_SPACE,
    polyshm.ShareableList({("x"):rep(9999993)}, {name = check.name()}))

  local list = check.list({1, "x", ("y"):rep(30)}, {capacity = 20})
  check.same(list:capacity(1), 24)
  check.same(list:capacity(-1), 32)
  list[1] = ("z"):rep(24)
  check.error_here("25 bytes do not fit item 1, which holds 24", function()
    list[1] = ("z"):rep(25)
  end)
  check.same(list[1], ("z"):rep(24))
  check.error_here("bad argument #1 to 'capacity' (index out of range)",
    function() list:capacity(4) end)
end

local function one_by_one()
  local list = check.list {10, 20, 30}
  check.items(list, 10, 20, 30)
  check.same(list[-1], 30)
  check.same(list[-3], 10)
  for _, index in ipairs {0, 4, -4, 1.5, 2^53, 2^63, 2^64, -2^64, 1 / 0, -1 / 0,
    0 / 0, "1", "x", true, {}, list, "__index"} do
    check.same(list[index], nil)
  end
  check.same(list[nil], nil)
  list[1], list[-1], list[2] = 11, 33, 22
  check.items(list, 11, 22, 33)
  for _, index in ipairs {0, 4, -4, 2^52} do
    check.error("is outside the list, which has 3 items", function()
      list[index] = 1
    end)
  end
  check.error_here("index 4 is outside the list", function() list[4] = 1 end)
  for _, index in ipairs {1.5, true, {}, list, 0 / 0, 1 / 0} do
    check.error("the index of an item is an integer, not ", function()
      list[index] = 1
    end)
  end
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

local function iterating()
  local list = check.list(check.pack(1, nil, "x", nil))
  local seen = {}
  for i, value in pairs(list) do
    seen[#seen + 1] = ("%d=%s"):format(i, tostring(value))
  end
  check.same(table.concat(seen, " "), "1=1 2=nil 3=x 4=nil")
  for _ in pairs(check.list {}) do check.that(false) end
  for i in pairs(list) do list[i] = i end
  check.items(list, 1, 2, 3, 4)
  local step, state = pairs(list)
  check.same(select("#", step(state, 4)) <= 1, true)
  check.error("number expected", step, state)
  check.error("ShareableList expected", step, io.stdout, 0)
  check.error("has been closed", function()
    for i in pairs(list) do if i == 2 then list:close() end end
  end)
  check.error("has been closed", pairs, list)
end

local function as_tables()
  local list = check.list {10, 20, 30, 40}
  local function range(first, last)
    return table.concat(list:totable(first, last), " ")
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
  check.same(range(1, -5), "")
  check.error_here("bad argument #1 to 'totable' (number expected, got ",
    function() list:totable {} end)
  check.error_here("bad argument #2 to 'totable' (number has no integer",
    function() list:totable(1, 1.5) end)
  check.same(list:totable().n, nil)
  list[2] = nil
  check.items(list:totable(), 10, nil, 30, 40)
  check.same(list:totable().n, 4)

  check.same(list:update {[2] = 2.5, [-1] = 5}, true)
  check.items(list, 10, 2.5, 30, 5)
  check.same(list:update(check.pack(nil, 3)), true)
  check.items(list, nil, 3, 30, 5)
  check.refused(polyshm.E_SPACE, list:update {1, 2, ("x"):rep(9)})
  check.items(list, nil, 3, 30, 5)
  for _, key in ipairs {0, 5, -5, 1.5, "x", true} do
    check.error("is no index of the list, which has 4 items",
      list.update, list, {[key] = 1})
  end
  check.error_here("which has 4 items", function() list:update {[9] = 1} end)
  check.error_here("value 2 is a table", function() list:update {1, {}} end)
  check.error_here("'n'", function() list:update {n = 5} end)
  check.error_here("table expected", function() list:update(1) end)
  check.items(list, nil, 3, 30, 5)

  check.same(check.list(check.pack(1, 2.5, "x", true, nil, ("y"):rep(20)))
    :format(), "qd8sxxxxxxx?xxxxxx?x24s")
  check.same(check.list {}:format(), "")
end

local function searching()
  local list = check.list {
    1, "x", 2.5, true, "x", false, "日本", "\255", 2^53, n = 10,
  }
  check.same(list:index "x", 2)
  check.same(list:index("x", 3), 5)
  check.same(list:index("x", -6), 5)
  check.same(list:index("x", 0), 2)
  check.same(list:index "日本", 7)
  check.same(list:index "\255", 8)
  check.same(list:index(nil), 10)
  check.same(list:index(2^53), 9)
  check.same(list:index(true), 1)
  check.refused(polyshm.E_NOT_FOUND, list:index "y")
  check.refused(polyshm.E_NOT_FOUND, list:index("x", 6))
  check.same(list:count "x", 2)
  check.same(list:count(1), 2)
  check.same(list:count "y", 0)
  check.error_here("bad argument #1 to 'index'", function() list:index {} end)
  check.error_here("bad argument #2 to 'index'", function()
    list:index("x", 1.5)
  end)
  check.error_here("bad argument #1 to 'count'", function()
    list:count(print)
  end)
end

local function closing()
  local list = check.list {1, 2}
  local name, shm = list.name, list.shm
  check.same(shm.name, name)
  check.that(shm == list.shm)
  check.same(list:close(), true)
  check.same(list:close(), true)
  check.same(tostring(list), ("ShareableList '%s' (closed)"):format(name))
  check.same(list.name, name)
  for _, use in ipairs {
    function() return list[1] end, function() list[1] = 1 end,
    function() return #list end, function() list:totable() end,
    function() list:totable(2, 1) end, function() list:snapshot() end,
    function() list:update {} end, function() list:format() end,
    function() list:add(1) end, function() list:swap(1, 1, 2) end,
    function() list:index(1) end, function() list:count(1) end,
    function() list:type(1) end, function() list:capacity(1) end,
    function() list:lock() end, function() list:version() end,
    function() list:version(1) end, function() list:wait(1, 0) end,
    function() shm:read() end,
  } do
    check.error_here("has been closed", use)
  end

  -- The block beneath keeps its list.
  local beneath = check.list({7}).shm
  collectgarbage()
  collectgarbage()
  check.same(beneath:read(0, 8):byte(), 1)
  check.same(beneath:close(), true)

  local pinned = check.list {1}
  local lock = assert(pinned:lock(0))
  check.refused(polyshm.E_BUSY, pinned:close())
  check.same(lock:unlock(), true)
  check.same(pinned:close(), true)
end

local function members()
  local list = check.list {1}
  for _, wrong in ipairs {1, "x", {}, io.stdout, list.shm, print} do
    for _, name in ipairs {"close", "unlink", "type", "capacity", "index",
      "count", "totable", "update", "format", "add", "swap", "snapshot", "lock",
      "version", "wait", "timeout"} do
      check.error("ShareableList expected", list[name], wrong, 1, 1)
    end
  end
  check.error_here("bad self (ShareableList expected", function()
    setmetatable({}, {__index = function() return list.add end}):add(1)
  end)
end

check.run(function()
  making_and_attaching()
  values_and_options()
  one_by_one()
  iterating()
  as_tables()
  searching()
  closing()
  members()
end)
