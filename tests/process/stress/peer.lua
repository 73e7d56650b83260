-- SPDX-License-Identifier: MIT
-- A peer of the stress test, in Lua: does to the list what worker.c does, until
-- it is killed or told to stop. values.h tells what the slots are for, board.h
-- which letters it writes for what.

local polyshm = require "polyshm"

local name, seed = arg[1], math.tointeger(arg[2])
local PATIENCE = 5 -- seconds, which no call may exceed

-- As in values.h, counted from 1.
local STOP, SUM, TURNS, LEFT, RIGHT, LEDGER = 1, 2, 3, 4, 5, 6
local INSIDE, ROUNDS, TEXT, BIG, MIXED, AHEAD = 7, 8, 9, 10, 11, 12
local BEHIND, BELL = 13, 14
local TOTAL = 1000000

local random = math.random
math.randomseed(seed)
io.stdout:setvbuf "no"

local list = assert(
  polyshm.ShareableList(nil, {name = name, timeout = PATIENCE}))

local function say(letter) io.stdout:write(letter) end

local function check(condition, ...)
  if not condition then
    io.stderr:write("stress: Lua peer: ", string.format(...), "\n")
    os.exit(1)
  end
end

-- Results of a call that may answer nil and a message.
local function must(result, ...)
  check(result ~= nil, "%s", (...))
  return result, ...
end

-- Whole values.

local function make(n, least, spread)
  return ("%08x"):format(n) .. string.char(97 + n % 26):rep(least + n % spread)
    .. ("\0"):rep(n % 3)
end

local function mark(n, text)
  return n % 5 == 0 and polyshm.bytes(text) or polyshm.str(text)
end

local function number_of(text)
  local digits = type(text) == "string" and text:match "^%x%x%x%x%x%x%x%x"
  return digits and tonumber(digits, 16)
end

local function refuse(value)
  local text = tostring(value)
  check(false, "torn: %q of %d bytes", text:sub(1, 40), #text)
end

local function check_text(value, least, spread)
  local n = number_of(value)
  if not n or value ~= make(n, least, spread) then refuse(value) end
end

local function make_mixed(n)
  local kind = n % 6
  if kind == 0 then return nil end
  if kind == 1 then return n // 6 % 2 == 1 end
  if kind == 2 then return n end
  if kind == 3 then return n + 0.5 end
  return (kind == 4 and polyshm.str or polyshm.bytes)(make(n, 0, 41))
end

local function check_mixed(value)
  if value == nil or type(value) == "boolean" then return end
  local n = value
  if math.type(value) == "float" then n = math.tointeger(value - 0.5) end
  if type(value) == "string" then n = number_of(value) end
  if not n or n < 0 or n > 0xffffffff then refuse(value) end
  local kind = n % 6
  local is_whole = kind == 2 and math.type(value) == "integer"
    or kind == 3 and value == n + 0.5
    or kind >= 4 and value == make(n, 0, 41)
  if not is_whole then refuse(value) end
end

local function draw() return random(0, 0xffffffff) end

local function read()
  check_text(list[TEXT], 0, 41)
  check_text(list[BIG], 12000, 3500)
  check_mixed(list[MIXED])
  say "rrr"
end

local function write()
  local n = draw()
  list[TEXT] = mark(n, make(n, 0, 41))
  n = draw()
  list[BIG] = mark(n, make(n, 12000, 3500))
  list[MIXED] = make_mixed(draw())
  say "www"
end

-- Counters.

local function add()
  say "A"
  must(list:add(SUM, 1))
  say "a"
end

local function swap()
  say "S"
  local found = list[TURNS]
  local swapped
  repeat
    swapped, found = must(list:swap(TURNS, found, found + 1))
  until swapped
  say "s"
end

-- The lock.

local function undo()
  local ledger = list[LEDGER]
  if ledger ~= nil then
    local left, right = ledger:match "^(%-?%d+) (%-?%d+) %-?%d+$"
    check(left, "the ledger is torn: %q", ledger)
    list[LEFT] = math.tointeger(left)
    list[RIGHT] = math.tointeger(right)
    list[LEDGER] = nil
  end
  say "x"
end

local function transfer(amount)
  local left, right = list[LEFT], list[RIGHT]
  check(left + right == TOTAL, "%d + %d is not the total", left, right)
  list[LEDGER] = ("%d %d %d"):format(left, right, amount)
  list[LEFT] = left - amount
  list[RIGHT] = right + amount
  list[LEDGER] = nil
end

local function lock()
  local me = random(1 << 40, 1 << 41) -- no process number
  say "L"
  do
    local held <close> = must(list:lock(PATIENCE))
    if held.recovered then
      undo()
    else
      check(list[INSIDE] == 0, "%d has the lock, too", list[INSIDE])
      check(list[LEDGER] == nil, "not told that a holder died")
    end
    list[INSIDE] = me
    transfer(random(0, 99))
    list[ROUNDS] = list[ROUNDS] + 1
    check(list[INSIDE] == me, "%d came into the lock", list[INSIDE])
    list[INSIDE] = 0
  end
  say "l"
end

-- Snapshots.

local function is_balanced(left, right, ledger)
  if ledger == nil then return left + right == TOTAL end
  local was_left, was_right, amount =
    ledger:match "^(%-?%d+) (%-?%d+) (%-?%d+)$"
  if not was_left then return false end
  was_left, was_right = tonumber(was_left), tonumber(was_right)
  return was_left + was_right == TOTAL
    and (left == was_left or left == was_left - amount)
    and (right == was_right or right == was_right + amount)
end

local function look()
  local pair = must(list:snapshot(LEFT, LEDGER))
  check(
    is_balanced(pair[1], pair[2], pair[3]), "a snapshot shows %s, %s, %s",
    pair[1], pair[2], pair[3])
  local trail = must(list:snapshot(AHEAD, BEHIND))
  local lead = trail[1] - trail[2]
  check(lead == 0 or lead == 1, "%d is %d ahead", trail[1], lead)
  say "pp"
end

-- Waiting.

local function wait()
  local seen = must(list:version(BELL))
  check(must(list:wait(BELL, PATIENCE, seen)), "nobody rang")
  say "v"
end

local function ring()
  must(list:add(BELL))
  say "w"
end

local doings = {read, read, write, add, add, swap, lock, look, ring, wait}

say "R"
while list[STOP] == 0 do
  local begin = os.time()
  doings[random(#doings)]()
  check(os.time() - begin <= 2 * PATIENCE, "a call took too long")
end
list:close()
