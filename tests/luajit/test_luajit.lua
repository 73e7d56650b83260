-- SPDX-License-Identifier: MIT
-- What is LuaJIT's own: numbers that are doubles, 64-bit integers that are
-- cdata, the constants, and calls with everything that they were not made for.

package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local check = require "check"
local ffi = require "ffi"
local abi = require "polyshm.ffi.abi"
local polyshm = require "polyshm.ffi"

local function the_module()
  check.that(require "polyshm" == polyshm)
  check.that(polyshm._VERSION:find "^polyshm %d+%.%d+%.%d+$")
  check.same(polyshm.FOREVER, 1 / 0)
  local codes = 0
  for name, number in pairs(abi.constants) do
    local code = name:match "^POLYSHM_(E_.*)"
    if code then
      codes = codes + 1
      check.same(polyshm[code], number)
    end
  end
  check.that(codes >= 18)
  for name, size in pairs(abi.sizes) do
    check.same(ffi.sizeof(name), size)
  end
  check.same(rawget(_G, "polyshm"), nil)
  check.that((os.getenv "POLYSHM_TREE" or ""):find "^%d+:%d+:%x+$")
end

local function numbers()
  local list = check.list {
    3, polyshm.float(3), 2^53, -2^53, 2^54, 5LL, 7ULL, -0.0, polyshm.float(9LL),
  }
  local types = {}
  for i = 1, #list do types[i] = list:type(i) end
  check.same(table.concat(types, " "),
    "int float int int float int int float float")
  check.same(list[6], 5)
  check.same(list[7], 7)
  check.same(list[9], 9)
  check.same(list:add(1, 2ULL), 5)
  list[1] = 0x7fffffffffffffffLL
  check.same(type(list[1]), "cdata")
  check.that(ffi.istype("int64_t", list[1]))
  list[2] = list[1]
  check.same(list:type(2), "int")
  check.that(list[2] == 0x7fffffffffffffffLL)
  check.error("no list holds a cdata", function()
    list[1] = 0x8000000000000000ULL
  end)
  check.error("no list holds a cdata", function()
    list[1] = ffi.new "int[2]"
  end)
  check.error("number expected", polyshm.float, "x")
  check.same(tostring(polyshm.float(1.5)), "1.5")

  local view = check.block(16):view "u64"
  view[1] = 0xffffffffffffffffULL
  check.that(view[1] == 0xffffffffffffffffULL)
  check.that(ffi.istype("uint64_t", view[1]))
  check.that(view:max() == 0xffffffffffffffffULL)
  view[2] = 2^53
  check.same(view[2], 2^53)
  for _, x in ipairs {-1, -1LL, 2^64, 0.5} do
    check.error("a 64-bit integer", function() view[1] = x end)
  end
  check.same(check.block(8):view("i64"):copy {0x7fffffffffffffffLL}, true)
end

-- What is compiled does what is interpreted does.
local function traces()
  local list = check.list {0, 0.5, "text", true, 0x20000000000001LL}
  local integers, floats, strings = 0, 0, 0
  for i = 1, 5000 do
    list[1] = i
    integers = integers + list[1]
    list[2] = i + 0.5
    floats = floats + list[2]
    list[3] = ("x"):rep(i % 8)
    strings = strings + #list[3]
    list[5] = 0x20000000000000LL + i
    if list[5] ~= 0x20000000000000LL + i then check.that(false) end
    if list[4] ~= true or list[9] ~= nil or list[-2] ~= true then
      check.that(false)
    end
  end
  check.same(integers, 5000 * 5001 / 2)
  check.same(floats, 5000 * 5001 / 2 + 2500)
  check.same(strings, 5000 / 8 * 28)
  -- A closed one ends a trace.
  check.error("has been closed", function()
    for i = 1, 1000 do
      list[1] = i
      if i == 900 then list:close() end
    end
  end)
end

-- -------------------------------------------------------------------- misuse

local state = 12345
local function random(n)
  state = (state * 1103515245 + 12345) % 2^31
  return math.floor(state / 65536) % n + 1
end

local function misuse()
  local name, block_name = check.name(), check.name()
  local keep = assert(polyshm.ShareableList(
    {1, 2.5, "text", nil, true, ("x"):rep(1000), n = 6}, {name = name}))
  local keep_block = assert(polyshm.SharedMemory {
    name = block_name, create = true, size = 1000,
  })
  local list, block, view, things
  local methods = {
    "close", "type", "capacity", "index", "count", "totable", "update",
    "format", "add", "swap", "snapshot", "version", "read", "write", "fill",
    "find", "view", "copy", "sum", "min", "max", "unlock",
  }
  local function renew()
    list = assert(polyshm.ShareableList(nil, {name = name, timeout = 0}))
    block = assert(polyshm.SharedMemory(block_name))
    view = block:view("i32", 3)
    local closed = assert(polyshm.SharedMemory(block_name))
    local of_closed = closed:view "f64"
    closed:close()
    things = {
      true, false, 0, 1, 2, 6, 7, -1, -7, 999, 1000, 1.5, 2^53, 2^63, 1 / 0,
      0 / 0, "", "x", "name", "u8", "f64", "a\0b", "\255", ("y"):rep(2000), {},
      {1, 2}, {n = 3}, {n = -1}, print, io.stdout, 5LL, 7ULL,
      polyshm.bytes "\255", polyshm.str "\255", polyshm.float(1),
      coroutine.create(print), list, list, list, block, block, block, view,
      view, view, closed, of_closed, list.shm, list:lock(0) or 0,
    }
  end
  local function pick() return things[random(#things + 2)] end
  local function act(kind)
    local object = pick()
    if kind == 1 then return object[pick()] end
    if kind == 2 then object[pick()] = pick() return end
    if kind == 3 then return #object end
    if kind == 4 then return tostring(object), object == pick() end
    local method = methods[random(#methods)]
    local f = pick()[method]
    -- Not the standard library's.
    if object == io.stdout or type(f) ~= "function" then return end
    return f(object, pick(), pick(), pick())
  end
  local successes, odd = 0, 0
  for round = 0, tonumber(os.getenv "POLYSHM_FUZZ_ROUNDS") or 20000 do
    if round % 50 == 0 then renew() end
    local run = round % 10 == 0
      and coroutine.wrap(function(...) return pcall(act, ...) end)
      or function(...) return pcall(act, ...) end
    local ok, message = run(random(8))
    if ok then
      successes = successes + 1
    elseif type(message) ~= "string" then
      odd = odd + 1
    end
  end
  check.that(successes > 100)
  check.same(odd, 0)
  check.same(keep:unlink(), true)
  check.same(keep_block:unlink(), true)
end

check.run(function()
  the_module()
  numbers()
  traces()
  misuse()
end)
