-- SPDX-License-Identifier: MIT

--- Functions of any shared library, called on shared memory. What they take and
-- answer is told in library/polyshm/native.lua, which editors and the reference
-- read.

local core = require("polyshm") and require "polyshm.core"

local features = core.features()

local native = {
  --- Whether native calls were built in. Without, load and the rest raise.
  available = features & core.FEATURE_CALL ~= 0,

  --- Whether native code can call Lua. Some hardened systems forbid the memory
  -- that this needs.
  callbacks = features & core.FEATURE_CALLBACKS ~= 0,

  --- Native code's errno, as the last call left it. It was 0 before.
  errno = core.native_errno,
}

-- An error of core has no position when pcall was its caller; it gets that of
-- the call in whose return statement this stands.
local function finish(ok, result)
  if not ok then error(result, 2) end
  return result
end

-- C would read to the first zero byte.
local function check_text(text, what)
  if type(text) ~= "string" then
    error(("a %s is a string, not a %s"):format(what, type(text)), 3)
  elseif text:find("\0", 1, true) then
    error(("a %s has no zero bytes"):format(what), 3)
  end
end

local function check_options(options, known)
  if options == nil then return {} end
  if type(options) ~= "table" then
    error(("the options must be a table, not a %s"):format(type(options)), 3)
  end
  for key in pairs(options) do
    if not known[key] then
      error(("unknown option '%s'"):format(tostring(key)), 3)
    end
  end
  return options
end

local bind_options = {lock = true, timeout = true, threads = true}

local Library = {}
Library.__index = Library
Library.__name = "Library"
Library.__metatable = "Library"

function Library:__tostring()
  return ("Library '%s'"):format(self.path or "of this process")
end

--- A function of the library as a Lua function.
function Library:bind(symbol, signature, options)
  options = check_options(options, bind_options)
  check_text(symbol, "symbol")
  check_text(signature, "signature")
  return finish(pcall(core.native_bind,
    self.path, symbol, signature, options.lock, options.timeout))
end

--- The address of a function or variable of the library, as light userdata.
function Library:symbol(symbol)
  check_text(symbol, "symbol")
  return finish(pcall(core.native_find, self.path, symbol))
end

--- A shared library; without a path, the program and what it was started with.
function native.load(path)
  if path ~= nil then check_text(path, "path") end
  local ok, message = pcall(core.native_find, path)
  if not ok then error(message, 2) end
  return setmetatable({path = path}, Library)
end

--- The same as bind for a function whose address is known.
function native.at(address, signature, options)
  options = check_options(options, bind_options)
  if type(address) ~= "userdata" then
    error(("an address is light userdata, not a %s"):format(type(address)), 2)
  end
  check_text(signature, "signature")
  return finish(pcall(core.native_bind,
    address, nil, signature, options.lock, options.timeout))
end

--- A function that native code can keep, and call in later native calls, too.
function native.callback(signature, f)
  check_text(signature, "signature")
  return finish(pcall(core.native_callback, signature, f))
end

return native
