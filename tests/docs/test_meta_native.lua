-- SPDX-License-Identifier: MIT
-- The meta file of polyshm.native names what that module has and nothing else:
-- its functions, fields, options, libraries and callbacks, with their parameters.

local root = os.getenv "POLYSHM_SOURCE_DIR"
package.path = root .. "/bindings/lua/doc/?.lua;" .. root
  .. "/tests/luajit/?.lua;" .. package.path
local check = require "check"
local luacats = require "luacats"
local native = require "polyshm.native"

local meta = luacats.read(root .. "/bindings/lua/library/polyshm/native.lua")

local function names(list)
  local found = {}
  for _, thing in ipairs(list) do found[#found + 1] = thing.name end
  table.sort(found)
  return table.concat(found, " ")
end

local function keys(found, kind)
  local list = {}
  for key, value in pairs(found) do
    if (type(value) == "function") == (kind == "function")
      and not key:find "^__" then
      list[#list + 1] = {name = key}
    end
  end
  return names(list)
end

-- What a function that is written in Lua calls its parameters.
local function same_parameters(f, made, first)
  if debug.getinfo(f, "S").what ~= "Lua" then return end
  check.same(debug.getinfo(f, "u").nparams, #made.params + first - 1)
  for i, param in ipairs(made.params) do
    check.same(debug.getlocal(f, i + first - 1), param.name)
  end
end

local function same_functions(class, found, first)
  check.same(names(class.functions), keys(found, "function"))
  for _, made in ipairs(class.functions) do
    same_parameters(found[made.name], made, first)
  end
end

local function upvalue(f, wanted)
  for i = 1, 60 do
    local name, value = debug.getupvalue(f, i)
    if name == wanted then return value end
  end
  error("it knows no " .. wanted)
end

check.run(function()
  local class = meta.classes["polyshm.native"]
  same_functions(class, native, 1)
  check.same(names(class.fields), keys(native, "field"))
  for _, field in ipairs(class.fields) do
    check.same(type(native[field.name]), field.type)
  end

  local known = {}
  for name in pairs(upvalue(native.at, "bind_options")) do
    known[#known + 1] = {name = name}
  end
  check.same(names(meta.classes["polyshm.BindOptions"].fields), names(known))
  if not native.available then return end

  local library = native.load()
  local methods = upvalue(native.load, "Library")
  same_functions(meta.classes["polyshm.Library"], methods, 2)
  check.same(names(meta.classes["polyshm.Library"].fields), "path")
  check.same(library.path, nil)
  check.same(native.load("libc.so.6").path, "libc.so.6")

  if not native.callbacks then return end
  local callback = native.callback("void()", function() end)
  local class_of_it = meta.classes["polyshm.Callback"]
  local found = {}
  for name in pairs(debug.getmetatable(callback).__index) do
    found[#found + 1] = {name = name}
  end
  check.same(names(class_of_it.functions), names(found))
  check.same(class_of_it.functions.address ~= nil, true)
  callback:free()
end)
