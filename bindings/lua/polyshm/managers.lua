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

local methods = {}

local metatable = {
  __name = "SharedMemoryManager",
  __metatable = "SharedMemoryManager",
}

local function state_of(manager, name)
  local state = type(manager) == "table" and rawget(manager, STATE)
  if not state then
    error(("bad argument #0 to '%s' (SharedMemoryManager expected, got %s)")
      :format(name, type(manager)), 3)
  end
  return state
end

local function handle_of(manager, name)
  local state = state_of(manager, name)
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

-- The options of what is made; a string is a name.
local function check_making(options, known, argument)
  if options == nil then return {} end
  if type(options) == "string" then options = {name = options} end
  if type(options) ~= "table" then
    error(("bad argument %s (string or table expected, got %s)"):format(
      argument, type(options)), 4)
  end
  return options
end

-- What start and connect have in common.
local function open(manager, name, start)
  local state = state_of(manager, name)
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
  return ok, manager
end

function methods:start()
  return finish(open(self, "start", true))
end

function methods:connect()
  return finish(open(self, "connect", false))
end

function methods:SharedMemory(size, options)
  local handle = handle_of(self, "SharedMemory")
  options = check_making(options, block_options, "#2 to 'SharedMemory'")
  local wanted = checks.check(options, block_options, "#2 to 'SharedMemory'")
  return finish(pcall(
    handle.block, handle, wanted.name, size,
    wanted.sparse and core.SPARSE or 0, wanted))
end

function methods:ShareableList(values, options)
  local handle = handle_of(self, "ShareableList")
  checks.check_type(values, "table", "#1 to 'ShareableList'")
  options = check_making(options, list_options, "#2 to 'ShareableList'")
  local wanted = checks.check(options, list_options, "#2 to 'ShareableList'")
  values = checks.check_values(values, "ShareableList")
  return finish_list(wanted.timeout, pcall(
    handle.list, handle, wanted.name, values,
    wanted.sparse and core.SPARSE or 0, wanted))
end

function methods:track(name)
  local handle = handle_of(self, "track")
  check_string(name, "#1 to 'track'")
  return finish(pcall(handle.track, handle, name))
end

function methods:release(name)
  local handle = handle_of(self, "release")
  check_string(name, "#1 to 'release'")
  return finish(pcall(handle.release, handle, name))
end

function methods:list_segments()
  local handle = handle_of(self, "list_segments")
  return finish(pcall(handle.segments, handle))
end

-- Let go of the handle, having asked for the shutdown or not.
local function leave(state, past)
  state.handle:close()
  state.handle, state.past = nil, past
  return true
end

function methods:shutdown()
  local state = state_of(self, "shutdown")
  if not state.handle and state.past then return true end
  local handle = handle_of(self, "shutdown")
  local ok, done, message, code = pcall(handle.shutdown, handle)
  if ok and done then leave(state, "shut down") end
  return finish(ok, done, message, code)
end

function methods:close()
  local state = state_of(self, "close")
  if state.handle then
    leave(state, "been closed")
  else
    state.past = state.past or "been closed"
  end
  return true
end

-- Whoever started the manager ends it, and not a fork child's copy of the object.
local function give_up(manager)
  local state = rawget(manager, STATE)
  local handle = state.handle
  if not handle then return end
  if not state.wanted.detached and handle:is_ours() then handle:shutdown() end
  leave(state, "been closed")
end

metatable.__close = give_up
metatable.__gc = give_up

function metatable:__index(key)
  if methods[key] then return methods[key] end
  local state = rawget(self, STATE)
  local handle = state.handle
  if key == "address" then
    if handle then state.address = handle:address() end
    return state.address or state.wanted.address
  elseif key == "authkey" then
    if handle then state.authkey = handle:authkey() end
    return state.authkey or state.wanted.authkey
  elseif key == "pid" then
    local pid = handle and handle:pid() or 0
    return pid ~= 0 and pid or nil
  end
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
