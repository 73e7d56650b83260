-- SPDX-License-Identifier: MIT
-- peer.lua NAME FOLDER PROMISES SEED SECONDS: a good peer, in Lua. What it does
-- stands in peer.c.

local polyshm = require "polyshm"

local me, folder, promises, seed, patience = table.unpack(arg, 1, 5)
local CONSTANT = "all is well"
local SUM, LEFT, RIGHT, TEXT, BELL, CONST, SLOTS = 1, 2, 3, 4, 5, 6, 6
local TEXT_ROOM = 400
local WILD_LISTS, WILD_BLOCKS, OWN_NAMES = 4, 2, 4

math.randomseed(math.tointeger(tonumber(seed)))
local random = math.random

-------------------------------------------------------------------- calls

local promised, counts, current = {}, {}, "-"
local ncall, slowest = 0, {0, "nothing"}
local board = assert(io.open(folder .. "/" .. me, "w"))

for line in io.lines(promises) do
  local what, answers = line:match "^(%l[^ ]*) +(.*)"
  if what then
    promised[what] = {}
    for answer in answers:gmatch "[%u_]+" do promised[what][answer] = true end
  end
end

local function wrong(...)
  io.stderr:write(
    "peer ", me, ": ", current, ": ", string.format(...), "\n")
  os.exit(1)
end

local names = {}
for name, code in pairs(polyshm) do
  if type(name) == "string" and name:match "^E_" then
    names[code] = name:sub(3)
  end
end

-- Errors that are raised have no code; these are their words.
local words = {
  {"is not a block", "INVALID"},
  {"no ShareableList", "CORRUPT"},
  {"leave the list's data", "CORRUPT"},
  {"by a record that cannot be its own", "CORRUPT"},
  {"being changed by another process", "TIMEOUT"},
  {"in the hands of processes", "TIMEOUT"},
  {"overwritten faster", "TIMEOUT"},
  {"outside the list", "RANGE"},
  {"out of range", "RANGE"},
  {"do not fit", "SPACE"},
  {"is no integer", "TYPE"},
  {"does not have the lock", "INVALID"},
  {"cannot lock a byte", "OS"},
  {"cannot open the list", "OS"},
}

local function name_of(message)
  for _, pair in ipairs(words) do
    if message:find(pair[1], 1, true) then return pair[2] end
  end
  wrong("raised: %s", message)
end

local function judge(is_fine, result, message, code)
  local answer = "OK"
  if not is_fine then
    answer, message = name_of(tostring(result)), result
  elseif result == nil and code then
    answer = names[code]
  end
  local took = os.time() - slowest.since
  if took > slowest[1] then slowest = {took, current, since = 0} end
  local row = counts[current]
  row[answer] = (row[answer] or 0) + 1
  if not promised[current][answer] then
    wrong("not promised: %s, %s", answer, message)
  end
  local most = tonumber(patience) * (current == "look.holders" and 4 or 1)
  if took > most + 1 then wrong("it took %d s", took) end
  if answer ~= "OK" then return nil, answer end
  return result, message
end

-- Call a function, and judge what comes. A nil that is a value is one.
local function call(what, fn, ...)
  current, ncall = what, ncall + 1
  counts[what] = counts[what] or {}
  if not promised[what] then wrong "nothing is promised of it" end
  board:seek("set", 0)
  board:write(("%-20s %12d\n"):format(what, ncall))
  board:flush()
  slowest.since = os.time()
  return judge(pcall(fn, ...))
end

local function get(list, i) return list[i] end

local function set(list, i, value)
  list[i] = value
  return true
end

local function is_value(value)
  local kind = type(value)
  return kind == "nil" or kind == "boolean" or kind == "number"
    or kind == "string"
end

---------------------------------------------------------- the steady list

local steady
local adds = 0

local function check_text(text)
  if type(text) ~= "string" or #text == 0 or #text >= TEXT_ROOM
    or text ~= text:sub(1, 1):rep(#text) then
    wrong("a torn text: %q", tostring(text))
  end
end

local function check_pair(left, right)
  if math.type(left) ~= "integer" or math.type(right) ~= "integer"
    or left + right ~= 0 then
    wrong("%s and %s", left, right)
  end
end

local function steady_text()
  local text = string.char(random(97, 122)):rep(random(TEXT_ROOM - 1))
  call("steady.text", set, steady, TEXT, text)
  check_text((call("steady.get", get, steady, TEXT)))
  if call("steady.get", get, steady, CONST) ~= CONSTANT then
    wrong "what is constant has changed"
  end
end

local function steady_add()
  if call("steady.add", steady.add, steady, SUM) then adds = adds + 1 end
  call("steady.add", steady.add, steady, BELL)
end

local function steady_lock()
  local lock = call("steady.lock", steady.lock, steady, 0.3)
  if not lock then return end
  check_pair(
    call("steady.get", get, steady, LEFT),
    (call("steady.get", get, steady, RIGHT)))
  local number = random(0, 999999)
  repeat until call("steady.left", set, steady, LEFT, number)
  repeat until call("steady.right", set, steady, RIGHT, -number)
  call("steady.unlock", lock.unlock, lock)
end

local function steady_look()
  local items = call("steady.snapshot", steady.snapshot, steady)
  if items then
    check_pair(items[LEFT], items[RIGHT])
    check_text(items[TEXT])
  end
  local index = call("steady.find", steady.index, steady, CONSTANT)
  if index and index ~= CONST then wrong("found at %d", index) end
  local version = call("steady.version", steady.version, steady, BELL)
  call("steady.wait", steady.wait, steady, BELL, 0.005, version)
end

local function work_steady()
  if not steady then
    steady = call("steady.open", polyshm.ShareableList, nil, {
      name = "steady", timeout = 0.3})
    if not steady then return end
    if #steady ~= SLOTS then wrong("%d slots", #steady) end
  end
  steady_text()
  steady_add()
  steady_lock()
  steady_look()
  if random(20) == 1 then
    call("steady.close", steady.close, steady)
    steady = nil
  end
end

----------------------------------------------------------- the wild lists

local function any_slot(list) return random(math.min(#list, 16) + 1) end

local function wild_write(list)
  local values = {7, ("written by a good peer"):sub(1, random(0, 22))}
  call("wild.set", set, list, any_slot(list), values[random(3)])
  call("wild.add", list.add, list, any_slot(list), 1)
  call("wild.swap", list.swap, list, any_slot(list), 7, 8)
end

local function wild_read(list)
  call("wild.capacity", list.capacity, list, any_slot(list))
  local value = call("wild.get", get, list, any_slot(list))
  if not is_value(value) then wrong("a %s", type(value)) end
  local index = call("wild.find", list.index, list, 8)
  if index and index > #list then wrong("found at %d", index) end
  local items = call("wild.snapshot", list.snapshot, list, 1, random(8))
  for i = 1, items and items.n or 0 do
    if not is_value(items[i]) then wrong("a %s", type(items[i])) end
  end
end

local function wild_wait(list)
  local version = call("wild.version", list.version, list)
  if not version then return end
  call("wild.wait", list.wait, list, nil, 0.005, version)
  call("wild.wait", list.wait, list, any_slot(list), 0.005, version)
  local lock = call("wild.lock", list.lock, list, 0.02)
  if lock then call("wild.unlock", lock.unlock, lock) end
end

local function open_wild(name)
  local values = {1, 2, "some text", 4}
  local kind = random(4)
  if kind == 1 then
    return call("wild.create", polyshm.ShareableList, values, {
      name = name, exclusive = false, capacity = 8 * random(0, 8)})
  elseif kind == 2 then
    return call("wild.make", polyshm.ShareableList, values, {
      name = name, track = false})
  elseif kind == 3 then
    return call("wild.read-only", polyshm.ShareableList, nil, {
      name = name, read_only = true})
  end
  return call("wild.open", polyshm.ShareableList, nil, {name = name})
end

local function work_wild()
  local name = "wild." .. random(0, WILD_LISTS - 1)
  local list = open_wild(name)
  if not list then return end
  list:timeout(0.05)
  local is_writable = current ~= "wild.read-only"
  for _ = 1, random(8) do
    wild_read(list)
    if is_writable then
      wild_write(list)
      wild_wait(list)
    end
  end
  call("wild.close", list.close, list)
  if random(8) == 1 then call("wild.unlink", polyshm.unlink, name) end
end

local function work_block()
  local name = "wild." .. WILD_LISTS + random(0, WILD_BLOCKS - 1)
  local block
  if random(2) == 1 then
    block = call("block.create", polyshm.SharedMemory, {
      name = name, create = true, exclusive = false, size = 4096})
  else
    block = call("block.open", polyshm.SharedMemory, name)
  end
  if not block then return end
  local bytes = call("block.read", block.read, block)
  if #bytes ~= block.size then wrong("%d bytes", #bytes) end
  call("block.write", block.write, block, 0, bytes)
  call("block.close", block.close, block)
  if random(8) == 1 then call("block.unlink", polyshm.unlink, name) end
end

------------------------------------------------------------------ its own

local function own_list(name)
  local number, text, kept = random(0, 1 << 40), "a text of its own", 0
  local list = call(
    "own.create", polyshm.ShareableList, {number, text, 0},
    {name = name, timeout = 0.3})
  if not list then return end
  for i = 1, random(0, 20) do
    if call("own.set", set, list, 3, i) then kept = i end
    local again = call("own.attach", polyshm.ShareableList, nil, {
      name = name, read_only = true})
    local from = again == list and again or list
    if call("own.get", get, from, 1) ~= number
      or call("own.get", get, from, 2) ~= text
      or call("own.get", get, from, 3) ~= kept then
      wrong "not what was stored"
    end
    if again then again:close() end
  end
  call("own.close", list.close, list)
end

local function own_block(name)
  local block = call("own.block", polyshm.SharedMemory, {
    name = name, create = true, size = 5000})
  if not block then return end
  local bytes = string.char(random(0, 255)):rep(5000)
  call("own.write", block.write, block, 0, bytes)
  if call("own.read", block.read, block) ~= bytes then
    wrong "not the bytes that were stored"
  end
  call("own.close", block.close, block)
end

local function work_own()
  local name = ("own.%s.%d"):format(me, random(0, OWN_NAMES - 1));
  (random(2) == 1 and own_list or own_block)(name)
  call("own.unlink", polyshm.unlink, name)
end

------------------------------------------------------------- a manager's

local manager

local function managed_block(name)
  local block = call("managed.block", manager.SharedMemory, manager, 5000, {
    name = name})
  if not block then return end
  local bytes = string.char(random(0, 255)):rep(5000)
  call("managed.write", block.write, block, 0, bytes)
  if call("managed.read", block.read, block, 0, 5000) ~= bytes then
    wrong "not the bytes that were stored"
  end
  block:close()
  return true
end

local function managed_list(name)
  local number = random(0, 1 << 20)
  local list = call(
    "managed.list", manager.ShareableList, manager, {number}, name)
  if not list then return end
  if call("managed.get", get, list, 1) ~= number then
    wrong "not the number that was stored"
  end
  list:close()
  return true
end

local function managed_end()
  if manager then manager:close() end
  manager = nil
end

local function work_managed()
  if not manager then
    local client = polyshm.SharedMemoryManager {
      address = os.getenv "POLYSHM_HOSTILE_MANAGER",
      authkey = "between friends", timeout = 4}
    manager = call("managed.connect", client.connect, client)
    if not manager then return end
  end
  local name = ("own.%s.%d"):format(me, random(0, OWN_NAMES - 1))
  if (random(2) == 1 and managed_block or managed_list)(name) then
    call("managed.release", manager.release, manager, name)
  end
  if random(8) == 1 then
    call("managed.segments", manager.list_segments, manager)
  end
  if random(20) == 1 then managed_end() end
end

local function walk()
  for info in assert(polyshm.blocks()) do
    if type(info.name) ~= "string" then wrong "a block without a name" end
  end
  return true
end

local function work_looking()
  local name = "wild." .. random(0, WILD_LISTS + WILD_BLOCKS - 1)
  call("look.inspect", polyshm.inspect, name)
  if random(20) == 1 then call("look.holders", polyshm.holders, name) end
  if random(20) == 1 then call("look.scan", walk) end
  if random(20) == 1 then
    call("look.gc", polyshm.gc, {dry_run = random(2) == 1})
  end
end

-----------------------------------------------------------------------------

local function is_over()
  local file = io.open(folder .. "/stop")
  return file and file:close()
end

print "ready"
io.stdout:flush()
while not is_over() do
  work_steady()
  work_wild()
  work_block()
  work_own()
  if random(3) == 1 then work_managed() end
  work_looking()
end
if steady then steady:close() end
managed_end()
collectgarbage()

for what, row in pairs(counts) do
  for answer, count in pairs(row) do print("count", what, answer, count) end
end
print("longest", slowest[1], slowest[2])
print("adds", adds)
print "done"
io.stdout:flush()
io.read "a"
