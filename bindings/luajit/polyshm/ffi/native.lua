-- SPDX-License-Identifier: MIT
-- The library, its two ways to fail, and the checks of arguments.
--
-- What a caller may expect is nil, a message and a code; what no caller should
-- do is an error, with the position of the code that called us.

local found, ffi = pcall(require, "ffi")
if not found then
  error("polyshm.ffi is for LuaJIT: there is no module 'ffi' here", 0)
end
local abi = require "polyshm.ffi.abi"

local native = {}

local floor = math.floor

-- ----------------------------------------------------------------- the library

-- The library as this module's own folder knows it, beside the binary modules
-- of a rock, or where the system's loader looks.
local function library_paths()
  local paths = {}
  local folder = debug.getinfo(1, "S").source:match "^@(.*/)"
  if folder and abi.library ~= "" then
    paths[1] = folder .. abi.library
  end
  for template in package.cpath:gmatch "[^;]+" do
    local before = template:match "^([^?]*)%?"
    if before then
      paths[#paths + 1] = before .. "polyshm/" .. abi.soname
    end
  end
  return paths
end

local function load_library()
  for _, path in ipairs(library_paths()) do
    local file = io.open(path)
    if file then
      file:close()
      return ffi.load(path)
    end
  end
  return ffi.load(abi.soname)
end

ffi.cdef(abi.cdef)
local C = load_library()
native.C = C

native.version = C.polyshm_version()
if bit.rshift(native.version, 16) ~= abi.soversion then
  error(("polyshm.ffi %d has loaded version %d of the library"):format(
    abi.soversion, bit.rshift(native.version, 16)), 0)
end

-- From now on, the programs that this one starts belong to its process tree.
local token = ffi.new "char[64]"
C.polyshm_tree_enter(token, 64)

-- -------------------------------------------------------------------- failures

local raised = {
  [C.POLYSHM_E_INVALID] = true,
  [C.POLYSHM_E_CLOSED] = true,
  [C.POLYSHM_E_RANGE] = true,
  [C.POLYSHM_E_TYPE] = true,
}

function native.message()
  return ffi.string(C.polyshm_error_message())
end

-- What a function returns that failed. It stands in that function's return
-- statement and so takes its place: an error is that of who called it.
function native.fail(status)
  if raised[status] then error(native.message(), 2) end
  return nil, native.message(), status
end

-- The same of a call that changes what a handle is on. Whether that may be
-- written was asked when it was opened, so a refusal is a mistake, too.
function native.fail_change(status)
  if status == C.POLYSHM_E_ACCESS then error(native.message(), 2) end
  return native.fail(status)
end

-- ------------------------------------------------------------------- arguments

-- These raise errors of who called the function that calls them.

-- `level` is that of the function that calls this one.
local function refuse(value, position, name, expected, level)
  error(("bad argument #%d to '%s' (%s expected, got %s)"):format(
    position, name, expected, native.type_of(value)), level + 1)
end

function native.type_of(value)
  return value == nil and "nil" or native.class_of(value) or type(value)
end

-- Whose names error messages know, and tostring.
local classes = {}
function native.class(name, type_)
  classes[#classes + 1] = {name, type_}
end
function native.class_of(value)
  if type(value) ~= "cdata" then return nil end
  for _, class in ipairs(classes) do
    if ffi.istype(class[2], value) then return class[1] end
  end
  return nil
end

function native.check_self(type_, self, class, name, level)
  if not ffi.istype(type_, self) then
    error(("calling '%s' on bad self (%s expected, got %s)"):format(
      name, class, native.type_of(self)), level or 3)
  end
end

-- Numbers of up to 2^53, and 64-bit integers, that are whole: as numbers.
local EXACT = 2^53
local int64, uint64 = ffi.typeof "int64_t", ffi.typeof "uint64_t"

function native.to_integer(value)
  local number = value
  if type(value) == "cdata"
    and (ffi.istype(int64, value) or ffi.istype(uint64, value)) then
    number = tonumber(value)
  end
  if type(number) == "number" and number == floor(number)
    and number >= -EXACT and number <= EXACT then
    return number
  end
  return nil
end

function native.check_integer(value, position, name)
  local number = native.to_integer(value)
  if not number then
    if type(value) == "number" then
      error(("bad argument #%d to '%s' (number has no integer " ..
        "representation)"):format(position, name), 3)
    end
    refuse(value, position, name, "number", 3)
  end
  return number
end

local function count_of(value, position, name, level)
  local number = native.to_integer(value)
  if number and number >= 0 then return number end
  if type(value) ~= "number" then
    refuse(value, position, name, "number", level)
  end
  error(("bad argument #%d to '%s' (%s)"):format(position, name,
    value ~= floor(value) and "number has no integer representation"
    or "number out of range"), level)
end

function native.check_count(value, position, name)
  local number = count_of(value, position, name, 4)
  return number
end

-- The same for an argument that may be left out, in a function that checks
-- another one's arguments.
function native.to_count(value, otherwise, position, name)
  local number = otherwise
  if value ~= nil then number = count_of(value, position, name, 5) end
  return number
end

function native.check_string(value, position, name)
  if type(value) == "number" then return tostring(value) end
  if type(value) ~= "string" then refuse(value, position, name, "string", 3) end
  return value
end

-- A block's name, for C.
function native.check_name(value, position, name)
  if type(value) ~= "string" then refuse(value, position, name, "string", 3) end
  if value:find("%z") then
    error("a block's name has no zero bytes", 3)
  end
  return value
end

-- Seconds to nanoseconds. nil has no end; what is not nothing does not become
-- nothing; a time that is over is nothing.
function native.check_timeout(value, position, name)
  if value == nil then return int64(-1) end
  if type(value) ~= "number" then refuse(value, position, name, "number", 3) end
  if value ~= value then
    error(("bad argument #%d to '%s' (timeout is not a number)"):format(
      position, name), 3)
  end
  if value <= 0 then return int64(0) end
  local nanoseconds = math.ceil(value * 1e9)
  return nanoseconds < 2^63 and int64(nanoseconds) or int64(-1)
end

-- The arguments i = 1, j = -1 of a list or view of this length, which count as
-- string.sub's do: the first slot, counted from 0, and how many there are.
-- They are arguments number `position`, 1 if that is left out, and the next.
function native.check_range(first, last, length, name, position)
  if first == nil then first = 1 end
  if last == nil then last = -1 end
  for i, value in ipairs {first, last} do
    local at = (position or 1) + i - 1
    if type(value) ~= "number" then
      refuse(value, at, name, "number", 3)
    elseif value ~= floor(value) then
      error(("bad argument #%d to '%s' (number has no integer " ..
        "representation)"):format(at, name), 3)
    end
  end
  if first < 0 then first = first + length + 1 end
  if last < 0 then last = last + length + 1 end
  first, last = math.max(first, 1), math.min(last, length)
  if last < first then return 0, 0 end
  return first - 1, last - first + 1
end

-- For a return statement, as fail is.
function native.refuse_field(key)
  error(("the field '%s' cannot be set"):format(tostring(key)), 2)
end

return native
