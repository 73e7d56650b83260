-- SPDX-License-Identifier: MIT
-- The elements of views: what each kind holds, and how numbers become elements
-- and elements numbers.

local ffi = require "ffi"
local value = require "polyshm.ffi.value"

local tonumber, type, floor = tonumber, type, math.floor

local element = {}

-- What an integer kind holds; a float kind takes any number.
element.kinds = {
  i8 = {"int8_t", -0x80, 0x7f},
  i16 = {"int16_t", -0x8000, 0x7fff},
  i32 = {"int32_t", -0x80000000, 0x7fffffff},
  i64 = {"int64_t"},
  u8 = {"uint8_t", 0, 0xff},
  u16 = {"uint16_t", 0, 0xffff},
  u32 = {"uint32_t", 0, 0xffffffff},
  u64 = {"uint64_t"},
  f32 = {"float"},
  f64 = {"double"},
}

-- Into elements: a number, or nil for what is none of the kind.

local int64, uint64 = ffi.typeof "int64_t", ffi.typeof "uint64_t"

function element.number_of(x)
  if type(x) == "number" then return x end
  if type(x) == "cdata" and (ffi.istype(int64, x) or ffi.istype(uint64, x)) then
    return tonumber(x)
  end
  return nil
end

local function to_uint64(x)
  if type(x) == "number" then
    if x == floor(x) and x >= 0 and x < 2^64 then return uint64(x) end
  elseif type(x) == "cdata" and (ffi.istype(uint64, x)
    or ffi.istype(int64, x) and x >= 0) then
    return uint64(x)
  end
  return nil
end

local function between(least, most)
  return function(x)
    x = element.number_of(x)
    if x and x == floor(x) and x >= least and x <= most then return x end
    return nil
  end
end

-- Out of elements: a function of their place in an array. A 64-bit integer is
-- an int64_t or a uint64_t if a double does not hold it; floats are looked at
-- before they are numbers, see value.lua.
local NAN = 0 / 0
local readers = {}

function readers.i64(array)
  return function(i) return value.integer(array[i]) end
end

function readers.u64(array)
  return function(i)
    local x = array[i]
    if x <= 0x20000000000000ULL then return tonumber(x) end
    return x
  end
end

function readers.f64(array)
  local bits = ffi.cast("int64_t *", array)
  return function(i)
    if value.is_forged(bits[i]) then return NAN end
    return array[i]
  end
end

function readers.f32(array)
  local bits = ffi.cast("uint32_t *", array)
  return function(i)
    if bits[i] > 0xffc00000 then return NAN end
    return array[i]
  end
end

function element.reader(kind, array)
  if readers[kind] then return readers[kind](array) end
  return function(i) return array[i] end
end

-- A function from what is to be an element of this kind to a number of it.
function element.converter(kind)
  local least, most = element.kinds[kind][2], element.kinds[kind][3]
  if least then return between(least, most) end
  if kind == "i64" then return value.to_int64 end
  if kind == "u64" then return to_uint64 end
  return element.number_of
end

-- Why this is no element of a class.
function element.explain(class, x)
  if element.number_of(x) == nil then
    return ("an element of kind %s is a number, not a %s"):format(
      class.name, type(x))
  elseif not class.least then
    return ("an element of kind %s is a 64-bit integer, not %s"):format(
      class.name, tostring(x))
  end
  return ("an element of kind %s is an integer from %.0f to %.0f, not %s")
    :format(class.name, class.least, class.most, tostring(x))
end

return element
