-- SPDX-License-Identifier: MIT
-- Two processes fill a list of 2,000, as in Python's documentation.

local polyshm = require "polyshm"

local function do_work(name, first, last)
  local list <close> = assert(polyshm.ShareableList(nil, {name = name}))
  for i = first, last do list[i] = (i - 1) * (i - 1) end
end

if arg[1] then
  return do_work(arg[1], tonumber(arg[2]), tonumber(arg[3]))
end

local numbers = {}
for i = 1, 2000 do numbers[i] = i - 1 end

local manager <close> = assert(polyshm.SharedMemoryManager {}:start())
local list <close> = assert(manager:ShareableList(numbers))

-- Divide the work among two processes, which know the list by its name.
local workers = {}
for first = 1, 2000, 1000 do
  workers[#workers + 1] = assert(io.popen(("'%s' '%s' %s %d %d"):format(
    arg[-1], arg[0], list.name, first, first + 999)))
end
for _, worker in ipairs(workers) do assert(worker:close()) end

local total = 0
for _, number in ipairs(list) do total = total + number end
print(total)
