-- SPDX-License-Identifier: MIT
-- Lua's side of test_round_trip.py: round_trip.lua VALUES COMMAND NAME
--
-- VALUES is a Lua file that returns the values, counted by n, that both sides
-- know. The commands are
--
--   make    make the list, say so, and keep it until the input ends
--   check   the list has the values
--   set     give it the values
--   pack    write the block: the numbers of `packed`, then those of each view
--   unpack  the block has them

local polyshm = require "polyshm"

local path, command, name = table.unpack(arg)
local values, packed, elements = assert(loadfile(path))(polyshm)

-- The same number of the same type; one NaN is as good as another.
local function same(a, b)
  if a ~= a then return b ~= b end
  return a == b and math.type(a) == math.type(b)
    and (a ~= 0 or math.type(a) == "integer" or 1 / a == 1 / b)
end

local function expect(what, found, expected)
  if not same(found, expected) then
    local function show(value)
      return type(value) == "string" and ("%d bytes"):format(#value)
        or tostring(value)
    end
    print(("%s is %s, not %s"):format(what, show(found), show(expected)))
  end
end

local function attach()
  return assert(polyshm.ShareableList(nil, {name = name}))
end

local commands = {}

function commands.make()
  local list <close> = assert(polyshm.ShareableList(values, {name = name}))
  print(#list)
  io.read "a"
end

function commands.check()
  local list <close> = attach()
  expect("the length", #list, values.n)
  for i = 1, values.n do
    local value, kind = values[i], "none"
    if type(value) == "userdata" then
      value, kind = tostring(value), "bytes"
    elseif value ~= nil then
      kind = ({
        string = "str", integer = "int", float = "float", boolean = "bool",
      })[math.type(value) or type(value)]
    end
    expect(("item %d"):format(i), list[i], value)
    expect(("the type of item %d"):format(i), list:type(i), kind)
    if value == value then
      local found = assert(list:index(values[i]))
      if found > i then expect("the index", found, i) end
    end
  end
end

function commands.set()
  local list <close> = attach()
  for i = 1, values.n do list[i] = values[i] end
end

function commands.pack()
  local block <close> = assert(polyshm.SharedMemory(name))
  local offset = block:pack(0, packed.format, table.unpack(packed))
  for _, kind in ipairs(elements) do
    local view = block:view(kind, offset, #elements[kind])
    view:copy(elements[kind])
    for i, element in ipairs(elements[kind]) do view[i] = element end
    offset = offset + #string.pack(elements.formats[kind], 0) * #view
  end
end

function commands.unpack()
  local block <close> = assert(polyshm.SharedMemory(name))
  local found = table.pack(block:unpack(0, packed.format))
  for i = 1, #packed do expect("value " .. i, found[i], packed[i]) end
  local offset = found[found.n]
  for _, kind in ipairs(elements) do
    local view = block:view(kind, offset, #elements[kind])
    for i, element in ipairs(view) do
      expect(("element %d of %s"):format(i, kind), element, elements[kind][i])
    end
    offset = offset + #string.pack(elements.formats[kind], 0) * #view
  end
end

io.stdout:setvbuf "line"
commands[command]()
print "done"
