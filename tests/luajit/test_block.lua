-- SPDX-License-Identifier: MIT
-- Blocks: SharedMemory, and what there is to see of them from outside.

package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local check = require "check"
local polyshm = require "polyshm"

local function made_and_attached()
  local name = check.name()
  check.refused(polyshm.E_NOT_FOUND, polyshm.SharedMemory(name))
  check.refused(polyshm.E_NOT_FOUND, polyshm.SharedMemory {name = name})
  local made = assert(
    polyshm.SharedMemory {name = name, create = true, size = 5000})
  check.same(made.name, name)
  check.same(made.size, 5000)
  check.same(made:read(), ("\0"):rep(5000))
  check.same(tostring(made), ("SharedMemory '%s' (5000 bytes)"):format(name))

  local attached = assert(polyshm.SharedMemory(name))
  check.same(attached:write(10, "a\0b\255"), true)
  check.same(made:read(9, 6), "\0a\0b\255\0")
  check.that(made == attached)
  check.that(made ~= check.block(5000))
  check.that(made ~= name)
  check.that(made ~= nil)
  check.that(made ~= check.list {1})

  check.refused(polyshm.E_EXISTS,
    polyshm.SharedMemory {name = name, create = true, size = 1})
  local opened = assert(polyshm.SharedMemory {
    name = name, create = true, size = 1, exclusive = false,
  })
  check.same(opened.size, 5000)

  local viewed = assert(polyshm.SharedMemory {name = name, read_only = true})
  check.same(viewed:read(10, 1), "a")
  for _, change in ipairs {
    function() viewed:write(0, "x") end,
    function() viewed:fill(1) end,
  } do
    check.error_here("is open for reading only", change)
  end

  check.same(made:unlink(), true)
  check.refused(polyshm.E_NOT_FOUND, made:unlink())
  check.refused(polyshm.E_NOT_FOUND, polyshm.unlink(name))
  check.same(attached:read(10, 1), "a")

  local drawn = assert(polyshm.SharedMemory {create = true, size = 1})
  check.that(drawn.name:find "^psm_%x+$")
  check.same(polyshm.unlink(drawn.name), true)
end

local function options()
  for _, wrong in ipairs {
    {"unknown option 'nmae'", {nmae = "x"}},
    {"option 'name' must be a string, not a number", {name = 1}},
    {"option 'create' must be a boolean", {create = 1}},
    {"option 'size' must be an integer", {create = true, size = -1}},
    {"option 'size' must be an integer", {create = true, size = 1.5}},
    {"option 'size' must be an integer", {create = true, size = "1"}},
    {"option 'mode' must be an integer from 0 to 511", {mode = 512}},
    {"'1'", {"x"}},
    {"bad argument #1", nil},
    {"bad argument #1", true},
  } do
    check.error_here(wrong[1], function()
      polyshm.SharedMemory(wrong[2])
    end)
  end
  for _, name in ipairs {"", "a/b", "\255", ("x"):rep(300), "a\0b"} do
    check.error("name", polyshm.SharedMemory, {name = name})
  end
  check.error("", polyshm.SharedMemory, {create = true, size = 0})

  local umask = tonumber(io.popen "umask":read(), 8)
  if umask == 18 then -- 022
    local name = check.name()
    local block = assert(polyshm.SharedMemory {
      name = name, create = true, size = 1, mode = 511, track = false,
    })
    check.same(polyshm.inspect(name).mode, 493)
    check.same(block:unlink(), true)
  end
end

local function reading_and_writing()
  local block = check.block(8)
  check.same(block:write(0, "\0\255\0\n abc"), true)
  check.same(block:read(), "\0\255\0\n abc")
  check.same(block:read(5), "abc")
  check.same(block:read(nil, 1), "\0")
  check.same(block:read(8), "")
  check.same(block:read(3, 0), "")
  check.same(block:write(8, ""), true)
  for _, place in ipairs {
    {9}, {9, 0}, {0, 9}, {8, 1}, {-1}, {0, -1}, {2^53}, {1, 2^53}, {1.5},
    {0, 1.5}, {{}}, {0, {}}, {0 / 0}, {2^64}, {0, 1 / 0},
  } do
    check.error("bad argument", block.read, block, place[1], place[2])
  end
  check.error_here("bad argument #1 to 'read'", function() block:read(9) end)
  check.error_here("bad argument #2 to 'read'", function()
    block:read(0, "x")
  end)
  check.error_here("past the end", function() block:write(8, "x") end)
  check.error_here("bad argument #1 to 'write'", function()
    block:write(-1, "x")
  end)
  check.error_here("bad argument #2 to 'write'", function()
    block:write(0, {})
  end)
  check.same(block:read(5), "abc")
end

local function filling_and_finding()
  local block = check.block(200000)
  check.same(block:fill(65), true)
  check.same(block:read(), ("A"):rep(200000))
  check.same(block:fill(66, 100000, 3), true)
  check.same(block:fill(67, 199999), true)
  check.same(block:read(99999, 5), "ABBBA")
  check.same(block:find "B", 100000)
  check.same(block:find("B", 100001), 100001)
  check.same(block:find("BBB", 0, 100003), 100000)
  check.refused(polyshm.E_NOT_FOUND, block:find("BBB", 0, 100002))
  check.refused(polyshm.E_NOT_FOUND, block:find("BBBB"))
  check.refused(polyshm.E_NOT_FOUND, block:find(("A"):rep(200001)))
  check.same(block:find "C", 199999)
  check.same(block:find "AC", 199998)
  check.same(block:find "", 0)
  check.same(block:find("", 200000), 200000)
  -- Over all places where two parts of a long search may meet.
  for _, at in ipairs {65530, 65533, 65534, 65535, 65536, 131070} do
    block:write(at, "needle")
    check.same(block:find "needle", at)
    block:fill(65, at, 6)
  end
  check.same(block:fill(), true)
  check.same(block:read(), ("\0"):rep(200000))
  for _, byte in ipairs {-1, 256, 1.5, "x", {}} do
    check.error_here("bad argument #1 to 'fill'", function()
      block:fill(byte)
    end)
  end
  check.error_here("bad argument #2 to 'fill'", function()
    block:fill(1, 200001)
  end)
  check.error_here("bad argument #3 to 'find'", function()
    block:find("x", 1, 200000)
  end)
  check.error_here("bad argument #1 to 'find'", function() block:find() end)
end

local function closing()
  local name = check.name()
  local made = assert(
    polyshm.SharedMemory {name = name, create = true, size = 3})
  local block = assert(polyshm.SharedMemory(name))
  made:close()
  check.same(check.mappings(name), 1)
  check.same(block:close(), true)
  check.same(block:close(), true)
  check.same(check.mappings(name), 0)
  check.same(tostring(block), ("SharedMemory '%s' (closed)"):format(name))
  for _, use in ipairs {
    function() block:read() end,
    function() block:write(0, "") end,
    function() block:fill() end,
    function() block:find "x" end,
    function() block:view "u8" end,
  } do
    check.error_here("the block '" .. name .. "' has been closed", use)
  end
  check.same(block.name, name)
  check.same(block.size, 3)
  check.same(block:unlink(), true)
end

local function collecting()
  local name = check.name()
  local made = assert(
    polyshm.SharedMemory {name = name, create = true, size = 3})
  local block = assert(polyshm.SharedMemory(name))
  made:unlink()
  made:close()
  check.same(check.mappings(name), 1)
  block = nil -- luacheck: ignore
  collectgarbage()
  collectgarbage()
  check.same(check.mappings(name), 0)
end

local function members()
  local block = check.block(1)
  for _, key in ipairs {"nmae", 1, 0, 1.5, true, "__index", "", block} do
    check.same(block[key], nil)
  end
  check.error_here("the field 'name' cannot be set", function()
    block.name = "x"
  end)
  check.error_here("the field '1' cannot be set", function()
    block[1] = 1
  end)
  for _, wrong in ipairs {1, "x", {}, io.stdout, check.list {1}} do
    for _, name in ipairs {"read", "write", "close", "unlink", "view"} do
      check.error("SharedMemory expected", block[name], wrong, 0, "")
    end
  end
  check.error_here("bad self (SharedMemory expected", function()
    local fake = setmetatable({}, {__index = function() return block.read end})
    fake:read()
  end)
end

local function seen_from_outside()
  local name = check.name()
  check.refused(polyshm.E_NOT_FOUND, polyshm.inspect(name))
  local block = assert(
    polyshm.SharedMemory {name = name, create = true, size = 4321})
  local info = polyshm.inspect(name)
  check.same(info.name, name)
  check.same(info.kind, "block")
  check.same(info.size, 4321)
  check.same(info.length, nil)
  check.same(info.mode, 384)
  check.same(info.tracked, true)
  check.same(info.held, true)
  check.same(info.kept, true)
  check.same(info.orphan, false)
  check.that(type(info.uid) == "number")
  check.that(math.abs(info.created - os.time()) < 3600)

  local found = 0
  for seen in polyshm.blocks() do
    if seen.name == name then
      found = found + 1
      check.same(seen.size, 4321)
    end
  end
  check.same(found, 1)
  for _ in polyshm.blocks() do break end -- luacheck: ignore 512

  local holders = polyshm.holders(name)
  check.same(#holders, 1)
  check.same(holders[1], tonumber(io.open "/proc/self/stat":read "*n"))
  check.that(polyshm.gc {dry_run = true} >= 0)
  for _, f in ipairs {polyshm.inspect, polyshm.holders, polyshm.unlink} do
    check.error("string expected", f, {})
  end
  check.error("zero bytes", polyshm.inspect, "a\0b")
  check.error("unknown option", polyshm.gc, {dry = true})
  block:unlink()
end

check.run(function()
  made_and_attached()
  options()
  reading_and_writing()
  filling_and_finding()
  closing()
  collecting()
  members()
  seen_from_outside()
end)
