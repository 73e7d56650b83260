-- SPDX-License-Identifier: MIT
-- A million samples in shared memory, evaluated by several processes at once:
-- samples.lua [WORKERS]. Runs on Lua 5.4, Lua 5.3 and LuaJIT.

local polyshm = require "polyshm"

local COUNT = 1000000

-- A worker sums up its share of the samples, where they are, and says so.
local function work(block_name, list_name, first, last)
  local block = assert(polyshm.SharedMemory {
    name = block_name, read_only = true,
  })
  local results = assert(polyshm.ShareableList(nil, {name = list_name}))
  local samples = block:view "f64"

  local lock = assert(results:lock())
  results[2] = results[2] + samples:sum(first, last)
  results[3] = math.max(results[3], samples:max(first, last))
  lock:unlock()
  results:add(1) -- the last thing that it does
end

if arg[1] == "work" then
  return work(arg[2], arg[3], tonumber(arg[4]), tonumber(arg[5]))
end

local workers = tonumber(arg[1]) or 4
local block = assert(polyshm.SharedMemory {create = true, size = 8 * COUNT})
local samples = block:view "f64"
for i = 1, COUNT do samples[i] = i % 1000 + 0.5 end

-- How many workers have finished, the sum, and the greatest.
local results = assert(polyshm.ShareableList {0, 0, 0})

local interpreter = -1
while arg[interpreter - 1] do interpreter = interpreter - 1 end
for i = 1, workers do
  local first = math.floor((i - 1) * COUNT / workers) + 1
  local last = math.floor(i * COUNT / workers)
  os.execute(("'%s' '%s' work %s %s %d %d &"):format(
    arg[interpreter], arg[0], block.name, results.name, first, last))
end

repeat
  local seen = results:version(1)
  local finished = results[1] == workers
  if not finished then assert(results:wait(1, 60, seen), "a worker is lost") end
until finished
print(("%d samples, mean %.2f, maximum %.1f"):format(
  COUNT, results[2] / COUNT, results[3]))

block:unlink()
results:unlink()
