-- SPDX-License-Identifier: MIT
-- Managers: who owns what, and until when.

package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local check = require "check"
local polyshm = require "polyshm"

local function start(options)
  return assert(polyshm.SharedMemoryManager(options):start())
end

local function connect(manager)
  return assert(polyshm.SharedMemoryManager {
    address = manager.address, authkey = manager.authkey,
  }:connect())
end

local function is_there(name)
  return polyshm.inspect(name) ~= nil
end

-- A process of ours, or not any more: nobody else gets the number that soon.
-- One that has ended may stay there until its new parent looks.
local function is_alive(pid)
  local file = io.open(("/proc/%d/stat"):format(pid))
  if not file then return false end
  local state = (file:read "a" or ""):match ".*%) (%a)"
  file:close()
  return state ~= nil and state ~= "Z"
end

local function await(condition)
  local deadline = os.time() + 60
  repeat
    if condition() then return check.that(true) end
    os.execute "sleep 0.01"
  until os.time() > deadline
  check.that(false, "it did not happen")
end

do -- what it owns goes with it
  local m = start {}
  check.that(is_alive(m.pid))
  check.same(#m.authkey, 32)
  check.that(m.address:find "^unix:/")
  check.same(tostring(m), ("SharedMemoryManager (%s)"):format(m.address))
  local block = assert(m:SharedMemory(100))
  local list = assert(m:ShareableList {1, 2.5, "three", nil, true, n = 5})
  check.same(block.size, 100)
  check.items(list:totable(), 1, 2.5, "three", nil, true)
  check.items(m:list_segments(), block.name, list.name)
  check.same(#m:list_segments(), 2)
  local pid = m.pid
  check.same(m:shutdown(), true)
  check.same(m:shutdown(), true)
  check.that(not is_there(block.name))
  check.that(not is_there(list.name))
  check.same(list:add(1), 2) -- who has it open keeps it
  check.same(m.pid, nil)
  check.that(m.address:find "^unix:/")
  await(function() return not is_alive(pid) end)
end

do -- names, options, tracking and releasing
  local m = start {authkey = "a\0b"}
  local name = check.name()
  local block = assert(m:SharedMemory(10, name))
  check.same(block.name, name)
  check.refused(polyshm.E_EXISTS, m:SharedMemory(10, name))
  check.refused(polyshm.E_EXISTS, m:ShareableList({1}, {name = name}))
  check.same(#m:list_segments(), 1)
  local list = assert(m:ShareableList({"a"}, {
    name = check.name(), capacity = 100, sparse = true, mode = 416, timeout = 2,
  }))
  check.that(list:capacity(1) >= 100)
  check.same(polyshm.inspect(list.name).mode, 416)
  check.same(m:release(name), true)
  check.that(not is_there(name))
  check.refused(polyshm.E_NOT_FOUND, m:release(name))
  check.same(m:track(list.name), true)
  local mine = assert(polyshm.SharedMemory {
    name = check.name(), create = true, size = 10, track = false,
  })
  check.same(m:track(mine.name), true)
  check.same(polyshm.unlink(list.name), true) -- which does not bother it
  check.refused(polyshm.E_NOT_FOUND, m:release(list.name))
  check.same(m:shutdown(), true)
  check.that(not is_there(mine.name))
end

do -- many names
  local m = start {}
  local names = {}
  for i = 1, 500 do
    names[i] = ("polyshm-test-nothing-%04d"):format(i)
    check.that(m:track(names[i]))
  end
  local found = assert(m:list_segments())
  check.same(#found, #names)
  check.items(found, table.unpack(names))
  m:shutdown()
end

do -- connected ones
  local m = start {}
  local other, third = connect(m), connect(m)
  check.same(other.pid, nil)
  check.same(other.address, m.address)
  check.same(other.authkey, m.authkey)
  local block = assert(other:SharedMemory(10))
  check.items(m:list_segments(), block.name)
  check.same(other:close(), true)
  check.same(other:close(), true)
  check.same(other:shutdown(), true) -- of what was closed
  check.items(third:list_segments(), block.name)
  check.refused(polyshm.E_ACCESS, polyshm.SharedMemoryManager {
    address = m.address, authkey = "wrong",
  }:connect())
  check.same(third:shutdown(), true)
  check.that(not is_there(block.name))
  check.refused(polyshm.E_NOT_FOUND, polyshm.SharedMemoryManager {
    address = m.address, authkey = m.authkey,
  }:connect())
  check.that(select(3, m:list_segments()) ~= nil)
  m:close()
end

do -- addresses
  local token = ("%s-%d"):format(check.name(), os.time())
  for _, address in ipairs {
    "unix:/tmp/" .. token, "unix:@" .. token, "tcp:127.0.0.1:0",
  } do
    local m = start {address = address, authkey = ""}
    local wanted = address:gsub(":0$", ":%%d+"):gsub("%-", "%%-")
    check.that(m.address:find("^" .. wanted .. "$"), m.address)
    local other = connect(m)
    check.same(#other:list_segments(), 0)
    check.refused(polyshm.E_EXISTS, polyshm.SharedMemoryManager {
      address = m.address,
    }:start())
    other:close()
    m:shutdown()
  end
  check.refused(polyshm.E_OS, polyshm.SharedMemoryManager {
    address = "unix:@" .. token, authkey = "",
  }:connect())
  check.refused(polyshm.E_NOT_FOUND, polyshm.SharedMemoryManager {
    address = "unix:/tmp/" .. token, authkey = "",
  }:connect())
end

do -- the ends of variables
  local pid, name
  do
    local m <close> = start {}
    local block = assert(m:SharedMemory(10))
    pid, name = m.pid, block.name
    if check.closes then
      local other <close> = connect(m) -- goes without it
      check.items(other:list_segments(), name)
    end
    check.items(m:list_segments(), name)
    if not check.closes then m:shutdown() end
  end
  check.that(not is_there(name))
  await(function() return not is_alive(pid) end)

  local block
  do
    local m = start {}
    pid, block = m.pid, assert(m:SharedMemory(10))
    local _ = connect(m)
  end
  collectgarbage()
  collectgarbage()
  check.that(not is_there(block.name))
  await(function() return not is_alive(pid) end)
end

do -- detached ones
  local address, pid, name
  do
    local m = start {authkey = "key", detached = true}
    address, pid, name = m.address, m.pid, assert(m:SharedMemory(10)).name
  end
  collectgarbage()
  collectgarbage()
  check.that(is_alive(pid))
  check.that(is_there(name))
  local other = assert(polyshm.SharedMemoryManager {
    address = address, authkey = "key",
  }:connect())
  check.same(other:shutdown(), true)
  check.that(not is_there(name))
end

do -- a program that is killed takes its manager along, and no other
  local ours = start {authkey = "key"}
  local list = assert(ours:ShareableList {0})
  local peer = check.peer(list, [[
    local m = assert(polyshm.SharedMemoryManager {}:start())
    local other = assert(polyshm.SharedMemoryManager {
      address = arg[2], authkey = "key",
    }:connect())
    print(m.pid)
    print(assert(m:SharedMemory(10)).name)
    print(assert(other:SharedMemory(10)).name)
    list:wait(1, LIMIT)
  ]], ours.address)
  local pid, name, kept = tonumber(peer:line()), peer:line(), peer:line()
  peer:kill()
  await(function() return not is_alive(pid) end)
  check.that(not is_there(name))
  check.that(is_there(kept))
  check.items(ours:list_segments(), list.name, kept)
  ours:shutdown()
end

do -- silence
  local m = start {timeout = 0.05}
  assert(os.execute(("kill -s STOP %d"):format(m.pid)))
  check.refused(polyshm.E_TIMEOUT, m:list_segments())
  assert(os.execute(("kill -s CONT %d"):format(m.pid)))
  await(function() return m:shutdown() end)
end

do -- misuse
  local make = polyshm.SharedMemoryManager
  for text, options in pairs {
    ["option 'address' must be a string"] = {address = 5},
    ["option 'authkey' must be a string"] = {authkey = true},
    ["option 'timeout' must be a number"] = {timeout = "1"},
    ["option 'timeout' must be above 0"] = {timeout = 0},
    ["option 'detached' must be a boolean"] = {detached = 1},
    ["unknown option 'name'"] = {name = "x"},
    ["table expected, got string"] = "unix:@x",
  } do
    check.error_here(text, function() make(options) end)
  end
  check.error_here("start or connect it", function() make():list_segments() end)
  check.error_here("can only be started", function() make():connect() end)
  check.error_here("is no address", function()
    make {address = "nowhere"}:start()
  end)
  check.error_here("zero byte", function()
    make {address = "unix:@a\0b"}:start()
  end)

  local m = start {}
  check.error_here("connected already", function() m:start() end)
  check.error_here("connected already", function() m:connect() end)
  check.error_here("cannot be set", function() m.address = "x" end)
  check.same(m.nothing, nil)
  for _, size in ipairs {0, -1, 1.5, "x", {}, math.mininteger} do
    check.error("", m.SharedMemory, m, size)
  end
  check.error_here("string or table expected", function()
    m:SharedMemory(1, 5)
  end)
  check.error_here("unknown option 'create'", function()
    m:SharedMemory(1, {create = true})
  end)
  check.error_here("unknown option 'size'", function()
    m:ShareableList({1}, {size = 1})
  end)
  check.error_here("options are the second", function()
    m:ShareableList {name = "x"}
  end)
  check.error_here("table expected, got nil", function() m:ShareableList() end)
  check.error_here("which no list holds", function() m:ShareableList {{}} end)
  for _, method in ipairs {"track", "release"} do
    check.error_here("string expected, got nil", function() m[method](m) end)
    check.error_here("slash", function() m[method](m, "a/b") end)
    check.error_here("SharedMemoryManager expected", function() m[method]() end)
    check.error_here("SharedMemoryManager expected", function()
      m[method]({}, "x")
    end)
  end
  check.same(#m:list_segments(), 0)
  m:close()
  check.error_here("has been closed", function() m:list_segments() end)
  check.error_here("has been closed", function() m:start() end)
  check.same(m.pid, nil)

  m = start {}
  m:shutdown()
  check.error_here("has shut down", function() m:SharedMemory(1) end)
  check.error_here("has shut down", function() m:connect() end)
  check.same(m:close(), true)
end

check.done()
