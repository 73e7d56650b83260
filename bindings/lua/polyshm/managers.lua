-- SPDX-License-Identifier: MIT

--- Managers: processes that own blocks and lists.

local core = require "polyshm.core"
local checks = require "polyshm.checks"

local finish, finish_list = checks.finish, checks.finish_list

local manager_options = {
  address = "string",
  authkey = "string",
  timeout = "timeout",
  detached = "boolean",
  md5 = "boolean",
}
local block_options = {
  name = "string",
  sparse = "boolean",
  mode = checks.block.mode,
}
local list_options = {
  name = "string",
  capacity = core.TEXT_MAX,
  sparse = "boolean",
  mode = checks.block.mode,
  timeout = "timeout",
}

-- What a manager's object keeps under this key: its options as `wanted`, and
-- once it has one, core's object as `handle`, which `past` says why it is gone.
local STATE = {}

-- Methods are functions in it, and fields are not.
local members = {address = true, authkey = true, pid = true}

local metatable = {
  __name = "SharedMemoryManager",
  __metatable = "SharedMemoryManager",
}

-- Errors are those of the caller's caller, or of one further up.
local function state_of(manager, name, level)
  local state = type(manager) == "table" and rawget(manager, STATE)
  if not state then
    error(("bad self of '%s' (SharedMemoryManager expected, got %s)"):format(
      name, type(manager)), level or 3)
  end
  return state
end

local function handle_of(manager, name)
  local state = state_of(manager, name, 4)
  if not state.handle then
    error(("the manager has %s"):format(
      state.past or "no connection yet: start or connect it"), 3)
  end
  return state.handle
end

local function check_string(value, argument)
  if type(value) ~= "string" then
    error(("bad argument %s (string expected, got %s)"):format(
      argument, type(value)), 3)
  end
end

local function check_size(size, argument)
  local bytes = type(size) == "number" and math.tointeger(size)
  if not bytes or bytes < 0 then
    error(("bad argument %s (a size is an integer, not %s)"):format(
      argument, tostring(size)), 3)
  end
  return bytes
end

-- The options of what is made; a string is a name.
local function check_making(options, argument)
  if options == nil then return {} end
  if type(options) == "string" then options = {name = options} end
  if type(options) ~= "table" then
    error(("bad argument %s (string or table expected, got %s)"):format(
      argument, type(options)), 3)
  end
  return options
end

-- Let go of the handle, having asked for the shutdown or not.
local function leave(state, past)
  state.handle:close()
  state.handle, state.past = nil, past
  return true
end

-- Whoever started the manager ends it, and not a fork child's copy of the object.
local function give_up(state)
  local handle = state.handle
  if not handle then return end
  if not state.wanted.detached and handle:is_ours() then handle:shutdown() end
  leave(state, "been closed")
end

-- What a state has as its guard. It is made after the handle, since Lua finalizes
-- in the opposite order.
local guard = {__gc = function(self) give_up(self.state) end}

-- What start and connect have in common.
local function open(manager, name, start)
  local state = state_of(manager, name, 4)
  if state.handle then
    error("the manager is connected already", 3)
  elseif state.past then
    error(("the manager has %s"):format(state.past), 3)
  elseif not start and not state.wanted.address then
    error("a manager without an address can only be started", 3)
  end
  local wanted = state.wanted
  local flags = (wanted.md5 == false and core.MANAGER_NO_MD5 or 0)
    | (start and wanted.detached and core.MANAGER_DETACHED or 0)
  local ok, handle, message, code = pcall(
    core.manager, start, wanted.address, wanted.authkey, wanted.timeout, flags)
  if not ok or not handle then return ok, handle, message, code end
  state.handle = handle
  state.guard = setmetatable({state = state}, guard)
  return ok, manager
end

function members:start()
  return finish(open(self, "start", true))
end

function members:connect()
  return finish(open(self, "connect", false))
end

function members:SharedMemory(size, options)
  local handle = handle_of(self, "SharedMemory")
  size = check_size(size, "#1 to 'SharedMemory'")
  options = check_making(options, "#2 to 'SharedMemory'")
  local wanted = checks.check(options, block_options, "#2 to 'SharedMemory'")
  return finish(pcall(
    handle.block, handle, wanted.name, size,
    wanted.sparse and core.SPARSE or 0, wanted))
end

function members:ShareableList(values, options)
  local handle = handle_of(self, "ShareableList")
  checks.check_type(values, "table", "#1 to 'ShareableList'")
  options = check_making(options, "#2 to 'ShareableList'")
  local wanted = checks.check(options, list_options, "#2 to 'ShareableList'")
  values = checks.check_values(values, "ShareableList")
  return finish_list(wanted.timeout, pcall(
    handle.list, handle, wanted.name, values,
    wanted.sparse and core.SPARSE or 0, wanted))
end

function members:track(name)
  local handle = handle_of(self, "track")
  check_string(name, "#1 to 'track'")
  return finish(pcall(handle.track, handle, name))
end

function members:release(name)
  local handle = handle_of(self, "release")
  check_string(name, "#1 to 'release'")
  return finish(pcall(handle.release, handle, name))
end

function members:list_segments()
  local handle = handle_of(self, "list_segments")
  return finish(pcall(handle.segments, handle))
end

function members:shutdown()
  local state = state_of(self, "shutdown")
  if not state.handle and state.past then return true end
  local handle = handle_of(self, "shutdown")
  local ok, done, message, code = pcall(handle.shutdown, handle)
  if ok and done then leave(state, "shut down") end
  return finish(ok, done, message, code)
end

function members:close()
  local state = state_of(self, "close")
  if state.handle then
    leave(state, "been closed")
  else
    state.past = state.past or "been closed"
  end
  return true
end

metatable.__close = function(self) give_up(rawget(self, STATE)) end

local function field(state, key)
  local handle = state.handle
  if key == "pid" then
    local pid = handle and handle:pid() or 0
    return pid ~= 0 and pid or nil
  end
  if handle then state[key] = handle[key](handle) end
  return state[key] or state.wanted[key]
end

function metatable:__index(key)
  local member = members[key]
  if member ~= true then return member end
  return field(rawget(self, STATE), key)
end

function metatable:__newindex(key)
  error(("the field '%s' cannot be set"):format(tostring(key)), 2)
end

function metatable:__tostring()
  local state = rawget(self, STATE)
  return ("SharedMemoryManager (%s)"):format(
    state.handle and state.handle:address() or state.past or "not started")
end

return function(options)
  options = options == nil and {} or options
  checks.check_type(options, "table", "#1 to 'SharedMemoryManager'")
  local wanted = checks.check(
    options, manager_options, "#1 to 'SharedMemoryManager'")
  if wanted.timeout and wanted.timeout <= 0 then
    error("bad argument #1 to 'SharedMemoryManager' (option 'timeout' must be " ..
      "above 0)", 2)
  end
  return setmetatable({[STATE] = {wanted = wanted}}, metatable)
end
