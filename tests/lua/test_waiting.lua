-- SPDX-License-Identifier: MIT
-- Versions, and sleeping until they change.

package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local check = require "check"
local polyshm = require "polyshm"

local LIMIT <const> = 60

local function make(values, options)
  options = options or {}
  options.name = check.name()
  return assert(polyshm.ShareableList(values, options))
end

check.same(polyshm.FOREVER, math.huge)

-- ------------------------------------------------------------------- versions

local list = make {1, 2, "text"}
local view = assert(
  polyshm.ShareableList(nil, {name = list.name, read_only = true}))

do
  check.same(math.type(list:version()), "integer")
  check.same(math.type(list:version(1)), "integer")
  check.same(list:version(), view:version())
  check.same(list:version(-1), view:version(3))
  check.same(list:version(1), list:version(1.0))
  check.same(list:version(nil), list:version())

  -- Whatever changes an item changes its version and the list's, no other.
  for _, change in ipairs {
    function() list[1] = 5 end,
    function() list[1] = 5.0 end,
    function() list[1] = "eight" end,
    function() list[1] = nil end,
    function() list[1] = 7 end,
    function() list:add(1) end,
    function() list:swap(1, 8, 9) end,
  } do
    local whole, first, second = list:version(), list:version(1),
      list:version(2)
    change()
    check.that(list:version() ~= whole)
    check.that(list:version(1) ~= first)
    check.same(list:version(2), second)
    check.same(view:wait(nil, 0, whole), true)
    check.same(view:wait(1, 0, first), true)
    check.same(view:wait(2, 0, second), false)
    check.same(list:wait(nil, LIMIT, whole), true)
    check.same(list:wait(1, nil, first), true)
    check.same(list:wait(2, 0, second), false)
  end

  -- What changes none does not.
  local whole, first = list:version(), list:version(1)
  check.same(list[1], 9)
  check.same(list:index(9), 1)
  check.items(list:snapshot(), 9, 2, "text")
  check.items(list:totable(), 9, 2, "text")
  check.same(list:swap(1, 0, 1), false)
  check.error("do not fit", function() list[1] = ("x"):rep(1000) end)
  check.same(list:version(1), first)
  check.same(list:version(), whole)
end

do -- timeouts
  for _, object in ipairs {list, view} do
    for _, timeout in ipairs {
      0, 0.0, -1, 1e-300, 0.001, 0.05, -math.huge, math.mininteger,
    } do
      check.same(object:wait(1, timeout), false)
      check.same(object:wait(-1, timeout), false)
      check.same(object:wait(nil, timeout), false)
    end
  end
  for _, timeout in ipairs {1e9, 1e10, 1e300, math.huge, math.maxinteger} do
    check.same(list:wait(1, timeout, list:version(1) + 1), true)
  end

  local before = os.time()
  check.same(list:wait(1, 1.5), false)
  check.that(os.time() > before)
end

-- --------------------------------------------------------------------- misuse

for _, index in ipairs {0, 4, -4, math.maxinteger, math.mininteger} do
  check.error("index out of range", list.version, list, index)
  check.error("index out of range", list.wait, list, index, 0)
end
check.error_here("bad argument #1 to 'version' (number expected, got string)",
  function()
    list:version "x"
  end)
check.error_here("bad argument #2 to 'wait' (timeout is not a number)",
  function()
    list:wait(1, 0 / 0)
  end)
check.error_here("bad argument #2 to 'wait' (number expected, got string)",
  function()
    list:wait(1, "x")
  end)
check.error_here("bad argument #3 to 'wait' (number expected, got boolean)",
  function()
    list:wait(1, 0, true)
  end)
check.error("no integer representation", list.wait, list, 1, 0, 0.5)

do
  local closed = make {1}
  check.same(closed:unlink(), true)
  closed:close()
  for _, use in ipairs {
    function() return closed:version() end,
    function() return closed:version(1) end,
    function() return closed:wait() end,
    function() return closed:wait(1) end,
    function() return closed:wait(1, nil, 0) end,
    function() return closed:timeout(1) end,
  } do
    check.error("has been closed", use)
  end
end

do
  local stock = check.stock "mixed.bin"
  check.refused(polyshm.E_UNSUPPORTED, stock:version())
  check.refused(polyshm.E_UNSUPPORTED, stock:version(1))
  check.refused(polyshm.E_UNSUPPORTED, stock:wait())
  check.refused(polyshm.E_UNSUPPORTED, stock:wait(1))
  check.refused(polyshm.E_UNSUPPORTED, stock:wait(1, 0, 0))
end

-- ----------------------------------------------------- the timeout of the rest

do
  local mine = make({1}, {timeout = 0.25})
  for _, timeout in ipairs {0, 0.5, -1, 1e300, polyshm.FOREVER} do
    check.same(mine:timeout(timeout), true)
    mine[1] = 2
    check.same(mine:add(1), 3)
    local other = assert(
      polyshm.ShareableList(nil, {name = mine.name, timeout = timeout}))
    other[1] = 5
    check.items(other:snapshot(), 5)
  end
  check.same(mine:timeout(nil), true)
  check.error_here("bad argument #1 to 'timeout' (value expected)", function()
    mine:timeout()
  end)
  check.error("not a number", mine.timeout, mine, 0 / 0)
  check.error("number expected", mine.timeout, mine, "x")
  check.same(mine:unlink(), true)

  for _, timeout in ipairs {0 / 0, "1", true} do
    check.error_here("bad argument #2 to 'ShareableList' (option 'timeout' " ..
      "must be a number of seconds, not " .. tostring(timeout), function()
        local _ = polyshm.ShareableList({}, {timeout = timeout})
      end)
  end
  check.refused(polyshm.E_NOT_FOUND,
    polyshm.ShareableList(nil, {name = check.name(), timeout = 1}))
  check.error("unknown option 'timeout'",
    polyshm.SharedMemory, {name = "x", timeout = 1})
end

-- ------------------------------------------------------------ other processes

-- Wait for an item, or with "nil" for any, with a list that may be read-only.
local waiter <const> = [[
  list = assert(polyshm.ShareableList(nil, {
    name = arg[1], read_only = arg[3] == "true",
  }))
  print(list:wait(tonumber(arg[2]), LIMIT))
]]

for _, read_only in ipairs {false, true} do
  for _, index in ipairs {1, 3, -1, "nil"} do
    local peer = check.peer(list, waiter, index, read_only)
    check.that(peer:sleeps())
    list[3] = index
    if index == 1 then list[1] = 5 end
    check.same(peer:line(), "true")
    check.same(peer:finish(), true)
  end
end

do -- several at once
  local peers = {}
  for i = 1, 6 do
    peers[i] = check.peer(list, waiter, i % 2 == 0 and 2 or "nil", false)
  end
  for _, peer in ipairs(peers) do check.that(peer:sleeps()) end
  list:add(2)
  for _, peer in ipairs(peers) do
    check.same(peer:line(), "true")
    check.same(peer:finish(), true)
  end
end

do -- a waiter that was killed is in nobody's way
  local peer = check.peer(list, waiter, 1, false)
  check.that(peer:sleeps())
  peer:kill()
  peer = check.peer(list, waiter, 1, false)
  check.that(peer:sleeps())
  list[1] = 1
  check.same(peer:line(), "true")
  check.same(peer:finish(), true)
end

do -- back and forth: one that is not woken makes a wait fail
  local ROUNDS <const> = 2000
  list[1], list[2] = 0, 0
  local peer = check.peer(list, [[
    local late = 0
    for i = 1, tonumber(arg[2]) do
      local seen = list:version(1)
      while list[1] < i do
        if not list:wait(1, LIMIT, seen) then late = late + 1 end
        seen = list:version(1)
      end
      list[2] = i
    end
    print(late)
  ]], ROUNDS)
  local late = 0
  for i = 1, ROUNDS do
    list[1] = i
    local seen = list:version()
    while list[2] < i do
      if not list:wait(nil, LIMIT, seen) then late = late + 1 end
      seen = list:version()
    end
  end
  check.same(peer:line(), "0")
  check.same(peer:finish(), true)
  check.same(late, 0)
end

-- ------------------------------------------------------------------ interrupts

-- Lua's own handler raises as soon as a function has returned to the main
-- thread; a coroutine gets the result before.
local interrupted <const> = [[
  list = assert(polyshm.ShareableList(nil, {
    name = arg[1], read_only = arg[3] == "true",
  }))
  local index = tonumber(arg[2])
  print(pcall(list.wait, list, index, LIMIT))
]]
local interrupted_within <const> = [[
  list = assert(polyshm.ShareableList(nil, {
    name = arg[1], read_only = arg[3] == "true",
  }))
  print(pcall(coroutine.wrap(function()
    print(select(3, list:wait(tonumber(arg[2]))))
  end)))
]]
for _, read_only in ipairs {false, true} do
  for _, index in ipairs {1, "nil"} do
    local peer = check.peer(list, interrupted, index, read_only)
    check.that(peer:sleeps())
    peer:signal "INT"
    check.that(peer:line():find "^false\t.*interrupted!")
    check.same(peer:finish(), true)

    peer = check.peer(list, interrupted_within, index, read_only)
    check.that(peer:sleeps())
    peer:signal "INT"
    check.same(peer:line(), tostring(polyshm.E_INTERRUPTED))
    check.that(peer:line():find "^false\t.*interrupted!")
    check.same(peer:finish(), true)
  end
end

check.same(list:unlink(), true)
check.done()
