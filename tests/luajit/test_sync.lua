-- SPDX-License-Identifier: MIT
-- What several processes do with one list: counters, the lock, waiting.

package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local check = require "check"
local polyshm = require "polyshm"

local function make(values)
  return assert(polyshm.ShareableList(values, {name = check.name()}))
end

local function attach(list)
  return assert(polyshm.ShareableList(nil, {name = list.name}))
end

local function counters()
  local list = check.list {10, 20, "x", 2.5}
  check.same(list:add(1), 11)
  check.same(list:add(1, 5), 16)
  check.same(list:add(-3, -100), -80)
  check.items(list, 16, -80)
  local most = check.int "9223372036854775807"
  list[1] = most
  check.refused(polyshm.E_SPACE, list:add(1))
  local _, message = list:add(1)
  check.same(message, "the sum does not fit item 1")
  check.same(list[1], most)
  local swapped, before = list:swap(2, -80, 7)
  check.same(swapped, true)
  check.same(before, -80)
  swapped, before = list:swap(2, -80, 8)
  check.same(swapped, false)
  check.same(before, 7)
  for i = 3, 4 do
    check.error_here("item " .. i .. " is no integer", function()
      list:add(i)
    end)
    check.error_here("item " .. i .. " is no integer", function()
      list:swap(i, 1, 2)
    end)
  end
  check.error_here("bad argument #1 to 'add' (index out of range)",
    function() list:add(5) end)
  check.error_here("bad argument #2 to 'add'", function() list:add(1, 1.5) end)
  check.error_here("bad argument #2 to 'swap'", function()
    list:swap(1, nil, 1)
  end)
  check.error_here("bad argument #3 to 'swap'", function()
    list:swap(1, 1, "x")
  end)
end

local function snapshots()
  local list = check.list(check.pack(nil, true, 7, 2.5, "text", "\255", "",
    ("é"):rep(1000)))
  local all = list:snapshot()
  check.items(all, nil, true, 7, 2.5, "text", "\255", "", ("é"):rep(1000))
  check.same(all.n, 8)
  check.items(list:snapshot(3, 4), 7, 2.5)
  check.same(list:snapshot(5, 4).n, 0)
  check.same(list:snapshot(-2).n, 2)
  check.error_here("bad argument #2 to 'snapshot'", function()
    list:snapshot(1, 1.5)
  end)
end

local function locks()
  local list = make {0}
  local other = attach(list)
  local lock = assert(list:lock())
  check.same(lock.recovered, false)
  check.same(lock.other, nil)
  check.error_here("the field 'recovered' cannot be set", function()
    lock.recovered = true
  end)
  check.refused(polyshm.E_BUSY, list:lock())
  check.refused(polyshm.E_TIMEOUT, other:lock(0))
  check.refused(polyshm.E_TIMEOUT, other:lock(0.01))
  check.same(lock:unlock(), true)
  check.same(lock:unlock(), true)
  local held = assert(other:lock(0)) -- luacheck: ignore
  check.same(lock:unlock(), true) -- it is no longer ours to give
  check.refused(polyshm.E_TIMEOUT, list:lock(0))
  held = nil -- luacheck: ignore
  collectgarbage()
  collectgarbage()
  lock = assert(list:lock(60))
  check.same(lock:unlock(), true)
  for _, timeout in ipairs {"x", {}, 0 / 0} do
    check.error("bad argument", list.lock, list, timeout)
  end
  check.error_here("bad argument #1 to 'lock'", function() list:lock {} end)
  check.error("lock expected", lock.unlock, list)

  -- Who dies with it tells the next one.
  local peer = check.peer(list, [[
    assert(list:lock(LIMIT))
    list[1] = 1
    print(io.open "/proc/self/stat":read "*n")
    io.read()
    list:wait(1, LIMIT)
  ]])
  local pid = peer:read "*n"
  os.execute("kill -s KILL " .. pid)
  peer:close()
  lock = assert(list:lock(60))
  check.same(lock.recovered, true)
  check.same(lock:unlock(), true)
  list:unlink()
end

local function waiting()
  local list = make {0, 0}
  local seen = list:version(1)
  check.same(list:wait(1, 0), false)
  check.same(list:wait(1, 0.01, seen), false)
  check.same(list:wait(nil, 0.01), false)
  list[1] = 1
  check.that(list:version(1) ~= seen)
  check.same(list:wait(1, 0, seen), true)
  check.same(list:wait(1, 60, seen), true)
  local all = list:version()
  list[2] = 1
  check.same(list:wait(nil, 60, all), true)
  check.same(list:timeout(0.5), true)
  check.same(list:timeout(nil), true)
  check.error("value expected", list.timeout, list)
  check.error_here("bad argument #1 to 'wait' (index out of range)",
    function() list:wait(3, 0) end)
  check.error_here("bad argument #2 to 'wait'", function()
    list:wait(1, "x")
  end)
  check.error_here("bad argument #3 to 'wait'", function()
    list:wait(1, 0, {})
  end)
  check.error_here("bad argument #1 to 'version'", function()
    list:version(1.5)
  end)

  local peer = check.peer(list, [[
    for i = 2, 50 do
      while list[1] ~= i do
        local seen = list:version(1)
        if list[1] ~= i then list:wait(1, LIMIT, seen) end
      end
      list[2] = i
    end
  ]])
  for i = 2, 50 do
    list[1] = i
    while list[2] ~= i do
      seen = list:version(2)
      if list[2] ~= i then check.same(list:wait(2, 60, seen), true) end
    end
  end
  check.that(peer:close())
  list:unlink()
end

local PEERS, ROUNDS = 3, 20000

local function many()
  local list = make {0, 0, 0, "0"}
  local peers = {}
  for i = 1, PEERS do
    peers[i] = check.peer(list, [[
      while list[1] == 0 do list:wait(1, 1) end
      for i = 1, tonumber(arg[2]) do
        list:add(2)
        local seen, swapped = list[3]
        repeat
          swapped, seen = list:swap(3, seen, seen + 1)
        until swapped
        list[4] = ("x"):rep(i % 9)
        if i % 100 == 0 then
          local lock = assert(list:lock(LIMIT))
          lock:unlock()
        end
      end
    ]], ROUNDS)
  end
  list[1] = 1
  for _ = 1, ROUNDS do
    local text = list[4]
    check.that(text == "0" or text == ("x"):rep(#text))
  end
  for _, peer in ipairs(peers) do check.that(peer:close()) end
  check.items(list, 1, PEERS * ROUNDS, PEERS * ROUNDS)
  list:unlink()
end

check.run(function()
  counters()
  snapshots()
  locks()
  waiting()
  many()
end)
