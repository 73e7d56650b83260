-- SPDX-License-Identifier: MIT
-- What the tests are made of: comparisons that count and print their failures
-- and go on, names for blocks that nobody else uses, and other processes.

local polyshm = require "polyshm"

local check = {}

-- Whether <close> variables are closed: before Lua 5.4, older.lua leaves the
-- word out.
check.closes = _VERSION ~= "Lua 5.3"

local failures, checks = 0, 0

-- Say what went wrong in the test's own line.
local function fail(message, ...)
  failures = failures + 1
  local level, info = 2
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

-- The same value in the same representation: 1 is not 1.0, 0.0 is not -0.0, and
-- one NaN is as good as another.
local function same(a, b)
  if a ~= a then return b ~= b end
  if math.type(a) == "float" and a == 0 then
    return math.type(b) == "float" and 1 / a == 1 / b
  end
  return rawequal(a, b) and math.type(a) == math.type(b)
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
  local expected = table.pack(...)
  for i = 1, expected.n do check.same(actual[i], expected[i]) end
end

-- An expected failure, as in check.refused(polyshm.E_EXISTS, f(...)).
function check.refused(expected, result, message, code)
  checks = checks + 1
  if result ~= nil or code ~= expected then
    fail("%s, %s, not nil and the code %d",
      show(result), show(code), expected)
  elseif math.type(code) ~= "integer" or type(message) ~= "string"
    or message == "" then
    fail("no message, or a code that is no integer")
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

-- ---------------------------------------------------------------------- names

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

-- A test that is ended by an error leaves nothing, either.
check.guard = setmetatable({}, {__gc = leftovers})

-- How often this process maps the block that has this name.
function check.mappings(name)
  local found = 0
  for line in io.lines "/proc/self/maps" do
    if line:find("/dev/shm/" .. name, 1, true) then found = found + 1 end
  end
  return found
end

-- The content of one of the golden blocks.
function check.golden(name)
  local folder = arg[0]:match "^.*/" or ""
  local file <close> = assert(io.open(folder .. "../golden/" .. name, "rb"))
  return file:read "a"
end

-- A list that Python's own module made, from one of the golden blocks.
function check.stock(golden)
  local name, content = check.name(), check.golden(golden)
  local block <close> = assert(
    polyshm.SharedMemory {name = name, create = true, size = #content})
  block:write(0, content)
  local list = assert(polyshm.ShareableList(nil, {name = name}))
  block:unlink()
  return list
end

-- ---------------------------------------------------------------------- peers

local Peer = {}
Peer.__index = Peer

-- What a peer's script begins with. A peer says first who it is, and sleeps in
-- no test longer than LIMIT, so that it ends if the test does not end it.
local prelude <const> = [[
local polyshm = require "polyshm"
local LIMIT = 60
local list = assert(polyshm.ShareableList(nil, {name = arg[1]}))
io.stdout:setvbuf "line"
print(io.open "/proc/self/stat":read "n")
]]

-- Start a process that has `list` open and runs the script. It gets the other
-- arguments as arg[2] and so on.
function check.peer(list, script, ...)
  local words = {arg[-1], "-", list.name, ...}
  for i, word in ipairs(words) do
    words[i] = "'" .. tostring(word):gsub("'", "'\\''") .. "'"
  end
  local command = ("exec %s <<'END OF SCRIPT'\n%s%s\nEND OF SCRIPT\n"):format(
    table.concat(words, " "), prelude, script)
  local output = assert(io.popen(command))
  local pid = assert(output:read "n", "a peer did not start")
  output:read "l"
  return setmetatable({output = output, pid = pid}, Peer)
end

-- The next line it writes.
function Peer:line()
  return self.output:read "l"
end

function Peer:signal(signal)
  return os.execute(("kill -s %s %d"):format(signal, self.pid))
end

-- Wait until it sleeps. It must have nothing left to do but that.
function Peer:sleeps()
  local deadline = os.time() + 60
  repeat
    local file <close> = assert(io.open(("/proc/%d/stat"):format(self.pid)))
    local state = file:read "a":match ".*%) (%a)"
    if state == "S" then return true end
  until os.time() > deadline
  return false
end

-- Wait until it has ended; how it did, as io.close says.
function Peer:finish()
  self.finished = true
  return self.output:close()
end

function Peer:kill()
  self:signal "KILL"
  self:finish()
end

-- A peer's process does not outlive the test.
function Peer:__gc()
  if not self.finished then self:kill() end
end

-- The last statement of a test.
function check.done()
  for _, name in ipairs(leftovers()) do
    fail("/dev/shm/%s is left behind", name)
  end
  print(("%d checks, %d failures"):format(checks, failures))
  os.exit(failures == 0, true)
end

return check
