-- SPDX-License-Identifier: MIT
-- The meta file for editors names what the module has and nothing else: its
-- functions, methods, fields, constants and options, with their parameters.

local root = os.getenv "POLYSHM_SOURCE_DIR"
package.path = root .. "/bindings/lua/doc/?.lua;" .. root
  .. "/tests/luajit/?.lua;" .. package.path
local check = require "check"
local luacats = require "luacats"
local polyshm = require "polyshm"

local meta = luacats.read(root .. "/bindings/lua/library/polyshm.lua")
local BAD = io.stdout -- what no parameter takes

-- ------------------------------------------------------------------ the names

local function names(list, wanted)
  local found = {}
  for _, thing in ipairs(list) do
    if not wanted or wanted(thing) then found[#found + 1] = thing.name end
  end
  table.sort(found)
  return table.concat(found, " ")
end

local function keys(found, wanted)
  local sorted = {}
  for key, value in pairs(found) do
    if wanted(value) then sorted[#sorted + 1] = {name = key} end
  end
  return names(sorted)
end

local function is_function(value) return type(value) == "function" end
local function is_other(value) return type(value) ~= "function" end
local function is_named(field) return not field.key end

local function has_type(value, kind)
  for word in kind:gmatch "[^|?]+" do
    local class = word:match "^polyshm%.(%u%w+)$"
    if word == '"' .. tostring(value) .. '"' or word == type(value)
      or word == math.type(value) or meta.aliases[word]
      or class and tostring(value):find(class, 1, true) then
      return true
    end
  end
  return false
end

local function the_module()
  local class = meta.classes.polyshm
  check.same(names(class.functions), keys(polyshm, is_function))
  check.same(names(class.fields), keys(polyshm, is_other))
  for _, field in ipairs(class.fields) do
    check.that(has_type(polyshm[field.name], field.type), field.name)
  end
end

-- ---------------------------------------------------------------- the objects

local makers = {}

function makers.SharedMemory() return check.block(64) end
function makers.ShareableList() return check.list({1, 2, 3}) end
function makers.View() return check.block(64):view "f64" end
function makers.Lock() return assert(check.list({1}):lock(0)) end

-- One manager for all, that each connects to; but one of its own to shut down.
local manager
local special = {}

function special.connect()
  manager = manager or assert(polyshm.SharedMemoryManager {}:start())
  return polyshm.SharedMemoryManager {
    address = manager.address, authkey = manager.authkey,
  }
end

function special.start() return polyshm.SharedMemoryManager {} end
function special.shutdown() return assert(special.start():start()) end
function makers.SharedMemoryManager()
  return assert(special.connect():connect())
end

-- Members are looked up in one table, the function's upvalue: methods are
-- functions in it, and fields are not.
local function members(object)
  local metatable = debug.getmetatable(object)
  local _, found = debug.getupvalue(metatable.__index, 1)
  return found, metatable
end

local function the_objects()
  for _, class in ipairs(meta.classes) do
    if class.parent then
      local name = class.name:match "^polyshm%.(%w+)$"
      if name == "Marked" then
        check.same(#class.functions + #class.fields, 0)
        check.that(debug.getmetatable(polyshm.str "x").__index == nil)
      else
        local object = makers[name]()
        local found, metatable = members(object)
        check.same(names(class.functions), keys(found, is_function))
        check.same(names(class.fields, is_named), keys(found, is_other))
        check.same(class.operators.len ~= nil, metatable.__len ~= nil)
        check.same(class.fields["[integer]"] ~= nil, metatable.__len ~= nil)
        for _, field in ipairs(class.fields) do
          if is_named(field) then
            local value = object[field.name]
            check.that(value == nil and field.optional
              or has_type(value, field.type), field.name)
          end
        end
      end
    end
  end
end

-- ------------------------------------------------------------ what tables have

-- The options that a constructor knows: a table among its upvalues, and theirs.
local function known_options(f, seen)
  seen = seen or {}
  for i = 1, 60 do
    local name, value = debug.getupvalue(f, i)
    if not name then return nil end
    if name:find "_options$" and type(value) == "table" then return value end
    if type(value) == "function" and not seen[value] then
      seen[value] = true
      local found = known_options(value, seen)
      if found then return found end
    end
  end
end

local function the_options()
  for f, class in pairs {
    [polyshm.SharedMemory] = meta.classes["polyshm.BlockOptions"],
    [polyshm.ShareableList] = meta.classes["polyshm.ListOptions"],
    [polyshm.SharedMemoryManager] = meta.classes["polyshm.ManagerOptions"],
    [polyshm.gc] = meta.classes["polyshm.GcOptions"],
  } do
    check.same(names(class.fields), keys(known_options(f), function()
      return true
    end))
    for _, field in ipairs(class.fields) do
      check.that(field.optional, field.name)
      local options = {[field.name] = BAD}
      check.error(("option '%s' must be"):format(field.name), function()
        f(f == polyshm.ShareableList and {1} or options, options)
      end)
    end
  end
end

local function the_answers()
  local class = meta.classes["polyshm.Info"]
  local seen = {}
  for _, made in ipairs {
    assert(polyshm.SharedMemory {create = true, size = 1}),
    assert(polyshm.ShareableList {1}),
  } do
    local info = polyshm.inspect(made.name)
    made:unlink()
    for _, field in ipairs(class.fields) do
      local value = info[field.name]
      check.that(value == nil and field.optional
        or has_type(value, field.type), field.name)
    end
    for key in pairs(info) do seen[key] = true end
  end
  check.same(names(class.fields), keys(seen, function() return true end))
end

-- ------------------------------------------------------------- the parameters

-- A good value for a parameter.
local samples = {
  bytes = "x", count = 1, format = "b", items = {}, kind = "u8", source = {1},
  text = "x", timeout = 0, value = 1, values = {1}, byte = 1,
}

local function sample(param, existing)
  local name = param.name
  if name == "name" then return existing end
  if param.type == "polyshm.ManagerOptions" then return {} end
  if name == "options" then
    local exclusive
    if param.type == "polyshm.ListOptions" then exclusive = false end
    return {name = existing, exclusive = exclusive}
  end
  -- By its type, as far as that tells: one that is wrong is refused.
  local given = samples[name]
  local simple = param.type:match "^%l+$"
  if simple == "string" then
    return type(given) == "string" and given or "x"
  elseif simple == "integer" or simple == "number" then
    return type(given) == "number" and given or 1
  end
  return given or 1
end

-- Calls that must not do what their arguments say.
local gentle = {}

function gentle.gc(arguments) -- which others' tests make orphans for
  if arguments[1] ~= BAD then arguments[1] = {dry_run = true} end
end

function gentle.unlink(arguments, existing)
  if arguments[1] == existing then arguments[1] = existing .. "-none" end
end

-- Call a function, or a method of a new object, and leave nothing behind.
local function call(made, existing, arguments)
  local f, object = polyshm[made.name], nil
  if made.method then
    object = (special[made.name] or makers[made.class.name:match "%w+$"])()
    f = members(object)[made.name]
  end
  if gentle[made.name] then gentle[made.name](arguments, existing) end
  local ok, result = pcall(function()
    if object then
      return f(object, check.unpack(arguments, 1, arguments.n))
    end
    return f(check.unpack(arguments, 1, arguments.n))
  end)
  if ok and made.name == "ShareableList" and result
    and result.name ~= existing then
    polyshm.unlink(result.name)
  end
  return ok, result
end

-- What a function that is written in Lua calls its parameters.
local function the_names_of(made)
  local f = polyshm[made.name]
  if made.method or debug.getinfo(f, "S").what ~= "Lua" then return end
  check.same(debug.getinfo(f, "u").nparams, #made.params)
  for i, param in ipairs(made.params) do
    check.same(debug.getlocal(f, i), param.name)
  end
end

local function the_parameters_of(made, existing)
  local class = made.class
  local n = #made.params
  local is_open = n > 0 and made.params[n].name == "..."
  local function arguments()
    local list = {n = n}
    for i, param in ipairs(made.params) do list[i] = sample(param, existing) end
    return list
  end
  local title = made.class.name .. "." .. made.name
  local ok, problem = call(made, existing, arguments())
  check.that(ok, title .. " with good arguments: " .. tostring(problem))

  for i, param in ipairs(made.params) do
    local given = arguments()
    -- The object of a C function counts here.
    local place = class.parent == "userdata" and i + 1 or i
    if param.name ~= "..." then
      given[i] = BAD
      ok, problem = call(made, existing, given)
      check.that(not ok, ("%s takes a file for parameter %d"):format(title, i))
      check.that(tostring(problem):find("#" .. place, 1, true),
        ("%s: parameter %d: %s"):format(title, i, tostring(problem)))
    end
    if param.type == "integer" or param.type == "number" then
      given = arguments()
      given[i] = 0.5
      ok = call(made, existing, given)
      check.that(ok == (param.type == "number"),
        ("%s: parameter %d is %s"):format(
          title, i, ok and "no integer" or "an integer"))
    end
    given = arguments()
    given[i] = nil
    ok = call(made, existing, given)
    local may_be_nil = param.optional or param.type:find "nil" ~= nil
      or param.type:find "storable" ~= nil
    check.that(param.name == "..." or ok == may_be_nil,
      ("%s: parameter %d is %s"):format(title, i,
        ok and "optional" or "not optional"))
  end
  if not is_open then
    local given = arguments()
    given[n + 1], given.n = BAD, n + 1
    ok, problem = call(made, existing, given)
    check.that(ok, ("%s has another parameter: %s"):format(
      title, tostring(problem)))
  end
end

local function the_parameters()
  local name = check.name()
  local list = assert(polyshm.ShareableList({1, 2, 3}, {name = name}))
  local checked = 0
  for _, class in ipairs(meta.classes) do
    for _, made in ipairs(class.functions) do
      the_names_of(made)
      the_parameters_of(made, name)
      checked = checked + 1
    end
  end
  check.that(checked > 30)
  list:unlink()
end

check.run(function()
  the_module()
  the_objects()
  the_options()
  the_answers()
  the_parameters()
end)
