-- SPDX-License-Identifier: MIT

--- Functions of any shared library, called on shared memory.
--
--   local native = require "polyshm.native"
--   local blas = native.load "libblas.so.3"
--   local dot = blas:bind("cblas_ddot",
--     "f64(i32, const [f64], i32, const [f64], i32)")
--   print(dot(#x, x, 1, y, 1))
--
-- A signature is a result and, in parentheses, the parameters:
--
--   void                 as a result only
--   i8 i16 i32 i64       integers, which must fit; also the floats that are one.
--   u8 u16 u32 u64       A u64 is the 64 bits of any integer, as in string.pack
--   f32 f64              numbers. An integer must be exactly a float
--   ptr                  light userdata, or nil for NULL
--   str                  a string without zero bytes; NULL is nil, as a result
--   buf                  the address of some bytes: a SharedMemory or a View
--   [T]                  of some numbers, T is i8 to f64: a View of that kind or
--                        of u8, or a SharedMemory
--   len, count           how many bytes or elements the buf or [T] has that
--                        stands before or else behind it. It is filled in: the
--                        call does not take it
--   fn R(T, ...)         a function: one of Lua's, one that native.callback
--                        made, or light userdata. R is void, a number or ptr; T
--                        is a number, ptr, str, or *T for a pointer to such a
--                        thing, which is read
--
-- What is only read is `const buf` or `const [T]`, and may be on a block that was
-- attached read-only; a const buf, const [i8] or const [u8] may be a string, too.
-- There are no structs by value and no variable arguments.
--
-- What a signature says of a function is believed. Whatever else is wrong is an
-- error, and nothing is called then: the type or size of a number, the kind of a
-- view, its end and its alignment, a block that was closed. During the call, its
-- blocks cannot be closed.
--
-- Lua functions that are called back run on the coroutine that made the call, and
-- cannot yield. What they raise ends that call: native code gets zero from then
-- on until it returns, and then the error goes on. Called from another thread, or
-- when no call is being made, they are not run, and the answer is zero.

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

--- A function of the library as a Lua function. It raises if there is none of
-- that name. Options:
--
--   lock        a ShareableList whose lock is held during each call
--   timeout     seconds to wait for it; nil has no end
--   threads     is for Python, where it lets no other threads run if false
--
-- A call that does not get the lock returns nil, a message and E_TIMEOUT or
-- E_INTERRUPTED, or E_BUSY if the last holder died with it: then list:lock() must
-- be called, and what the dead one left be put in order.
function Library:bind(symbol, signature, options)
  options = check_options(options, bind_options)
  if type(symbol) ~= "string" then
    error(("a symbol is a string, not a %s"):format(type(symbol)), 2)
  end
  return finish(pcall(core.native_bind,
    self.path, symbol, signature, options.lock, options.timeout))
end

--- The address of a function or variable of the library, as light userdata. It
-- raises if there is none of that name.
function Library:symbol(symbol)
  if type(symbol) ~= "string" then
    error(("a symbol is a string, not a %s"):format(type(symbol)), 2)
  end
  return finish(pcall(core.native_find, self.path, symbol))
end

--- A shared library, as the system's loader finds it; without a path, all that
-- this process has loaded. It raises with the loader's words if there is none.
-- Libraries stay loaded.
function native.load(path)
  if path ~= nil and type(path) ~= "string" then
    error(("a path is a string, not a %s"):format(type(path)), 2)
  end
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
  return finish(pcall(core.native_bind,
    address, nil, signature, options.lock, options.timeout))
end

--- A function that native code can keep, and call in later native calls, too. Its
-- signature is what follows fn: native.callback("i32(*i64, *i64)", compare). It
-- is passed as fn or ptr and has
--
--   cb:address()    light userdata
--   cb:free()       also when a <close> variable ends, and when it is collected:
--                   keep it for as long as native code may call it
function native.callback(signature, f)
  return finish(pcall(core.native_callback, signature, f))
end

return native
