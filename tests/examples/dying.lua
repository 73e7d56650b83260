-- SPDX-License-Identifier: MIT
-- For LUA_INIT: a worker of examples/pipeline that is killed at one step.
--
-- DYING_STEP is the step: each use of shared memory has one before it and one
-- behind it. DYING_WORKERS is how many workers die, those with low numbers.

local polyshm = require "polyshm"

local last = tonumber(os.getenv "DYING_STEP")
if tonumber(arg[2]) > tonumber(os.getenv "DYING_WORKERS") then
  return
end

-- Not by $PPID: if the pipeline is faster, when it has given up, that is another.
local stat <close> = assert(io.open "/proc/self/stat")
local kill = "kill -KILL " .. stat:read "n" .. " 2>/dev/null"

local steps = 0
local function step()
  steps = steps + 1
  if steps == last then
    os.execute(kill)
  end
end

local function stepwise(call)
  return function(...)
    step()
    local results = table.pack(call(...))
    step()
    return table.unpack(results, 1, results.n)
  end
end

-- A stand-in for a list or a block. Reading an item is no step.
local function watched(object)
  return setmetatable({}, {
    __index = function(_, key)
      local value = object[key]
      if type(value) ~= "function" then
        return value
      end
      return stepwise(function(_, ...)
        return value(object, ...)
      end)
    end,
  })
end

for _, name in ipairs { "ShareableList", "SharedMemory" } do
  local make = stepwise(polyshm[name])
  polyshm[name] = function(...)
    return watched(assert(make(...)))
  end
end
