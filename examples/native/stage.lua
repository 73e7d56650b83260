-- SPDX-License-Identifier: MIT
-- Run one line of stages.txt: lua stage.lua STAGES NUMBER KERNEL PREFIX

local polyshm = require "polyshm"
local native = require "polyshm.native"

local wanted = math.tointeger(arg[2])
for line in io.lines(arg[1]) do
  local symbol, signature, words = line:match "^(%w+)%s*|%s*(.-)%s*|%s*(.-)%s*$"
  if symbol then wanted = wanted - 1 end
  if wanted == 0 then
    local arguments = {}
    for word in words:gmatch "%S+" do
      arguments[#arguments + 1] = tonumber(word)
        or assert(polyshm.SharedMemory(arg[4] .. word))
    end
    local result = native.load(arg[3]):bind(symbol, signature)(
      table.unpack(arguments))
    print(("Lua ran %s: %s"):format(symbol, result))
    return
  end
end
error "there is no such stage"
