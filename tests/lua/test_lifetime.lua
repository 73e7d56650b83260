-- SPDX-License-Identifier: MIT
-- When mappings end: by the collector, in coroutines, and in odd orders.

package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local check = require "check"
local polyshm = require "polyshm"

local function collect()
  collectgarbage()
  collectgarbage()
end

-- What is attached shows under its name in the list of mappings.
local name = check.name()
local made = assert(polyshm.ShareableList({1, "content"}, {name = name}))
local function attach()
  return assert(polyshm.ShareableList(nil, {name = name}))
end
made:close()
check.same(check.mappings(name), 0)

do -- by hand
  local list, block = attach(), assert(polyshm.SharedMemory(name))
  check.same(check.mappings(name), 2)
  list:close()
  check.same(check.mappings(name), 1)
  block:close()
  check.same(check.mappings(name), 0)
end

do -- by the collector
  local list, block = attach(), assert(polyshm.SharedMemory(name))
  check.same(list[1], 1)
  check.same(block.name, name)
  list, block = nil, nil
  collect()
  check.same(check.mappings(name), 0)
end

do -- a list's block keeps the list, and the other way round
  local block = attach().shm
  collect()
  check.same(check.mappings(name), 1)
  check.that(block:read():find("content", 1, true))
  block = nil
  collect()
  check.same(check.mappings(name), 0)

  local list = attach()
  local text = tostring(list.shm)
  collect()
  check.same(tostring(list.shm), text)
  list = nil
  collect()
  check.same(check.mappings(name), 0)
end

do -- finalizers that use what is finalized with them
  local log = {}
  local function finalized(list)
    return setmetatable({}, {__gc = function()
      log[#log + 1] = tostring(pcall(function() return list[1] end))
      log[#log + 1] = tostring(pcall(function() return list.shm:read() end))
      pcall(list.close, list)
      pcall(list.shm.close, list.shm)
    end})
  end
  local before = finalized(attach())
  local list = attach()
  local block = list.shm
  local after = finalized(list)
  check.that(before and after and block)
  before, after, list, block = nil, nil, nil, nil
  collect()
  collect()
  check.same(#log, 4)
  check.same(check.mappings(name), 0)
end

do -- marked strings live as long as they are needed
  local marks = {}
  for i = 1, 1000 do marks[i] = polyshm.bytes(("text %d"):format(i)) end
  collect()
  local list = assert(polyshm.ShareableList(marks, {name = check.name()}))
  check.same(list:unlink(), true)
  check.same(list[1000], "text 1000")
  check.same(list:count(polyshm.bytes "text 77"), 1)
end

do -- collected while it is used
  local list = assert(
    polyshm.ShareableList({""}, {name = check.name(), capacity = 5000}))
  check.same(list:unlink(), true)
  collectgarbage("setpause", 0)
  for i = 1, 200 do
    list[1] = ("x"):rep(i * 20)
    check.same(list[1], ("x"):rep(i * 20))
    check.same(#list.shm:read(), list.shm.size)
  end
  collectgarbage("setpause", 200)
end

-- ----------------------------------------------------------------- coroutines

do
  local list = attach()
  local steps = coroutine.wrap(function()
    for i, value in pairs(list) do coroutine.yield(i, value) end
    return "end"
  end)
  check.items(table.pack(steps()), 1, 1)
  check.items(table.pack(steps()), 2, "content")
  check.same(steps(), "end")

  -- Errors and long strings within one.
  local co = coroutine.create(function() list[9] = 1 end)
  check.same(coroutine.resume(co), false)
  check.same(coroutine.wrap(function() return list[2] end)(), "content")

  -- What it had open goes with it.
  if check.closes then
    co = coroutine.create(function()
      local mine <close> = attach()
      coroutine.yield(mine[1])
    end)
    coroutine.resume(co)
    check.same(check.mappings(name), 2)
    check.same(coroutine.close(co), true)
    check.same(check.mappings(name), 1)
  end

  co = coroutine.create(function()
    local mine = attach()
    coroutine.yield(mine[1])
  end)
  coroutine.resume(co)
  co = nil
  collect()
  check.same(check.mappings(name), 1)

  co = coroutine.wrap(function() error(setmetatable({}, {
    __tostring = function() return list[2] end,
  })) end)
  local _, thrown = pcall(co)
  check.same(tostring(thrown), "content")
  list:close()
end

-- --------------------------------------------------------------- many of them

do
  local blocks = {}
  for i = 1, 2000 do blocks[i] = assert(polyshm.SharedMemory(name)) end
  check.same(check.mappings(name), 2000)
  for i = 1, 2000, 2 do blocks[i]:close() end
  blocks = nil
  collect()
  check.same(check.mappings(name), 0)
  for _ = 1, 2000 do attach():close() end
  check.same(check.mappings(name), 0)
end

check.same(made:unlink(), true)

-- Left for the end of the state, with all that refers to each other.
polyshm.left = {made, made.shm, polyshm.str "left"}

check.done()
