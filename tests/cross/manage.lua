-- SPDX-License-Identifier: MIT
-- What process/manage.c does, in Lua: a client of a manager that does what it
-- is told. Its comment has the commands.

local polyshm = require "polyshm"

local names = {}
for name, code in pairs(polyshm) do
  if name:find "^E_" then names[code] = "POLYSHM_" .. name end
end

local manager

local function open(method, address, key)
  manager = polyshm.SharedMemoryManager {
    address = address ~= "-" and address or nil, authkey = key,
  }
  local ok, message, code = manager[method](manager)
  if ok then return manager.address end
  return nil, message, code
end

-- A name that is its maker's.
local function named(made, message, code)
  if not made then return nil, message, code end
  local name = made.name
  made:close()
  return name
end

local commands = {}

function commands.start(address, key) return open("start", address, key) end

function commands.connect(address, key) return open("connect", address, key) end

function commands.block(name, size, text)
  local options = name ~= "-" and name or nil
  local block, message, code = manager:SharedMemory(
    math.tointeger(size) or tonumber(size), options)
  if block then block:write(0, text) end
  return named(block, message, code)
end

function commands.list(name, ...)
  local numbers = {...}
  for i, number in ipairs(numbers) do numbers[i] = tonumber(number) end
  return named(manager:ShareableList(numbers, name ~= "-" and name or nil))
end

function commands.read(name, size)
  local block <close> = assert(polyshm.SharedMemory(name))
  return block:read(0, tonumber(size))
end

function commands.sum(name)
  local list <close> = assert(polyshm.ShareableList(nil, {name = name}))
  local sum = 0
  for _, number in ipairs(list) do sum = sum + number end
  return sum
end

function commands.track(name) return manager:track(name) end

function commands.release(name) return manager:release(name) end

function commands.segments()
  local found, message, code = manager:list_segments()
  if not found then return nil, message, code end
  return table.concat(found, " ")
end

function commands.shutdown() return manager:shutdown() end

io.stdout:setvbuf "line"
for line in io.lines() do
  local words = {}
  for word in line:gmatch "%S+" do words[#words + 1] = word end
  local ok, result, message, code = pcall(
    commands[words[1]], table.unpack(words, 2))
  if ok and result then
    print("ok" .. (result == true and "" or " " .. result))
  else
    print(ok and names[code] .. " " .. message or "error " .. tostring(result))
  end
end
