-- SPDX-License-Identifier: MIT
-- polyshm.ffi has what its meta file says: all that polyshm's has but pack,
-- unpack and managers, with as many parameters, and its own.

local root = os.getenv "POLYSHM_SOURCE_DIR"
package.path = root .. "/bindings/lua/doc/?.lua;" .. root
  .. "/tests/luajit/?.lua;" .. package.path
local check = require "check"
local luacats = require "luacats"
local polyshm = require "polyshm.ffi"

local folder = root .. "/bindings/lua/library/"
local main = luacats.read(folder .. "polyshm.lua")
local own = luacats.read(folder .. "polyshm/ffi.lua")
local LEFT_OUT = {pack = true, unpack = true, SharedMemoryManager = true}

local function same_functions(expected, actual, selves)
  local wanted = {}
  for _, made in ipairs(expected) do
    if not LEFT_OUT[made.name] then wanted[made.name] = made end
  end
  for name, made in pairs(wanted) do
    local f = actual[name]
    check.same(type(f), "function")
    local info = debug.getinfo(f, "u")
    check.that(info.isvararg or info.nparams == #made.params + selves,
      ("%s has %d parameters"):format(name, info.nparams))
  end
  for name, f in pairs(actual) do
    if type(f) == "function" then check.that(wanted[name], name) end
  end
end

check.run(function()
  check.same(own.classes[1].name, "polyshm.ffi")
  check.same(own.classes[1].parent, "polyshm")
  local expected = {}
  for _, class in ipairs {main.classes.polyshm, own.classes[1]} do
    for _, made in ipairs(class.functions) do expected[#expected + 1] = made end
  end
  same_functions(expected, polyshm, 0)
  for _, field in ipairs(main.classes.polyshm.fields) do
    check.that(polyshm[field.name] ~= nil, field.name)
  end
  for name, module in pairs {
    SharedMemory = "block", ShareableList = "list", View = "view",
    Lock = "lock",
  } do
    local class = main.classes["polyshm." .. name]
    same_functions(
      class.functions, require("polyshm.ffi." .. module).methods, 1)
  end
end)
