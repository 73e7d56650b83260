-- SPDX-License-Identifier: MIT
-- Values, between LuaJIT and lists.
--
-- LuaJIT's numbers are doubles. One that is a whole number of at most 2^53 is
-- stored as an int and any other as a float; int64_t and uint64_t are ints. An
-- int comes back as a number if that is exact, and else as an int64_t. A string
-- is stored as str if it is UTF-8 and else as bytes.

local ffi = require "ffi"
local native = require "polyshm.ffi.native"

local C = native.C
local NONE, BOOL, INT, FLOAT = C.POLYSHM_NONE, C.POLYSHM_BOOL, C.POLYSHM_INT,
  C.POLYSHM_FLOAT
local STRING, BYTES, TEXT = C.POLYSHM_STRING, C.POLYSHM_BYTES, C.POLYSHM_TEXT
local type, tonumber, floor = type, tonumber, math.floor

local value = {}

-- ----------------------------------------------------------------------- marks

-- What is to be stored as another type than it would be.
local Mark = {}
Mark.__index = Mark
Mark.__metatable = false

function Mark:__tostring()
  return tostring(self.content)
end

local function mark(kind, content)
  return setmetatable({kind = kind, content = content}, Mark)
end

function value.str(content)
  return mark(STRING, native.check_string(content, 1, "str"))
end

function value.bytes(content)
  return mark(BYTES, native.check_string(content, 1, "bytes"))
end

function value.float(content)
  if type(content) ~= "number" then
    native.check_integer(content, 1, "float")
    content = tonumber(content)
  end
  return mark(FLOAT, content)
end

-- ----------------------------------------------------------------- into a list

local EXACT = 2^53
local int64, uint64 = ffi.typeof "int64_t", ffi.typeof "uint64_t"
local LARGEST = ffi.cast(uint64, 0x7fffffffffffffffLL)

local function from_number(number, out)
  if number == floor(number) and number >= -EXACT and number <= EXACT
    and (number ~= 0 or 1 / number > 0) then
    out.type, out.of.i = INT, number
  else
    out.type, out.of.f = FLOAT, number
  end
  return true
end

local function from_rest(content, out)
  if type(content) == "cdata" then
    if ffi.istype(int64, content)
      or ffi.istype(uint64, content) and content <= LARGEST then
      out.type, out.of.i = INT, content
      return true
    end
  elseif type(content) == "table" and debug.getmetatable(content) == Mark then
    out.type = content.kind
    if content.kind == FLOAT then
      out.of.f = content.content
    else
      out.of.p, out.size = content.content, #content.content
    end
    return true
  end
  return false
end

-- Fill a polyshm_value; false if no list holds such a value. Its bytes are the
-- string's own.
function value.from(content, out)
  local kind = type(content)
  out.size = 0
  if kind == "number" then return from_number(content, out) end
  if kind == "string" then
    out.type, out.of.p, out.size = TEXT, content, #content
    return true
  end
  if kind == "boolean" then
    out.type, out.of.i = BOOL, content and 1 or 0
    return true
  end
  if content == nil then
    out.type, out.of.i = NONE, 0
    return true
  end
  return from_rest(content, out)
end

-- An integer argument of 64 bits; nil if it is none.
function value.to_int64(content)
  if type(content) == "number" then
    if content == floor(content) and content >= -2^63 and content < 2^63 then
      return int64(content)
    end
  elseif type(content) == "cdata" and (ffi.istype(int64, content)
    or ffi.istype(uint64, content) and content <= LARGEST) then
    return int64(content)
  end
  return nil
end

-- --------------------------------------------------------------- out of a list

-- LuaJIT keeps what is no number in doubles that are negative NaNs, and trusts
-- those that it is given. Others may have written anything: a double goes
-- through here by its bits before it is one.
local NAN = 0 / 0

function value.is_forged(bits)
  return bits < 0 and bits > -0x8000000000000LL
end

-- A 64-bit integer, as a number if that is exact.
local function integer(i)
  if i >= -0x20000000000000LL and i <= 0x20000000000000LL then
    return tonumber(i)
  end
  return i
end
value.integer = integer

function value.to(from)
  local kind = from.type
  if kind == INT then return integer(from.of.i) end
  if kind == FLOAT then
    if value.is_forged(from.of.i) then return NAN end
    return from.of.f
  end
  if kind == STRING or kind == BYTES then
    return ffi.string(from.of.p, tonumber(from.size))
  end
  if kind == BOOL then return from.of.i ~= 0 end
  return nil
end

value.names = {
  [NONE] = "none", [BOOL] = "bool", [INT] = "int", [FLOAT] = "float",
  [STRING] = "str", [BYTES] = "bytes",
}

return value
