-- SPDX-License-Identifier: MIT
-- A peer for test_cross.py, in Lua; peer.py tells the commands.

local polyshm = require "polyshm"

local function to_hex(s)
  return (s:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

local function from_hex(s)
  return (s:gsub("%x%x", function(h) return string.char(tonumber(h, 16)) end))
end

local function decode(text)
  local kind, rest = text:sub(1, 1), text:sub(2)
  if kind == "n" then return nil end
  if kind == "b" then return rest == "1" end
  local bytes = from_hex(rest)
  if kind == "i" then return (string.unpack(">i8", bytes)) end
  if kind == "f" then return (string.unpack(">d", bytes)) end
  if kind == "s" then return polyshm.str(bytes) end
  return polyshm.bytes(bytes)
end

local function encode(list, index)
  local value = list[index]
  local kind = list:type(index)
  if kind == "none" then return "n" end
  if kind == "bool" then return value and "b1" or "b0" end
  if kind == "int" then return "i" .. to_hex(string.pack(">i8", value)) end
  if kind == "float" then return "f" .. to_hex(string.pack(">d", value)) end
  return (kind == "str" and "s" or "y") .. to_hex(value)
end

local held = {}

local commands = {
  list = function(name, ...)
    local values = table.pack(...)
    for i = 1, values.n do values[i] = decode(values[i]) end
    held[name] = assert(polyshm.ShareableList(values, {name = name}))
    return "ok"
  end,
  attach = function(name)
    held[name] = assert(polyshm.ShareableList(nil, {name = name}))
    return "ok"
  end,
  get = function(name, index) return encode(held[name], index + 1) end,
  set = function(name, index, value)
    held[name][index + 1] = decode(value)
    return "ok"
  end,
  length = function(name) return tostring(#held[name]) end,
  block = function(name, size)
    held[name] = assert(polyshm.SharedMemory {
      name = name, create = true, size = math.tointeger(size),
    })
    return "ok"
  end,
  map = function(name)
    held[name] = assert(polyshm.SharedMemory {name = name})
    return "ok"
  end,
  read = function(name, first, count)
    return "=" .. to_hex(held[name]:read(
      math.tointeger(first), math.tointeger(count)))
  end,
  write = function(name, first, content)
    held[name]:write(math.tointeger(first), from_hex(content))
    return "ok"
  end,
  size = function(name) return tostring(held[name].size) end,
  close = function(name)
    held[name]:close()
    held[name] = nil
    return "ok"
  end,
}

io.stdout:setvbuf "line"
for line in io.lines() do
  local words = {}
  for word in line:gmatch "%S+" do words[#words + 1] = word end
  print(commands[words[1]](table.unpack(words, 2)))
end
