-- SPDX-License-Identifier: MIT
-- What the tests of polyshm.ffi are made of, for LuaJIT and for Lua 5.3 and
-- newer, on which they run against the main module: what both promise, both are
-- held to.

local polyshm = require "polyshm"

local check = {}

check.is_jit = rawget(_G, "jit") ~= nil

local failures, checks = 0, 0
local unpack = table.unpack or unpack -- luacheck: ignore

function check.pack(...)
  return {n = select("#", ...), ...}
end

-- Say what went wrong in the test's own line.
local function fail(message, ...)
  failures = failures + 1
  local level, info = 2 -- luacheck: ignore
  repeat
    level = level + 1
    info = debug.getinfo(level, "Sl")
  until not info.source:find "check%.lua$"
  io.stderr:write(("%s:%d: "):format(info.short_src, info.currentline),
    message:format(...), "\n")
end

local function show(value)
  if type(value) ~= "string" then return tostring(value) end
  return #value > 60 and ("a string of %d bytes"):format(#value)
    or ("%q"):format(value)
end

-- Any NaN is as good as another; 0.0 is not -0.0.
local function same(a, b)
  if type(a) == "number" and type(b) == "number" then
    if a ~= a then return b ~= b end
    return a == b and 1 / a == 1 / b
  end
  return a == b and type(a) == type(b)
end

function check.that(condition, message)
  checks = checks + 1
  if not condition then fail("%s", message or "it is not so") end
end

function check.same(actual, expected)
  checks = checks + 1
  if not same(actual, expected) then
    fail("%s, not %s", show(actual), show(expected))
  end
end

-- The items of two tables, from 1 to n.
function check.items(actual, ...)
  for i = 1, select("#", ...) do
    check.same(actual[i], (select(i, ...)))
  end
end

-- An expected failure, as in check.refused(polyshm.E_EXISTS, f(...)).
function check.refused(expected, result, message, code)
  checks = checks + 1
  if result ~= nil or code ~= expected then
    fail("%s, %s, not nil and the code %d",
      show(result), show(code), expected)
  elseif type(message) ~= "string" or message == "" then
    fail("no message")
  end
end

-- An error whose text has this in it.
function check.error(text, f, ...)
  checks = checks + 1
  local ok, message = pcall(f, ...)
  if ok then
    fail("no error")
  elseif type(message) ~= "string" or not message:find(text, 1, true) then
    fail("the error is %q, not %q", tostring(message), text)
  end
end

-- An error that has the position of f, a Lua function, as its own.
function check.error_here(text, f)
  check.error(text, f)
  local _, message = pcall(f)
  local info = debug.getinfo(f, "S")
  local source, line = tostring(message):match "^(.-):(%d+): "
  line = tonumber(line)
  if source ~= info.short_src or line < info.linedefined
    or line > info.lastlinedefined then
    fail("the error is elsewhere: %s", tostring(message))
  end
end

-- A 64-bit integer: on LuaJIT an int64_t, or a number if that is exact.
function check.int(digits)
  if not check.is_jit then return math.tointeger(digits) end
  local integer = assert(loadstring("return " .. digits .. "LL"))()
  local most = assert(loadstring "return 0x20000000000000LL")()
  if integer >= -most and integer <= most then return tonumber(integer) end
  return integer
end

-- What LuaJIT's FFI alone must do, or the main module alone.
function check.on_jit(act) if check.is_jit then act() end end
function check.on_lua(act) if not check.is_jit then act() end end

-- ----------------------------------------------------------------------- names

-- The name of a block that is ours is a prefix that nobody else has.
local own = assert(polyshm.SharedMemory {create = true, size = 1})
local count = 0

function check.name()
  count = count + 1
  return own.name .. "-test-" .. count
end

-- Which of our names are left. They are removed.
local function leftovers()
  local left = {}
  for i = 1, count do
    local name = own.name .. "-test-" .. i
    if polyshm.unlink(name) then left[#left + 1] = name end
  end
  own:unlink()
  return left
end

-- A list or block that has its name no longer.
function check.list(values, options)
  options = options or {}
  options.name = check.name()
  local list = assert(polyshm.ShareableList(values, options))
  check.same(list:unlink(), true)
  return list
end

function check.block(size)
  local block = assert(polyshm.SharedMemory {
    name = check.name(), create = true, size = size,
  })
  check.same(block:unlink(), true)
  return block
end

-- How often this process maps the block that has this name.
function check.mappings(name)
  local found = 0
  for line in io.lines "/proc/self/maps" do
    if line:find("/dev/shm/" .. name, 1, true) then found = found + 1 end
  end
  return found
end

-- ----------------------------------------------------------------------- peers

-- What a peer's script begins with. A peer sleeps in no test longer than LIMIT,
-- so that it ends if the test does not end it.
local prelude = [[
local polyshm = require "polyshm"
local LIMIT = 60
local list = assert(polyshm.ShareableList(nil, {name = arg[1]}))
io.stdout:setvbuf "line"
]]

-- Start another process of this interpreter, which has `list` open and runs the
-- script. It gets the other arguments as arg[2] and so on.
function check.peer(list, script, ...)
  local first = -1
  while arg[first - 1] do first = first - 1 end
  local words = {arg[first], "-", list.name, ...}
  for i, word in ipairs(words) do
    words[i] = "'" .. tostring(word):gsub("'", "'\\''") .. "'"
  end
  return assert(io.popen(
    ("exec %s <<'END OF SCRIPT'\n%s%s\nEND OF SCRIPT\n"):format(
      table.concat(words, " "), prelude, script)))
end

-- ------------------------------------------------------------------------- end

-- Run a test, and leave nothing behind however it ends.
function check.run(test)
  local ok, problem = xpcall(test, debug.traceback)
  for _, name in ipairs(leftovers()) do
    if ok then fail("/dev/shm/%s is left behind", name) end
  end
  if not ok then
    failures = failures + 1
    io.stderr:write(problem, "\n")
  end
  print(("%d checks, %d failures"):format(checks, failures))
  os.exit(failures == 0 and 0 or 1)
end

check.unpack = unpack

return check
