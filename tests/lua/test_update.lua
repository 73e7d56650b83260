-- SPDX-License-Identifier: MIT
-- Lists as a whole: update and format.

package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local check = require "check"
local polyshm = require "polyshm"

local function fresh(values, options)
  options = options or {}
  options.name = check.name()
  local list = assert(polyshm.ShareableList(values, options))
  check.same(list:unlink(), true)
  return list
end

-- --------------------------------------------------------------------- update

do -- what a table has
  local list = fresh({1, 2, 3, 4, 5}, {capacity = 16})
  check.same(list:update {10, "zwei", 30.5}, true)
  check.items(list, 10, "zwei", 30.5, 4, 5)
  check.same(list:update {[2] = true, [-1] = "last", [4.0] = 4.5}, true)
  check.items(list, 10, true, 30.5, 4.5, "last")
  check.same(list:update {}, true)
  check.same(list:update {nil, 2, nil, 4}, true)
  check.items(list, 10, 2, 30.5, 4, "last")
  check.same(list:update(table.pack(nil, false, nil)), true)
  check.items(list, nil, false, nil, 4, "last")
  check.same(list:update(table.pack()), true)
  check.same(list:update {1, 2, 3, 4, 5, 6, 7, n = 2}, true)
  check.items(list, 1, 2, nil, 4, "last")
  check.same(list:update {n = 5.0}, true)
  check.items(list, nil, nil, nil, nil, nil)

  check.same(list:update {polyshm.bytes "x", "x", "\xff"}, true)
  check.items(table.pack(list:type(1), list:type(2), list:type(3)),
    "bytes", "str", "bytes")
  local items = list:totable()
  check.same(fresh({0, 0, 0, 0, 0}):update(items), true)
  check.same(list:update(list:snapshot()), true)
end

do -- all or nothing
  local list = fresh {1, 2, "three"}
  local function unchanged() check.items(list, 1, 2, "three") end
  for _, key in ipairs {0, 4, -4, 1.5, "x", "1", true, math.maxinteger,
    math.mininteger, math.huge} do
    local text = ("bad argument #1 to 'update' (its key '%s' is no index of " ..
      "the list, which has 3 items)"):format(key)
    check.error_here(text, function() list:update {5, [key] = 6} end)
    unchanged()
  end
  for _, n in ipairs {-1, 4, 1.5, "x", true, {}, math.maxinteger} do
    check.error_here("bad argument #1 to 'update' (its field 'n' is no " ..
      "count of items of the list)", function() list:update {5, n = n} end)
    unchanged()
  end
  for _, value in ipairs {{}, print, io.stdout, coroutine.create(print)} do
    check.error_here("bad argument #1 to 'update' (value 2 is a " ..
      type(value) .. ", which no list holds)", function()
        list:update {5, value}
      end)
    unchanged()
  end
  local result, message, code = list:update {5, "far too long"}
  check.refused(polyshm.E_SPACE, result, message, code)
  check.same(message, "12 bytes do not fit item 2, which holds 8")
  unchanged()
  check.refused(polyshm.E_SPACE,
    list:update {5, 6, ("x"):rep(9), n = 3})
  unchanged()
  check.error_here("bad argument #1 to 'update' (table expected, got no value)",
    function() list:update() end)
  for _, wrong in ipairs {1, "x", list, io.stdout} do
    check.error("table expected", list.update, list, wrong)
  end
  check.error_here("a string is not UTF-8", function()
    list:update {[2] = polyshm.str "\xff"}
  end)
  unchanged()
end

do -- no metamethod is called
  local list = fresh {1, 2}
  local called = false
  local function trap() called = true end
  check.same(list:update(setmetatable({5}, {
    __index = trap, __pairs = trap, __len = trap,
  })), true)
  check.items(list, 5, 2)
  check.same(called, false)
end

do -- one item that is damaged
  local list = fresh {1, 2, 3}
  list.shm:write(8, ("\x07"):rep(24)) -- the offsets
  local result, message, code = list:update {5}
  check.refused(polyshm.E_CORRUPT, result, message, code)
  check.that(message:find "^item 1: ")
  check.refused(polyshm.E_CORRUPT, list:format())
end

-- --------------------------------------------------------------------- format

do
  check.same(fresh({}):format(), "")
  local list = fresh(table.pack(1, 2.5, true, nil, "seven77", "eight888",
    polyshm.bytes "x", ("é"):rep(100), ""))
  check.same(list:format(), "qdxxxxxxx?xxxxxx?x8s16s8s200s8s")
  list[1], list[2], list[5] = "text", false, 5
  check.same(list:format(), "8sxxxxxxx?xxxxxxx?xxxxxx?xq16s8s200s8s")
  check.same(fresh({0}, {capacity = 30}):format(), "q")
  list = fresh({0}, {capacity = 30})
  list[1] = ("x"):rep(30)
  check.same(list:format(), "32s")

  local long = fresh {("x"):rep(9999991), 1}
  check.same(long:format(), "9999992sq")
end

do -- of Python's own lists
  local list = check.stock "mixed.bin"
  local text = list.shm:read()
  local found = list:format()
  -- Its formats stand in the list, one after the other, in eight bytes each.
  local first = list:type(1) == "int" and "q" or found:match "^%d*%a"
  local at = list.shm:find(first .. ("\0"):rep(8 - #first))
  local stored = {}
  for i = 0, #list - 1 do
    stored[#stored + 1] = text:sub(at + 8 * i + 1, at + 8 * i + 8):match "^%Z*"
  end
  check.same(found, table.concat(stored))
end

check.done()
