-- SPDX-License-Identifier: MIT
-- The options tables of constructors, and the flags they mean.

local native = require "polyshm.ffi.native"

local C = native.C
local options = {}

-- Their types. Integers are counts and go up to the number given.
options.block = {
  name = "string",
  create = "boolean",
  exclusive = "boolean",
  size = 2^53,
  read_only = "boolean",
  sparse = "boolean",
  track = "boolean",
  foreign = "boolean",
  mode = 511, -- rwxrwxrwx
}
options.list = {
  name = "string",
  exclusive = "boolean",
  capacity = C.POLYSHM_TEXT_MAX,
  read_only = "boolean",
  sparse = "boolean",
  track = "boolean",
  foreign = "boolean",
  mode = options.block.mode,
  timeout = "timeout",
}
options.gc = {
  dry_run = "boolean",
}

-- What is wrong with an option, or nil and its value.
local function check_option(known, key, value)
  local expected = known[key]
  if not expected then
    return ("unknown option '%s'"):format(tostring(key))
  elseif type(expected) == "number" then
    local integer = native.to_integer(value)
    if integer and integer >= 0 and integer <= expected then
      return nil, integer
    end
    return ("option '%s' must be an integer from 0 to %d, not %s"):format(
      key, expected, tostring(value))
  elseif expected == "timeout" then
    if type(value) == "number" and value == value then return nil, value end
    return ("option '%s' must be a number of seconds, not %s"):format(
      key, tostring(value))
  elseif type(value) ~= expected then
    return ("option '%s' must be a %s, not a %s"):format(
      key, expected, type(value))
  elseif key == "name" and value:find "%z" then
    return "a block's name has no zero bytes"
  end
  return nil, value
end

-- A checked copy of argument #position of the function called `name`, whose
-- caller gets the errors.
function options.check(given, known, position, name)
  if given == nil then return {} end
  if type(given) ~= "table" then
    error(("bad argument #%d to '%s' (table expected, got %s)"):format(
      position, name, native.type_of(given)), 3)
  end
  local copy = {}
  for key, value in pairs(given) do
    local problem
    problem, copy[key] = check_option(known, key, value)
    if problem then
      error(("bad argument #%d to '%s' (%s)"):format(
        position, name, problem), 3)
    end
  end
  return copy
end

-- ----------------------------------------------------------------------- flags

function options.attach_flags(wanted)
  return (wanted.read_only and C.POLYSHM_READ_ONLY or 0)
    + (wanted.foreign and C.POLYSHM_FOREIGN or 0)
end

function options.create_flags(wanted)
  return C.POLYSHM_CREATE
    + (wanted.exclusive == false and 0 or C.POLYSHM_EXCLUSIVE)
    + (wanted.track == false and C.POLYSHM_UNTRACKED or 0)
    + (wanted.sparse and C.POLYSHM_SPARSE or 0)
end

return options
