-- SPDX-License-Identifier: MIT
-- Native calls: every type both ways, blocks and what is wrong with them,
-- callbacks and what goes wrong in them.

package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local check = require "check"
local polyshm = require "polyshm"
local native = require "polyshm.native"

if not native.available then
  check.error("libffi", native.load)
  check.error("libffi", native.callback, "void()", print)
  check.that(not native.callbacks)
  check.done()
end

-- Away from a build folder, there is nothing to call.
local folder = os.getenv "POLYSHM_BINARY_DIR"
if not folder then
  check.same(native.load():bind("abs", "i32(i32)")(-3), 3)
  check.done()
end
local kernels = native.load(folder .. "/tests/bin/kernels.so")
local huge <const> = math.huge

-- ---------------------------------------------------------------------- types

local types = {
  i8 = {-128, 127}, i16 = {-32768, 32767}, i32 = {-2 ^ 31 | 0, 2 ^ 31 - 1 | 0},
  i64 = {math.mininteger, math.maxinteger},
  u8 = {0, 255}, u16 = {0, 65535}, u32 = {0, 2 ^ 32 - 1 | 0},
  -- The 64 bits of any integer.
  u64 = {math.mininteger, math.maxinteger},
}

for name, range in pairs(types) do
  local echo = kernels:bind("echo_" .. name, ("%s(%s)"):format(name, name))
  local call = kernels:bind(
    "call_" .. name, ("%s(%s, fn %s(%s))"):format(name, name, name, name))
  local call_at = kernels:bind(
    "call_at_" .. name, ("%s(%s, fn %s(*%s))"):format(name, name, name, name))
  local function both(x) check.same(x, x | 0) return x end
  local values = {range[1], range[1] + 1, 0, 1, range[2] - 1, range[2]}
  if range[1] < 0 then values[#values + 1] = -1 end
  for _, value in ipairs(values) do
    check.same(echo(value), value)
    check.same(call(value, both), value)
    check.same(call_at(value, both), value)
  end
  check.same(echo(1.0), 1)
  check.same(call(1, function(x) return x + 0.0 end), 1)
  for _, wrong in ipairs {1.5, 0 / 0, huge, 2.0 ^ 63} do
    check.error("no integer representation", echo, wrong)
  end
  for _, wrong in ipairs {"1", true, {}, print, io.stdout} do
    check.error("integer expected, got", echo, wrong)
  end
  check.error("integer expected, got nil", echo, nil)
  if name ~= "i64" and name ~= "u64" then
    for _, value in ipairs {range[1] - 1, range[2] + 1, math.mininteger} do
      check.error("does not fit " .. name, echo, value)
      check.error("does not fit " .. name, call, 0, function() return value end)
    end
  end
  for _, wrong in ipairs {"1", true, {}} do
    check.error("a callback's answer: integer expected, got " .. type(wrong),
      call, 0, function() return wrong end)
  end
  for _, wrong in ipairs {1.5, huge} do
    check.error("a callback's answer: number has no integer representation",
      call, 0, function() return wrong end)
  end
  check.error("a callback's answer: integer expected, got nil",
    call, 0, function() end)
end

local float32 = (2 - 2 ^ -23) * 2 ^ 127
for name, most in pairs {f32 = float32, f64 = 0x1.fffffffffffffp1023} do
  local echo = kernels:bind("echo_" .. name, ("%s(%s)"):format(name, name))
  local call = kernels:bind(
    "call_at_" .. name, ("%s(%s, fn %s(*%s))"):format(name, name, name, name))
  for _, value in ipairs {
    0.0, -0.0, 1.5, -2.25, huge, -huge, most, -most, 2 ^ -149, 0 / 0,
  } do
    check.same(echo(value), value)
    check.same(call(value, function(x) return x end), value)
  end
  check.same(echo(3), 3.0)
  check.same(call(1, function() return 3 end), 3.0)
  check.error("does not fit " .. name, echo, (1 << 53) + 1)
  check.error("does not fit " .. name, echo, math.maxinteger)
  check.error("number expected, got string", echo, "1")
end
local echo_f32 = kernels:bind("echo_f32", "f32(f32)")
check.same(echo_f32(0.1), string.unpack("f", string.pack("f", 0.1)))
check.error("does not fit f32", echo_f32, 1e300)

local echo_ptr = kernels:bind("echo_ptr", "ptr(ptr)")
local call_ptr = kernels:bind("call_ptr", "ptr(ptr, fn ptr(ptr))")
local address = kernels:symbol "constant_number"
for _, value in pairs {address, false} do
  value = value or nil
  check.same(echo_ptr(value), value)
  check.same(call_ptr(value, function(x) return x end), value)
end
check.error("pointer expected", echo_ptr, "abc")
check.error("pointer expected", echo_ptr, io.stdout)
check.error("pointer expected", echo_ptr, 0)

local echo_str = kernels:bind("echo_str", "str(str)")
local call_str = kernels:bind("call_str", "i32(str, fn i32(str))")
for _, value in ipairs {"", "abc", "grün", "\xff\x01", ("x"):rep(100000)} do
  check.same(echo_str(value), value)
  check.same(call_str(value, function(x) return #x end), #value)
end
check.same(kernels:bind("no_str", "str()")(), nil)
check.error("zero byte inside", echo_str, "a\0b")
check.error("string expected", echo_str, nil)
check.error("string expected", echo_str, 12)
check.same(select("#", kernels:bind("nothing", "void()")()), 1)

check.same(kernels:bind("many", "f64(i8, f64, u16, f32, i32, f64, u64, f32, " ..
  "i64, f64, u8, f64, i16, f32, u32, f64, f64, f64, i64, f64)")(
  1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1), 210.0)

-- ------------------------------------------------------------------- the frame

check.error("takes 1 argument, not 0", echo_str)
check.error("takes 1 argument, not 2", echo_str, "a", "b")
check.error("libnosuch.so.9", native.load, "libnosuch.so.9")
check.error("no_such_symbol", kernels.bind, kernels, "no_such_symbol", "void()")
check.error("no_such_symbol", kernels.symbol, kernels, "no_such_symbol")
check.error("'i6' at character 10",
  kernels.bind, kernels, "nothing", "f64(ptr, i6)")
check.error("variable arguments",
  kernels.bind, kernels, "nothing", "i32(str, ...)")
check.error("structs", kernels.bind, kernels, "nothing", "struct s()")
check.error_here("no_such_symbol", function()
  local _ = kernels:bind("no_such_symbol", "void()")
end)
check.error_here("libnosuch", function() local _ = native.load "libnosuch" end)
check.error_here("does not fit", function()
  local _ = kernels:bind("echo_i8", "i8(i8)")(1000)
end)
check.error("unknown option 'lok'",
  kernels.bind, kernels, "nothing", "void()", {lok = 1})
check.error("must be a table", kernels.bind, kernels, "nothing", "void()", 1)
check.error("a path is a string", native.load, 1)
check.error("a symbol is a string", kernels.bind, kernels, nil, "void()")
check.error("a signature is a string", kernels.bind, kernels, "nothing")
check.error("a signature is a string", native.at, kernels:symbol "twice", 5)
for _, use in ipairs {
  function() native.load("libc.so.6\0") end,
  function() local _ = kernels:symbol("twice\0") end,
  function() local _ = kernels:bind("twice\0", "i64(i64)") end,
  function() local _ = kernels:bind("twice", "i64(i64)\0") end,
  function() local _ = native.at(kernels:symbol "twice", "i64(i64)\0") end,
} do
  check.error_here("zero bytes", use)
end
check.error("an address is", native.at, "x", "void()")
check.error("an address is light userdata", native.at, io.stdout, "void()")
check.error("callback expected", native.callback("void()", print).free, {})
check.same(tostring(kernels):match "^Library '", "Library '")
check.same(native.at(kernels:symbol "twice", "i64(i64)")(21), 42)
check.same(native.load():bind("abs", "i32(i32)")(-3), 3)

local swap_errno = kernels:bind("swap_errno", "i32(i32)")
check.same(swap_errno(11), 0)
check.same(native.errno(), 11)
check.same(swap_errno(0), 0)
check.same(native.errno(), 0)

-- ---------------------------------------------------------------------- blocks

local block = assert(polyshm.SharedMemory {
  name = check.name(), create = true, size = 800})
local numbers, block_name = block:view "f64", block.name
local fill = kernels:bind("fill_f64", "void([f64], count, f64)")
local last = kernels:bind("last_f64", "f64(count, const [f64])")
local sum_bytes = kernels:bind("sum_bytes", "u64(const buf, len)")

check.same(fill(block, 2.5), nil)
check.same(numbers:sum(), 250.0)
fill(block:view("f64", 80, 3), 1)
check.same(numbers:sum(), 250.0 - 4.5)
fill(block:view("u8", 792), 7)
check.same(numbers[100], 7.0)
check.same(last(block), 7.0)
check.same(last(block:view("f64", 0, 0)), 0.0)
check.same(sum_bytes "abc", 97 + 98 + 99)
check.same(sum_bytes "", 0)
check.same(kernels:bind("sum_bytes", "u64(const [u8], count)") "\xff", 255)
block:fill(1)
check.same(sum_bytes(block), 800)
check.same(sum_bytes(block:view("i32", 3, 5)), 20)

for _, kind in ipairs {
  "i8", "i16", "i32", "i64", "u16", "u32", "u64", "f32",
} do
  check.error("has elements of type " .. kind, fill, block:view(kind), 1)
  local one = kernels:bind(
    "fill_" .. kind, ("void([%s], count, %s)"):format(kind, kind))
  local view = block:view(kind)
  one(view, 1)
  check.same(view:sum(), kind == "f32" and #view + 0.0 or #view)
  local back = kernels:bind(
    "last_" .. kind, ("%s(count, const [%s])"):format(kind, kind))
  check.same(back(view), kind == "f32" and 1.0 or 1)
end
check.error("not aligned", fill, block:view("f64", 4, 2), 1)
check.error("not aligned", fill, block:view("u8", 1), 1)
check.error("SharedMemory or View expected, got nil", fill, nil, 1)
check.error("SharedMemory or View expected, got table", fill, {1, 2}, 1)
check.error("cannot be a string", fill, "abcdefgh", 1)

local reader = assert(
  polyshm.SharedMemory {name = block.name, read_only = true})
check.error("reading only", fill, reader, 1)
check.error("reading only", fill, reader:view "f64", 1)
fill(block, 3)
check.same(last(reader), 3.0)
check.same(last(reader:view "f64"), 3.0)
reader:close()
check.error("has been closed", last, reader)
local closed = assert(polyshm.SharedMemory(block.name))
local view = closed:view "f64"
closed:close()
check.error("has been closed", fill, view, 1)
debug.setuservalue(view, {}, 1)
check.error("has been closed", fill, view, 1)

-- --------------------------------------------------------------------- callees

local repeat_ = kernels:bind("repeat", "i64(i64, fn i64(i64))")
check.same(repeat_(5, function(i) return i end), 10)

-- Blocks are held while the call is made, and its library is not asked again.
local touch = native.at(
  kernels:symbol "repeat", "i64(i64, fn i64(i64), [f64], buf)")
check.same(touch(1, function()
  local ok, _, code = block:close()
  check.same(ok, nil)
  check.same(code, polyshm.E_BUSY)
  debug.getmetatable(closed).__gc(block) -- as a collector may do
  return 5
end, numbers, block:view "i8"), 5)
check.error("has been closed", fill, block, 1)
polyshm.unlink(block_name)

-- Errors of all kinds, once, whatever else there was to be called.
local runs = 0
local thing = {}
local ok, raised = pcall(repeat_, 5, function()
  runs = runs + 1
  error(thing)
end)
check.that(not ok and raised == thing and runs == 1)
for _, value in ipairs {1, true, "text", setmetatable({}, {__tostring = 1})} do
  ok, raised = pcall(repeat_, 5, function() error(value, 0) end)
  check.that(not ok and raised == value)
end
check.same(select("#", pcall(repeat_, 1, function() error() end)), 2)
check.error("attempt to yield", function()
  coroutine.wrap(function() repeat_(1, coroutine.yield) end)()
end)
check.error("stack overflow", function()
  local function deeper() return repeat_(1, deeper) end
  deeper()
end)
check.same(repeat_(2, function() return 1 end), 2)

-- On the coroutine that called, and from one in another.
local thread
thread = coroutine.create(function()
  return repeat_(3, function(i)
    check.same(coroutine.running(), thread)
    return coroutine.wrap(function()
      return repeat_(2, function(j) return i * 10 + j end)
    end)()
  end)
end)
check.same(select(2, coroutine.resume(thread)), 63)

-- Nested calls, whose errors are their own.
check.same(repeat_(2, function(i)
  local inner, message = pcall(repeat_, 3, function() error("inner", 0) end)
  check.that(not inner and message == "inner")
  return repeat_(3, function(j) return i + j end)
end), 9)

local both = kernels:bind("both", "i64(fn i64(i64), fn i64(i64))")
check.same(both(function(x) return x end, kernels:symbol "twice"), 1004)
check.error("function expected, got nil", both, nil, print)
check.error("function expected", both, io.stdout, print)
check.error("function expected", both, echo_ptr(nil), print)

-- What it cannot be: a NULL, which is nil.
local seen
check.same(kernels:bind("call_null", "i64(fn i64(*i64, str))")(
  function(...) seen = table.pack(...) return 8 end), 8)
check.same(seen.n, 2)
check.same(seen[1], nil)
check.same(seen[2], nil)

-- ------------------------------------------------------------------- callbacks

local on_thread = kernels:bind("call_on_thread", "i64(fn i64(i64))")
local keep = kernels:bind("keep", "void(fn i64(i64))")
local call_kept = kernels:bind("call_kept", "i64(i64)")
runs = 0
local function count(x) runs = runs + 1 return x end
do
  local callback <close> = native.callback("i64(i64)", count)
  check.same(repeat_(3, callback), 3)
  check.same(runs, 3)
  check.same(both(callback, callback), 1002)
  keep(callback)
  collectgarbage()
  check.same(call_kept(9), 9)
  check.same(coroutine.wrap(function() return call_kept(8) end)(), 8)
  check.same(echo_ptr(callback), callback:address())
  check.same(native.at(callback:address(), "i64(i64)")(4), 4)
  check.same(runs, 8)
  check.same(on_thread(callback), 0)
  check.same(on_thread(count), 0)
  check.same(runs, 8)
  keep(count) -- for that call alone
  check.same(call_kept(9), 0)
  check.same(runs, 8)
end

local freed = native.callback("fn i64(i64)", function(x) return x end)
freed:free()
freed:free()
check.error("has been freed", repeat_, 1, freed)
check.error("has been freed", echo_ptr, freed)
check.error("has been freed", freed.address, freed)

-- One that frees itself is not called any more, and the rest goes on.
local itself
runs = 0
itself = native.callback("i64(i64)", function()
  runs = runs + 1
  itself:free()
  itself = nil
  collectgarbage()
  return 100
end)
check.same(repeat_(5, itself), 100)
check.same(runs, 1)

-- What a callback runs may call native code by other ways than ours: that must
-- not call back, for the stack is another function's then.
local by_lua = assert(package.loadlib(
  folder .. "/tests/bin/kernels.so", "call_kept_by_lua"))
local keep_and_call = kernels:bind("keep_and_call", "i64(fn i64(i64))")
for _, use in ipairs {
  function() return keep_and_call(function(x) by_lua(count) return x end) end,
  function()
    local callback <close> = native.callback("i64(i64)", count)
    keep(callback)
    return repeat_(3, function(x) by_lua() return x end)
  end,
} do
  runs = 0
  check.error("E_UNSUPPORTED", use)
  check.same(runs, 0)
end

-- A cycle is no reason to stay.
local weak = setmetatable({}, {__mode = "k"})
for _ = 1, 100 do
  local callback
  callback = native.callback("void()", function() return callback end)
  weak[callback] = true
end
collectgarbage()
collectgarbage()
check.same(next(weak), nil)

check.error("another signature", repeat_, 1, native.callback("i64(i32)", count))
check.error("a type is expected", native.callback, "i64(x)", count)
check.error("a signature is a string", native.callback, nil, count)
check.error("zero bytes", native.callback, "i64()\0", count)
check.error("function expected", native.callback, "i64(i64)", 5)
check.error("has been freed", function()
  local f = native.at(kernels:symbol "twice", "i64(i64)")
  local _, userdata = debug.getupvalue(f, 1)
  debug.getmetatable(userdata).__gc(userdata)
  f(1)
end)
check.error("has been freed", function()
  local f = native.at(kernels:symbol "twice", "i64(i64)")
  debug.setupvalue(f, 1, io.stdout)
  f(1)
end)

-- -------------------------------------------------------------------- the lock

local list = assert(polyshm.ShareableList({0}, {name = check.name()}))
local other = assert(polyshm.ShareableList(nil, {name = list.name}))
local guarded = kernels:bind(
  "repeat", "i64(i64, fn i64(i64))", {lock = list, timeout = 0.01})
local function try_other()
  local lock = other:lock(0)
  if lock then lock:unlock() end
  return lock and 1 or 0
end
check.same(guarded(1, try_other), 0)
check.same(try_other(), 1)
local lock = other:lock(0)
check.refused(polyshm.E_TIMEOUT, guarded(1, try_other))
lock:unlock()
lock = list:lock(0) -- this handle has it, and keeps it
check.same(guarded(1, try_other), 0)
lock:unlock()
check.error("an error", guarded, 1, function() error("an error", 0) end)
check.same(try_other(), 1)
local peer = check.peer(list, [[
  local lock = list:lock()
  print "locked"
  list:wait(1, LIMIT)
]])
peer:line()
peer:kill()
check.refused(polyshm.E_BUSY, guarded(1, try_other))
check.refused(polyshm.E_BUSY, guarded(1, try_other))
lock = list:lock(0)
check.same(lock.recovered, true)
lock:unlock()
check.same(guarded(1, try_other), 0)
check.same(guarded(1, function() return list:close() == nil and 1 or 0 end), 1)
list:unlink()
list:close()
check.error("has been closed", guarded, 1, try_other)
other:close()
check.error("ShareableList expected", kernels.bind, kernels, "nothing",
  "void()", {lock = {}})

check.done()
