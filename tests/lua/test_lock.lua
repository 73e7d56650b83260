-- SPDX-License-Identifier: MIT
-- The lock of a list.

package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local check = require "check"
local polyshm = require "polyshm"

local LIMIT <const> = 60

local function make(values)
  return assert(polyshm.ShareableList(values, {name = check.name()}))
end

local function collect()
  collectgarbage()
  collectgarbage()
end

local list = make {0, 0}
local other = assert(polyshm.ShareableList(nil, {name = list.name}))

-- Whether nobody holds the lock.
local function is_free()
  local lock <close>, _, code = other:lock(0)
  if not lock then check.same(code, polyshm.E_TIMEOUT) end
  return lock ~= nil
end

-- ----------------------------------------------------------- taking and giving

do
  local lock = assert(list:lock())
  check.same(lock.recovered, false)
  check.same(is_free(), false)
  check.refused(polyshm.E_TIMEOUT, other:lock(0))
  check.refused(polyshm.E_TIMEOUT, other:lock(0.01))
  check.refused(polyshm.E_TIMEOUT, other:lock(-1))
  check.refused(polyshm.E_BUSY, list:lock())
  check.refused(polyshm.E_BUSY, list:lock(0))
  check.refused(polyshm.E_BUSY, list:lock(LIMIT))
  check.same(lock:unlock(), true)
  check.same(is_free(), true)
  check.same(lock:unlock(), true)

  -- What is left of an old lock does not give a new one up.
  local again = assert(list:lock(polyshm.FOREVER))
  check.same(lock:unlock(), true)
  lock = nil
  collect()
  check.same(is_free(), false)
  check.same(again:unlock(), true)
  check.same(is_free(), true)
end

do -- through the items
  local lock <close> = assert(list:lock())
  list[1] = 5
  check.same(other:add(1), 6)
  check.items(list:snapshot(), 6, 0)
  list[1] = 0
  check.that(lock)
end

do -- by an error
  local ok, message = pcall(function()
    local lock <close> = list:lock()
    check.same(is_free(), false)
    error("in the middle: " .. tostring(lock.recovered), 0)
  end)
  check.same(ok, false)
  check.same(message, "in the middle: false")
  check.same(is_free(), true)
end

do -- in coroutines, which are one thread
  local steps = coroutine.wrap(function()
    local lock <close> = assert(list:lock())
    coroutine.yield(lock)
  end)
  steps()
  check.same(is_free(), false)
  check.refused(polyshm.E_BUSY, list:lock())
  steps()
  check.same(is_free(), true)

  local lock = coroutine.wrap(function() return list:lock() end)()
  check.same(lock:unlock(), true)
  check.same(is_free(), true)
end

do -- by the collector
  local lock = assert(list:lock())
  check.that(lock)
  lock = nil
  collect()
  check.same(is_free(), true)
end

-- ------------------------------------------------------------ the list beneath

do
  local lock = assert(list:lock())
  check.refused(polyshm.E_BUSY, list:close())
  check.same(list[1], 0)
  check.same(lock:unlock(), true)

  local mine = assert(polyshm.ShareableList(nil, {name = list.name}))
  lock = assert(mine:lock())
  mine = nil
  collect()
  check.same(is_free(), false)
  check.same(lock:unlock(), true)
  check.same(is_free(), true)
  lock = nil
  collect()

  mine = assert(polyshm.ShareableList(nil, {name = list.name}))
  lock = assert(mine:lock())
  check.same(lock:unlock(), true)
  check.same(mine:close(), true)
  check.same(lock:unlock(), true)
  check.error("has been closed", mine.lock, mine)
end

do -- a list freed under its lock's hands
  local mine = assert(polyshm.ShareableList(nil, {name = list.name}))
  local lock = assert(mine:lock())
  debug.getmetatable(mine).__gc(mine)
  check.same(lock:unlock(), true)
  local next_lock <close> = assert(list:lock(LIMIT))
  check.same(next_lock.recovered, true)
end

do -- the tie between a lock and its list, turned and cut
  local mine = assert(polyshm.ShareableList(nil, {name = list.name}))
  local lock = assert(mine:lock())
  debug.setuservalue(lock, list, 1)
  check.error("", lock.unlock, lock)
  debug.setuservalue(lock, nil, 1)
  check.same(lock:unlock(), true)
  debug.getmetatable(mine).__gc(mine)
  check.same(assert(list:lock(LIMIT)):unlock(), true)
end

-- --------------------------------------------------------------------- misuse

do
  local lock <close> = assert(list:lock())
  check.same(lock.other, nil)
  check.same(lock[1], nil)
  check.same(getmetatable(lock), false)
  check.error_here("the field 'recovered' cannot be set", function()
    lock.recovered = true
  end)
  check.error_here("the field 'other' cannot be set", function()
    lock.other = 1
  end)
  check.error_here("bad argument #1 to 'unlock' (lock expected, got nil)",
    function()
      lock.unlock(nil)
    end)
  local members = debug.getmetatable(lock)
  for _, object in ipairs {
    list, io.stdout, {}, "x", 5, polyshm.str "x",
  } do
    for _, key in ipairs {"__index", "__newindex", "__close"} do
      check.error("lock expected", members[key], object, "recovered")
    end
    check.same(members.__gc(object), nil)
  end
  check.error("ShareableList expected", list.lock, lock)
  check.same(is_free(), false)
end

for _, timeout in ipairs {"x", true, {}, print} do
  check.error("number expected, got " .. type(timeout),
    list.lock, list, timeout)
end
check.error_here("bad argument #1 to 'lock' (timeout is not a number)",
  function()
    list:lock(0 / 0)
  end)
for _, timeout in ipairs {
  0, -1, 1e-300, 0.5, 1e9, 1e10, 1e300, math.huge, -math.huge, math.maxinteger,
  math.mininteger,
} do
  local lock <close> = assert(list:lock(timeout))
  check.same(is_free(), false)
  check.that(lock)
end
check.same(is_free(), true)

do -- where there is none to take
  local view = assert(
    polyshm.ShareableList(nil, {name = list.name, read_only = true}))
  check.error_here("is open for reading only", function() view:lock() end)
  local stock = check.stock "mixed.bin"
  check.refused(polyshm.E_UNSUPPORTED, stock:lock())
  local lock <close> = stock:lock()
  check.same(lock, nil)
end

-- ------------------------------------------------------------ other processes

do -- who counts under the lock
  local PEERS <const>, ROUNDS <const> = 3, 20000
  list[1], list[2] = 0, 0
  local peers = {}
  for i = 1, PEERS do
    peers[i] = check.peer(list, [[
      for _ = 1, tonumber(arg[2]) do
        local _ <close> = assert(list:lock(LIMIT))
        local before = list[1]
        list[2] = list[2] + 1
        list[1] = before + 1
      end
    ]], ROUNDS)
  end
  for _, peer in ipairs(peers) do check.same(peer:finish(), true) end
  check.items(list, PEERS * ROUNDS, PEERS * ROUNDS)
end

local holder = [[
  local lock = assert(list:lock(LIMIT))
  print(lock.recovered)
  list:wait(1, LIMIT, tonumber(arg[2]))
]]

do -- who keeps it for some time
  local peer = check.peer(list, holder, list:version(1))
  check.same(peer:line(), "false")
  check.refused(polyshm.E_TIMEOUT, list:lock(0))
  check.refused(polyshm.E_TIMEOUT, list:lock(0.05))
  list[1] = 0
  local lock <close> = assert(list:lock(LIMIT))
  check.same(lock.recovered, false) -- the collector has unlocked
  check.same(peer:finish(), true)
end

do -- who waits for it
  local lock = assert(list:lock())
  local peer = check.peer(list, [[
    local lock <close> = assert(list:lock(LIMIT))
    print(lock.recovered)
  ]])
  check.that(peer:sleeps())
  check.same(lock:unlock(), true)
  check.same(peer:line(), "false")
  check.same(peer:finish(), true)
end

do -- who dies with it
  local peer = check.peer(list, holder, list:version(1))
  check.same(peer:line(), "false")
  check.same(is_free(), false)
  peer:kill()
  do
    local lock <close> = assert(list:lock(LIMIT))
    check.same(lock.recovered, true)
  end
  local lock <close> = assert(list:lock())
  check.same(lock.recovered, false)
end

do -- who dies while another one sleeps, waiting for it
  local dying = check.peer(list, holder, list:version(1))
  check.same(dying:line(), "false")
  local waiting = check.peer(list, holder, list:version(1))
  check.that(waiting:sleeps())
  dying:kill()
  check.same(waiting:line(), "true")
  list[1] = 0
  check.same(waiting:finish(), true)
end

do -- who ends without Lua's leave
  local peer = check.peer(list, [[
    local lock = assert(list:lock(LIMIT))
    os.exit(lock.recovered and 1 or 0)
  ]])
  check.same(peer:finish(), true)
  local lock <close> = assert(list:lock(LIMIT))
  check.same(lock.recovered, true)
end

-- ------------------------------------------------------------------ interrupts

do
  local lock <close> = assert(list:lock())

  -- Lua's own handler raises as soon as a function has returned to the main
  -- thread; a coroutine gets the result before.
  local peer = check.peer(list, [[
    print(pcall(list.lock, list, LIMIT))
  ]])
  check.that(peer:sleeps())
  peer:signal "INT"
  check.that(peer:line():find "^false\t.*interrupted!")
  check.same(peer:finish(), true)

  peer = check.peer(list, [[
    print(pcall(coroutine.wrap(function()
      print(select(3, list:lock(LIMIT)))
    end)))
  ]])
  check.that(peer:sleeps())
  peer:signal "INT"
  check.same(peer:line(), tostring(polyshm.E_INTERRUPTED))
  check.that(peer:line():find "^false\t.*interrupted!")
  check.same(peer:finish(), true)
  check.same(is_free(), false)
  check.that(lock)
end

-- Left for the end of the state.
polyshm.left = assert(list:lock())

check.same(list:unlink(), true)
check.done()
