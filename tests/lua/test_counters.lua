-- SPDX-License-Identifier: MIT
-- Integers that several processes change, and looks at several items at once.

package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local check = require "check"
local polyshm = require "polyshm"

local function make(values)
  return assert(polyshm.ShareableList(values, {name = check.name()}))
end

-- ------------------------------------------------------------------------ add

do
  local list = make {10, 20, 30}
  check.same(list:add(1), 11)
  check.same(list:add(1, 5), 16)
  check.same(list:add(1, nil), 17)
  check.same(list:add(1, 0), 17)
  check.same(list:add(-1, -100), -70)
  check.same(list:add(2.0, 2.0), 22)
  check.same(math.type(list:add(2, 2.0)), "integer")
  check.items(list, 17, 24, -70)

  for _, index in ipairs {0, 4, -4, math.maxinteger, math.mininteger} do
    check.error("index out of range", list.add, list, index)
  end
  check.error_here("bad argument #1 to 'add' (index out of range)", function()
    list:add(4)
  end)
  check.error_here("bad argument #2 to 'add' (number has no integer " ..
    "representation)", function()
      list:add(1, 1.5)
    end)
  check.error_here("bad argument #2 to 'add' (number expected, got table)",
    function()
      list:add(1, {})
    end)
  for _, delta in ipairs {0.5, 2^63, math.huge, 0 / 0, "x", true, print} do
    check.error("bad argument", list.add, list, 1, delta)
  end
  check.error("number expected, got no value", list.add, list)
  check.items(list, 17, 24, -70)
  check.same(list:unlink(), true)
end

do -- at the ends of what an integer holds
  local list = make {math.maxinteger - 1, math.mininteger + 1, -1}
  check.same(list:add(1), math.maxinteger)
  check.same(list:add(2, -1), math.mininteger)
  local sum, message, code = list:add(1)
  check.refused(polyshm.E_SPACE, sum, message, code)
  check.same(message, "the sum does not fit item 1")
  check.refused(polyshm.E_SPACE, list:add(1, math.maxinteger))
  check.refused(polyshm.E_SPACE, list:add(2, -1))
  check.refused(polyshm.E_SPACE, list:add(-2, math.mininteger))
  check.items(list, math.maxinteger, math.mininteger, -1)
  check.same(list:add(1, math.mininteger), -1)
  check.same(list:add(2, math.maxinteger), -1)
  check.same(list:add(3, math.mininteger + 1), math.mininteger)
  check.same(list:unlink(), true)
end

do -- what is no integer
  local values = table.pack(nil, true, 1.0, "1", polyshm.bytes "1")
  local list = make(values)
  for i = 1, values.n do
    local before = list[i]
    check.error_here(("item %d is no integer"):format(i), function()
      list:add(i)
    end)
    check.error_here(("item %d is no integer"):format(i), function()
      list:swap(i, 1, 2)
    end)
    check.same(list[i], before)
    list[i] = 1
    check.same(list:add(i), 2)
  end
  check.same(list:unlink(), true)
end

-- ----------------------------------------------------------------------- swap

do
  local list = make {1, 2, math.mininteger}
  local function swap(...) return table.pack(list:swap(...)) end
  check.items(swap(1, 1, 10), true, 1)
  check.items(swap(1, 1, 20), false, 10)
  check.items(swap(-2, 2, 2), true, 2)
  check.items(swap(3.0, math.mininteger, math.maxinteger), true,
    math.mininteger)
  check.items(swap(1, 10.0, 11.0), true, 10)
  check.same(math.type(list[1]), "integer")
  check.items(list, 11, 2, math.maxinteger)

  check.error_here("bad argument #1 to 'swap' (index out of range)", function()
    list:swap(0, 1, 2)
  end)
  check.error_here("bad argument #2 to 'swap' (number expected, got nil)",
    function()
      list:swap(1, nil, 2)
    end)
  check.error_here("bad argument #3 to 'swap' (number expected, got no value)",
    function()
      list:swap(1, 11)
    end)
  for _, value in ipairs {0.5, 2^63, 0 / 0, "x", true, {}} do
    check.error("bad argument #3", list.swap, list, 1, value, 1)
    check.error("bad argument #4", list.swap, list, 1, 11, value)
  end
  check.items(list, 11, 2, math.maxinteger)
  check.same(list:unlink(), true)
end

-- ------------------------------------------------------------------- snapshot

do
  local list = make(table.pack(
    nil, true, 7, 2.5, "text", polyshm.bytes "\xff", "", ("é"):rep(1000),
    "zero\0"))
  local all = list:snapshot()
  check.items(all, nil, true, 7, 2.5, "text", "\xff", "", ("é"):rep(1000),
    "zero\0")
  check.same(all.n, 9)
  check.same(math.type(all[3]), "integer")

  -- The range is totable's.
  for _, range in ipairs {
    {2}, {2, 3}, {-2}, {1, -2}, {-100, 100}, {0, 1}, {3, 2}, {9}, {10},
    {1, 0}, {1, -10}, {math.mininteger, math.maxinteger},
    {math.maxinteger, math.mininteger}, {math.maxinteger},
  } do
    local expected = list:totable(table.unpack(range))
    local actual = list:snapshot(table.unpack(range))
    check.items(actual, table.unpack(expected, 1, actual.n))
    check.same(actual.n, expected.n or #expected)
  end
  check.same(list:snapshot(nil, nil).n, 9)
  check.error_here("bad argument #1 to 'snapshot' (number expected, " ..
    "got string)", function()
      list:snapshot "x"
    end)
  check.error("no integer representation", list.snapshot, list, 1, 1.5)
  check.same(list:unlink(), true)

  local empty = make {}
  check.same(empty:snapshot().n, 0)
  check.same(empty:unlink(), true)
end

do -- an item that is damaged
  local list = make {1, 2, 3}
  local formats = list.shm:read():find("q\0\0\0\0\0\0\0", 1, true) - 1
  list.shm:write(formats + 8, "?!")
  check.refused(polyshm.E_CORRUPT, list:snapshot())
  check.same(list:snapshot(3)[1], 3)
  list.shm:write(8, ("\x07"):rep(24)) -- the offsets
  check.refused(polyshm.E_CORRUPT, list:snapshot(1, 1))
  check.refused(polyshm.E_CORRUPT, list:add(2))
  check.refused(polyshm.E_CORRUPT, list:swap(2, 2, 3))
  local _, message = list:add(2)
  check.that(message:find "^item 2: ")
  check.same(list:unlink(), true)
end

-- ---------------------------------------------------------- what is not there

do -- the right to write
  local list = make {1, 2}
  local view = assert(
    polyshm.ShareableList(nil, {name = list.name, read_only = true}))
  for _, change in ipairs {
    function() view:add(1) end,
    function() view:swap(1, 1, 2) end,
    function() view:update {1} end,
  } do
    check.error_here("is open for reading only", change)
  end
  check.items(view:snapshot(), 1, 2)
  check.items(list, 1, 2)
  check.same(list:unlink(), true)
end

do -- the trailer
  local list = check.stock "ints.bin"
  local first = list[1]
  check.refused(polyshm.E_UNSUPPORTED, list:add(1))
  check.refused(polyshm.E_UNSUPPORTED, list:swap(1, first, 5))
  check.refused(polyshm.E_UNSUPPORTED, list:snapshot())
  check.same(list[1], first)
  check.error("index out of range", list.add, list, 0)
  list:close()
end

do -- the list
  local list = make {1}
  check.same(list:unlink(), true)
  list:close()
  for _, use in ipairs {
    function() return list:add(1) end,
    function() return list:swap(1, 1, 2) end,
    function() return list:snapshot() end,
    function() return list:snapshot(5, 4) end,
  } do
    check.error("has been closed", use)
  end
end

-- ------------------------------------------------------------------ many peers

local PEERS <const> = 4
local ROUNDS <const> = 100000

do -- each counts to ROUNDS, on two ways
  local list = make {0, 0, 0}
  local peers = {}
  for i = 1, PEERS do
    peers[i] = check.peer(list, [[
      while list[1] == 0 do list:wait(1, 1) end
      for _ = 1, tonumber(arg[2]) do
        list:add(2)
        local seen, swapped = list[3]
        repeat
          swapped, seen = list:swap(3, seen, seen + 1)
        until swapped
      end
    ]], ROUNDS)
  end
  list[1] = 1
  for _, peer in ipairs(peers) do check.same(peer:finish(), true) end
  check.items(list, 1, PEERS * ROUNDS, PEERS * ROUNDS)
  check.same(list:unlink(), true)
end

do -- snapshots lie between plain sets, and never within what a lock protects
  local list = make {0, 0, 0, 0, "0", false}
  local peer = check.peer(list, [[
    local i = 0
    while i < tonumber(arg[2]) or not list[6] do
      i = i + 1
      list[1] = i
      list[2] = i
      local lock = assert(list:lock(LIMIT)) -- a Lua before 5.4 closes nothing
      list[3] = i
      list[5] = ("x"):rep(i % 9)
      list[4] = -i
      lock:unlock()
    end
    list[5] = "end"
  ]], ROUNDS)
  local wrong, looks = 0, 0
  repeat
    local now = assert(list:snapshot())
    looks = looks + 1
    if looks == 10 then list[6] = true end
    local ahead = now[1] - now[2]
    if ahead ~= 0 and ahead ~= 1 then wrong = wrong + 1 end
    if now[3] + now[4] ~= 0 then wrong = wrong + 1 end
    if now[5] ~= "end" and now[3] > 0 and #now[5] ~= now[3] % 9 then
      wrong = wrong + 1
    end
  until now[5] == "end"
  check.same(wrong, 0)
  check.same(peer:finish(), true)
  check.same(list:unlink(), true)
end

check.done()
