-- SPDX-License-Identifier: MIT
-- Everything called with what it was not made for: errors, never a crash. What
-- chance makes of it is in test_fuzz.lua.

package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local check = require "check"
local polyshm = require "polyshm"
local core = require "polyshm.core"

local name = check.name()
local values = table.pack(1, 2.5, "text", nil, true, ("x"):rep(1000))
local list = assert(polyshm.ShareableList(values, {name = name}))
local block = assert(polyshm.SharedMemory {
  name = check.name(), create = true, size = 1000,
})

local function members(object)
  local metatable = debug.getmetatable(object)
  local found = {}
  for key, value in pairs(metatable) do
    if type(value) == "function" then found[key] = value end
  end
  local _, methods = debug.getupvalue(metatable.__index, 1)
  for key, value in pairs(methods) do
    if type(value) == "function" then found[key] = value end
  end
  return found
end

local of_list, of_block = members(list), members(block)
local of_lock = members(assert(list:lock()))
collectgarbage()

local function names(found)
  local sorted = {}
  for key in pairs(found) do sorted[#sorted + 1] = key end
  table.sort(sorted)
  return table.concat(sorted, " ")
end
check.same(names(of_list), "__close __eq __gc __index __len __newindex " ..
  "__pairs __tostring add capacity close count format index lock snapshot " ..
  "swap timeout totable type unlink update version wait")
check.same(names(of_block),
  "__close __eq __gc __index __newindex __tostring close fill find pack " ..
  "read unlink unpack view write")
check.same(names(of_lock), "__close __gc __index __newindex unlock")

-- ------------------------------------------------------------ the wrong object

local upvalue = {}
local function with_upvalue() return upvalue end

-- Objects that were freed under their users' hands.
local function freed(object)
  local gc = debug.getmetatable(object).__gc
  gc(object)
  gc(object)
  return object
end
local freed_list = assert(polyshm.ShareableList(nil, {name = name}))
local orphan = freed_list.shm -- a list's block whose list is gone
freed(freed_list)
local freed_block = freed(assert(polyshm.SharedMemory(name)))
local closed_list = assert(polyshm.ShareableList(nil, {name = name}))
local closed_block = assert(polyshm.SharedMemory(name))
closed_list:close()
closed_block:close()

check.same(tostring(freed_list), "ShareableList (closed)")
check.same(tostring(freed_block), "SharedMemory (closed)")
check.same(tostring(orphan), "SharedMemory (closed)")
for _, dead in ipairs {freed_list, freed_block, orphan} do
  local class = debug.getmetatable(dead).__name
  for _, key in ipairs {"name", "size", "shm", "close", 1} do
    check.error(("the %s has been closed"):format(class), function()
      return dead[key]
    end)
  end
  check.that(dead ~= list)
  check.that(dead ~= block)
  check.that(dead ~= assert(polyshm.SharedMemory(name)))
end
check.error("the ShareableList has been closed", of_list.close, freed_list)
check.error("the SharedMemory has been closed", of_block.unlink, freed_block)

-- All that is no list, and all that is no block.
local foreign = {
  false, true, 0, 1, 1.5, "text", {}, print, with_upvalue,
  io.stdout, coroutine.create(print), polyshm.bytes "marked",
  debug.upvalueid(with_upvalue, 1), -- a light userdata
}
local function each_foreign(act)
  act(nil)
  for _, object in ipairs(foreign) do act(object) end
end

-- These answer for every object.
local tolerant = {__eq = true, __gc = true}
local function refused_by(members_of, class)
  return function(object)
    for key, member in pairs(members_of) do
      if not tolerant[key] then
        check.error(class .. " expected", member, object, 1, 1)
      end
    end
    check.same(members_of.__gc(object), nil)
    for _, other in ipairs {list, block} do
      check.same(members_of.__eq(object, other), rawequal(object, other))
      check.same(members_of.__eq(other, object), rawequal(object, other))
    end
  end
end
each_foreign(refused_by(of_list, "ShareableList"))
each_foreign(refused_by(of_block, "SharedMemory"))
refused_by(of_list, "ShareableList")(block)
refused_by(of_block, "SharedMemory")(list)
check.error_here("bad argument #1 to 'close' (ShareableList expected, got nil)",
  function()
    local _ = list.close(nil)
  end)

do -- a method of the wrong class
  local fake = assert(polyshm.SharedMemory(name))
  local metatable = debug.getmetatable(fake)
  debug.setmetatable(fake, {__index = list, __name = "Fake"})
  check.error_here("calling 'close' on bad self (ShareableList expected, " ..
    "got Fake)", function()
      fake:close()
    end)
  debug.setmetatable(fake, metatable)
end

-- Another userdata in our clothes, and ours in another's.
for _, object in ipairs {list, block} do
  local file = io.tmpfile()
  local theirs = debug.getmetatable(file)
  local ours = debug.getmetatable(object)
  local class = ours.__name

  debug.setmetatable(file, ours)
  check.error(class .. " expected", function() return file.name end)
  check.error(class .. " expected", function() return file[1] end)
  check.error(class .. " expected", function() file[1] = 1 end)
  check.error(class .. " expected", tostring, file)
  if check.closes then
    check.error(class .. " expected", function() local _ <close> = file end)
  end
  check.that(file ~= object)
  debug.setmetatable(file, theirs)
  file:close()

  local called = object.name
  debug.setmetatable(object, nil)
  check.same(ours.__index(object, "name"), called)
  debug.setmetatable(object, ours)
end
do
  local marked = polyshm.str "x"
  local marks = debug.getmetatable(marked)
  debug.setmetatable(list, marks)
  check.error("marked string expected", tostring, list)
  debug.setmetatable(list, debug.getmetatable(closed_list))
  debug.setmetatable(marked, debug.getmetatable(list))
  check.error("ShareableList expected", function() return marked[1] end)
  check.error("ShareableList expected", function() return #marked end)
  debug.setmetatable(marked, marks)
  check.error("marked string expected", marks.__tostring, nil)
  check.error("marked string expected", marks.__tostring, io.stdout)

  -- A mark that has lost its string is no value.
  debug.setuservalue(marked, nil, 1)
  check.error("no list holds a userdata", function() list[1] = marked end)
end

do -- the tie between a list and its block, cut or turned
  local one = assert(polyshm.ShareableList(nil, {name = name}))
  local shm = one.shm
  debug.setuservalue(one, io.stdout, 1)
  check.same(one.shm, io.stdout)
  debug.setuservalue(one, shm, 1)
  debug.setuservalue(shm, nil, 1)
  one = nil
  collectgarbage()
  check.error("the SharedMemory has been closed", function()
    return shm.name
  end)

  local other = assert(polyshm.ShareableList(nil, {name = name}))
  debug.setuservalue(other, block, 1)
  freed(other)
  check.same(#block:read(), 1000)
end

-- --------------------------------------------------------------------- core

-- The module beneath keeps its promises, too.
for _, case in ipairs {
  {core.block_open}, {core.block_open, 1}, {core.block_open, {}, 1, 0, {}},
  {core.block_open, name, -1, 0, {}}, {core.block_open, name, 0, -1, {}},
  {core.block_open, name, 0, 1 << 32, {}}, {core.block_open, name, 0, 0},
  {core.block_open, name, 0, 0, {mode = "x"}},
  {core.block_open, name, 0, 0, {mode = 1 << 32}},
  {core.block_open, name, 0, 0, {mode = -1}},
  {core.block_open, name, 0, 1 << 20, {}}, {core.block_open, nil, 0, 0, {}},
  {core.block_open, name, 0, 2, {}},
  {core.list_open}, {core.list_open, name}, {core.list_open, {}, 0},
  {core.list_open, name, 1}, {core.list_open, name, 1.5},
  {core.list_create}, {core.list_create, nil, 1, 1, {}},
  {core.list_create, nil, {}, "x", {}}, {core.list_create, nil, {}, 0},
  {core.list_create, nil, {{}}, 1, {}},
  {core.list_create, nil, {}, 1 << 31, {}},
  {core.list_create, nil, {}, 1, {capacity = -1}},
  {core.list_create, nil, {}, 1, {capacity = {}}},
  {core.status_name}, {core.status_name, {}},
} do
  check.error("", table.unpack(case, 1, 5))
end
-- Surplus arguments are ignored.
check.same(core.list_open(name, 0, 1, 2, 3, 4, 5)[1], 1)
check.same(list:close(1, 2, 3), true)
list = assert(polyshm.ShareableList(nil, {name = name}))

check.same(list:unlink(), true)
check.same(block:unlink(), true)
check.done()
