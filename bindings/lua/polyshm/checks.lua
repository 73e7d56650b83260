-- SPDX-License-Identifier: MIT

--- What the other files of the package share: options, their checks, and how a
-- call into the core ends.

local core = require "polyshm.core"

local checks = {}

-- The options' types. Integers are counts and go up to the number given; a
-- timeout is a number that is no NaN.
checks.block = {
  name = "string",
  create = "boolean",
  exclusive = "boolean",
  size = math.maxinteger,
  read_only = "boolean",
  sparse = "boolean",
  track = "boolean",
  foreign = "boolean",
  mode = 511, -- rwxrwxrwx
}
checks.list = {
  name = "string",
  exclusive = "boolean",
  capacity = core.TEXT_MAX,
  read_only = "boolean",
  sparse = "boolean",
  track = "boolean",
  foreign = "boolean",
  mode = checks.block.mode,
  timeout = "timeout",
}

-- What is wrong with an option, or nil and its value.
local function check_option(known, key, value)
  local expected = known[key]
  if not expected then
    return ("unknown option '%s'"):format(key)
  end
  if type(expected) == "number" then
    local integer = type(value) == "number" and math.tointeger(value)
    if integer and integer >= 0 and integer <= expected then
      return nil, integer
    end
    return ("option '%s' must be an integer from 0 to %d, not %s"):format(
      key, expected, value)
  end
  if expected == "timeout" then
    if type(value) == "number" and value == value then return nil, value end
    return ("option '%s' must be a number of seconds, not %s"):format(
      key, value)
  end
  if type(value) == expected then return nil, value end
  return ("option '%s' must be a %s, not a %s"):format(
    key, expected, type(value))
end

-- A checked copy. Errors are the caller's caller's, as in all of this
-- package.
function checks.check(given, known, argument)
  local copy = {}
  for key, value in pairs(given) do
    local problem
    problem, copy[key] = check_option(known, key, value)
    if problem then
      error(("bad argument %s (%s)"):format(argument, problem), 3)
    end
  end
  return copy
end

function checks.check_type(value, expected, argument)
  if type(value) ~= "table" then
    error(("bad argument %s (%s expected, got %s)"):format(
      argument, expected, type(value)), 3)
  end
end

-- The flags of what is attached, and of what is made.
function checks.attach_flags(wanted)
  return (wanted.read_only and core.READ_ONLY or 0)
    | (wanted.foreign and core.FOREIGN or 0)
end

function checks.create_flags(wanted)
  return core.CREATE
    | (wanted.exclusive == false and 0 or core.EXCLUSIVE)
    | (wanted.track == false and core.UNTRACKED or 0)
    | (wanted.sparse and core.SPARSE or 0)
end

-- Return what pcall returns. An error of core has no position when pcall was
-- its caller; it gets that of the call in whose return statement this stands.
function checks.finish(ok, result, message, code)
  if not ok then error(result, 2) end
  return result, message, code
end

-- The same of a list, with its option.
function checks.finish_list(timeout, ok, list, ...)
  if ok and list and timeout then list:timeout(timeout) end
  return checks.finish(ok, list, ...)
end

-- The values of a new list as the core takes them. Errors are as above.
function checks.check_values(values, name)
  local argument = ("#1 to '%s'"):format(name)
  local count = values.n or #values
  if count == 0 and values.n == nil and next(values) ~= nil then
    error(("bad argument %s (no values, but other keys: options are the " ..
      "second argument)"):format(argument), 3)
  end
  if getmetatable(values) ~= nil then -- core calls no metamethods
    values = table.move(values, 1, count, 1, {n = count})
  end
  return values
end

return checks
