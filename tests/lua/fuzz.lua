-- SPDX-License-Identifier: MIT
-- Every function, method and metamethod of the module, on every kind of object,
-- with every kind of argument: errors, never a crash.
--
-- Returns a function of a seed and a number of calls. It returns how many calls
-- succeeded, how many were refused with an error, and what was refused with
-- something else than a text. It leaves objects of all kinds, dead and alive,
-- for the end of the state.

local polyshm = require "polyshm"
local core = require "polyshm.core"
local native = require "polyshm.native"

-- A generator of our own, so that a seed means the same to every Lua.
local function generator(seed)
  local state = seed * 0x9e3779b97f4a7c15 | 1
  return function(n)
    state = state ~ state << 13
    state = state ~ state >> 7
    state = state ~ state << 17
    return (state >> 1) % n + 1
  end
end

-- Functions of an object's class: its metamethods, methods and fields' access.
local function functions_of(object)
  local metatable = debug.getmetatable(object)
  local found = {}
  local function add(functions)
    for key, value in pairs(functions) do
      if type(value) == "function" then found[key] = value end
    end
  end
  add(metatable)
  if metatable.__index then
    local _, methods = debug.getupvalue(metatable.__index, 1)
    add(methods)
  end
  return found
end

-- Nobody would end a sleep: whatever asks for one gets 0 instead.
local function hastily(f, place)
  return function(...)
    local given = table.pack(...)
    local timeout = given[place]
    if timeout == nil or (tonumber(timeout) or 0) > 0 then given[place] = 0 end
    return f(table.unpack(given, 1, math.max(given.n, place)))
  end
end

-- Functions that take anything their signatures let through.
local function bind_all()
  local folder = os.getenv "POLYSHM_BINARY_DIR"
  local process = native.load()
  local bound = {
    process:bind("labs", "i64(i64)"), process:bind("strlen", "u64(str)"),
    process:bind("getentropy", "i32(buf, len)"),
    process:bind("getentropy", "i32([u8], count)"),
  }
  if folder and native.callbacks then
    local kernels = native.load(folder .. "/tests/bin/kernels.so")
    bound[#bound + 1] = kernels:bind("call_i32", "i32(i32, fn i32(i32))")
    bound[#bound + 1] = kernels:bind("call_f32", "f32(f32, fn f32(f32))")
    bound[#bound + 1] = kernels:bind("call_str", "i32(str, fn i32(str))")
    bound[#bound + 1] = kernels:bind("sum_bytes", "u64(const buf, len)")
  end
  return bound, process:symbol "abs"
end

return function(seed, rounds)
  local random = generator(seed)
  local function any(values) return values[random(#values)] end

  -- All names that are used begin with one that nobody else has.
  local own = assert(polyshm.SharedMemory {create = true, size = 1})
  local prefix = own.name .. "-fuzz-"
  own:unlink()
  local list_name, block_name = prefix .. "list", prefix .. "block"
  local names = {
    list_name, list_name, block_name, block_name, prefix .. "other", "", "a/b",
    "a\0b", "\xff", ("x"):rep(300),
  }

  local bound, abs = {}, nil
  if native.available then bound, abs = bind_all() end
  local signatures = {
    "i32(i32)", "fn i32(i32)", "void()", "f32(f32)", "i32(str)", "i32(*i64)",
    "i32(i32", "i65()", "", "void(struct s)", ("x"):rep(2000), "i32(...)",
  }

  local list, block, view, arguments, pick
  local kept = {} -- objects that stay until the state ends

  local function freed(object)
    debug.getmetatable(object).__gc(object)
    return object
  end
  -- Under these names, other calls may have put something else.
  local function attach_list()
    local values = table.pack(1, 2.5, "text", nil, true, ("x"):rep(1000))
    local options = {name = list_name, exclusive = false, timeout = 0}
    local found = polyshm.ShareableList(values, options)
    if not found or #found ~= values.n then
      polyshm.unlink(list_name)
      found = assert(polyshm.ShareableList(values, options))
    end
    return found
  end
  local function attach_block()
    local options = {
      name = block_name, create = true, exclusive = false, size = 1000,
    }
    local found = polyshm.SharedMemory(options)
    if not found or found.size ~= options.size then
      polyshm.unlink(block_name)
      found = assert(polyshm.SharedMemory(options))
    end
    return found
  end

  local kinds = {
    "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f32", "f64", "f16",
  }
  local formats = {
    "b", "<i4", ">I16", "z", "s1", "c5", "!8 b Xd d", "x", "q", "i17",
    ("b"):rep(50), "s8", "!3i3", "",
  }

  -- Options with values of all kinds; those that make things make small ones.
  local function draw_options()
    local options = {}
    for _ = 1, random(4) do
      local key = any {"name", "create", "exclusive", "size", "read_only",
        "sparse", "track", "foreign", "mode", "capacity", "timeout", "other"}
      options[key] = any {true, true, false, 0, 1, 100, -1, 1.5, "x", {}}
    end
    if random(4) > 1 then options.name = any(names) end
    return options
  end

  -- Some calls close what they are given, so there must be others now and then.
  local function renew()
    list, block = attach_list(), attach_block()
    local victim = attach_block()
    local dead = victim:view "i16"
    freed(victim)
    local orphan_list = attach_list()
    local orphan = orphan_list.shm
    local of_orphan = orphan:view("u8", 8)
    freed(orphan_list)
    local closed_list, closed_block = attach_list(), attach_block()
    local closed_view = closed_block:view "f64"
    closed_list:close()
    closed_block:close()
    local viewed = assert(
      polyshm.SharedMemory {name = block_name, read_only = true})
    local read_list = assert(
      polyshm.ShareableList(nil, {name = list_name, read_only = true}))
    view = any {block, list.shm, viewed}:view(kinds[random(10)], random(16))
    local closing = setmetatable({}, {
      __len = function() return random(5) end,
      __index = function(_, key)
        if random(10) == 1 then any {list, block}:close() end
        return key
      end,
    })
    arguments = {
      true, false, 0, 1, 2, 6, 7, -1, -6, -7, 999, 1000, 1001, 1.0, 1.5, 2^53,
      2^63, math.huge, 0 / 0, math.maxinteger, math.mininteger, "", "x",
      "name", "shm", "size", "kind", "1", "a\0b", "\xff", ("y"):rep(1001),
      ("z"):rep(5000), {}, {1, 2.5, "x"}, {n = 3}, {n = 2^60}, {[-1] = 5},
      {a = 1}, {type}, closing, type, io.stdout, coroutine.create(type),
      polyshm.bytes "\xff", polyshm.str "é", polyshm.str "\xff", any(kinds),
      any(kinds), any(formats), any(formats), list, list, list, list, block,
      block, block, block, view, view, view, view, dead, of_orphan,
      closed_list, closed_block, closed_view, orphan_list, orphan, victim,
      viewed, read_list, (polyshm.blocks()),
      random(2) == 1 and list:lock(0) or false, any(signatures),
    }
    if native.callbacks then
      local function answer() return pick() end
      for _, signature in ipairs {"i32(i32)", "f32(f32)", "i32(str)"} do
        arguments[#arguments + 1] = native.callback(signature, answer)
      end
      arguments[#arguments + 1] = abs
      arguments[#arguments + 1] = native.callback("i32(i32)", answer)
      arguments[#arguments]:free()
    end
    if random(5) == 1 then kept[#kept + 1] = any(arguments) end
  end
  function pick() return arguments[random(#arguments + 2)] end
  renew()

  local function pick_name() return any(names) end
  local function pick_values()
    local values = {}
    for i = 1, random(5) - 1 do values[i] = pick() end
    return any {values, values, pick() or {}}
  end

  -- What the module makes must not outlive it under a name.
  local function unnamed(made, ...)
    if type(made) == "userdata" and made.name ~= list_name
      and made.name ~= block_name
    then
      made:unlink()
    end
    return made, ...
  end

  -- Functions of the module, with arguments that name nothing of others.
  local function with_a_name(f)
    return function() return f(random(6) == 1 and {} or pick_name()) end
  end
  local calls = {
    function() return unnamed(polyshm.SharedMemory(
      any {draw_options(), pick_name(), 1, false})) end,
    function() return unnamed(polyshm.ShareableList(
      any {pick_values(), false} or nil, any {draw_options(), 1})) end,
    function() return unnamed(polyshm.ShareableList(nil, draw_options())) end,
    function() return unnamed(core.block_open(
      pick_name(), any {1, 100, -1, "x"}, random(64) - 1, draw_options())) end,
    function() return unnamed(core.list_open(pick_name(), random(64) - 1)) end,
    function() return unnamed(core.list_create(
      pick_name(), pick_values(), random(64) - 1, draw_options())) end,
    function() return polyshm.gc(
      any {{dry_run = true}, {dry_run = 1}, 1, {other = true}}) end,
    function() return core.gc(any {core.GC_DRY_RUN, -1, {}, "x", 1 << 40}) end,
    function() -- left in the middle, most times
      local steps = random(3)
      for info in polyshm.blocks() do
        steps = steps - 1
        if steps == 0 then return info end
      end
    end,
    with_a_name(polyshm.unlink), with_a_name(polyshm.inspect),
    with_a_name(polyshm.holders),
  }
  if native.available then
    -- What is bound by a wrong signature is not called.
    calls[#calls + 1] = function()
      native.load():bind(any {"abs", "no_such", "a\0b", pick() or 1},
        any {any(signatures), pick() or 1}, any {false, {}, {lock = pick()},
          {timeout = pick(), lock = list}, {other = 1}} or nil)
    end
    calls[#calls + 1] = function()
      native.at(any {abs, pick() or 1}, any(signatures))
    end
  end
  for _, f in ipairs {polyshm.str, polyshm.bytes, core.status_name,
    core.error_message, core.error_os, core.version, core.helper_path,
    core.tree_enter} do
    calls[#calls + 1] = function() return f(pick(), pick()) end
  end

  -- Methods and metamethods, with anything.
  local other_list = polyshm.ShareableList {1}
  other_list:unlink()
  local lock = assert(other_list:lock(0))
  local _, _, _, scan = polyshm.blocks()
  local classes = {functions_of(list), functions_of(block), functions_of(view),
    functions_of(lock), functions_of(polyshm.str "x")}
  if scan then classes[#classes + 1] = functions_of(scan) end
  classes[1].lock = hastily(classes[1].lock, 2)
  classes[1].wait = hastily(classes[1].wait, 3)
  classes[1].timeout = hastily(classes[1].timeout, 2)
  local functions = {(pairs(list)), (pairs(view)), native.callback, native.load}
  if native.callbacks then
    local callback = native.callback("void()", print)
    for _, f in pairs(debug.getmetatable(callback).__index) do
      functions[#functions + 1] = f
    end
  end
  for _ = 1, 3 do table.move(bound, 1, #bound, #functions + 1, functions) end
  for _, class in ipairs(classes) do
    local sorted = {}
    for key in pairs(class) do sorted[#sorted + 1] = key end
    table.sort(sorted)
    for _, key in ipairs(sorted) do functions[#functions + 1] = class[key] end
  end
  local operators = {
    function(a, b) return a[b] end,
    function(a, b, c) a[b] = c end,
    function(a) return #a end,
    function(a, b) return a == b end,
    function(a) return tostring(a) end,
    function(a) for i, x in pairs(a) do if x == nil then return i end end end,
    function(a) for i, x in ipairs(a) do if i == 9 then return x end end end,
    function(a, b, c) return a[b](a, c) end,
    function(a, b) return a .. b end,
    function(a, b) return a < b end,
    function(a) return a.shm.shm end,
  }

  local successes, refusals, unexpected = 0, 0, {}
  local function count(ok, message)
    if ok then
      successes = successes + 1
    elseif type(message) == "string" then
      refusals = refusals + 1
    else
      unexpected[#unexpected + 1] = message
    end
  end
  local function call()
    local choice = random(10)
    if choice == 1 then
      count(pcall(any(calls)))
      return
    end
    local f = choice == 2 and any(operators) or any(functions)
    local given = {pick(), pick(), pick(), pick()}
    count(pcall(f, table.unpack(given, 1, choice == 2 and 3 or random(5) - 1)))
  end

  for round = 1, rounds do
    if round % 50 == 0 then renew() end
    if round % 10 == 0 then
      coroutine.wrap(call)()
    elseif round % 101 == 0 then
      -- Suspended for good, with something in its hands.
      local thread = coroutine.create(function()
        for i in pairs(any {list, view, block}) do coroutine.yield(i) end
      end)
      coroutine.resume(thread)
      kept[#kept + 1] = thread
    elseif round % 103 == 0 then
      -- What ties objects together, cut or turned.
      local ok, shm = pcall(function() return list.shm end)
      debug.setuservalue(any {list, view, block, ok and shm or view}, pick(), 1)
    elseif round % 107 == 0 then
      collectgarbage(any {"step", "collect"})
    else
      call()
    end
  end

  for _, name in ipairs(names) do pcall(polyshm.unlink, name) end
  polyshm.kept = polyshm.kept or {}
  table.insert(polyshm.kept, kept)
  table.insert(polyshm.kept, arguments)
  return successes, refusals, unexpected
end
