-- SPDX-License-Identifier: MIT
-- The module: what it exports, that it touches nothing else, and the options.

local globals = {}
for name, value in pairs(_G) do globals[name] = value end
local polyshm = require "polyshm"
local core = require "polyshm.core"
local changed = {}
for name, value in pairs(_G) do
  if globals[name] ~= value then changed[#changed + 1] = name end
end

package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local check = require "check"

-- ------------------------------------------------------------------- globals

check.same(table.concat(changed, " "), "")
check.same(rawget(_G, "polyshm"), nil)

-- Another module made by SWIG would have put these there.
local function theirs() end
_G.swig_type, _G.swig_equals = theirs, nil
package.loaded["polyshm"], package.loaded["polyshm.core"] = nil, nil
local again = require "polyshm"
check.same(_G.swig_type, theirs)
check.same(_G.swig_equals, nil)
_G.swig_type = nil

-- Objects of the module that was loaded first are the second one's as well.
do
  local name = check.name()
  local one = polyshm.ShareableList({1}, {name = name})
  local other = again.ShareableList(nil, {name = name})
  check.that(one == other)
  check.same(one[1], other[1])
  check.same(one:index(1), 1)
  check.same(other:unlink(), true)
end

-- ------------------------------------------------------------------- exports

local exports = {}
for name, value in pairs(polyshm) do
  if name:find "^E_" then
    check.same(math.type(value), "integer")
    check.same(core.status_name(value), "POLYSHM_" .. name)
  else
    exports[#exports + 1] = name
  end
end
table.sort(exports)
check.same(table.concat(exports, " "),
  "FOREVER ShareableList SharedMemory SharedMemoryManager _VERSION blocks " ..
  "bytes gc holders inspect str unlink")
check.same(polyshm.E_NOT_FOUND, -4)
check.same(polyshm.E_EXISTS, -5)
check.same(polyshm.E_OK, nil)
check.that(polyshm._VERSION:find "^polyshm %d+%.%d+%.%d+$")

-- Nothing of core leads to a metatable.
check.same(getmetatable(core), nil)
for _, value in pairs(core) do
  check.that(type(value) == "function" or math.type(value) == "integer")
end
check.same(core.status_name(-1000), "an unknown polyshm_status")
check.same(type(core.error_message()), "string")
check.same(math.type(core.error_os()), "integer")

-- -------------------------------------------------------------------- unlink

check.refused(polyshm.E_NOT_FOUND, polyshm.unlink(check.name()))
check.error("empty", polyshm.unlink, "")
check.error("slash", polyshm.unlink, "a/b")
check.error("name", polyshm.unlink)
check.error("zero byte", polyshm.unlink, "a\0b")
check.error("string expected, got table", polyshm.unlink, {})
check.error_here("a block's name must not be empty", function()
  local _ = polyshm.unlink ""
end)

-- ------------------------------------------------------------------- options

local wrong = {
  {{nmae = "x"}, "unknown option 'nmae'"},
  {{"x"}, "unknown option '1'"},
  {{[true] = "x"}, "unknown option 'true'"},
  {{name = 5}, "option 'name' must be a string, not a number"},
  {{mode = -1}, "option 'mode' must be an integer from 0 to 511, not -1"},
  {{mode = 512}, "option 'mode' must be an integer from 0 to 511, not 512"},
  {{mode = 2^40}, "option 'mode' must be an integer"},
  {{mode = "384"}, "option 'mode' must be an integer"},
  {{mode = 1.5}, "option 'mode' must be an integer"},
  {{mode = 0 / 0}, "option 'mode' must be an integer"},
  {{read_only = 1}, "option 'read_only' must be a boolean, not a number"},
  {{exclusive = "no"}, "option 'exclusive' must be a boolean, not a string"},
}
for _, case in ipairs(wrong) do
  local options, message = table.unpack(case)
  check.error_here("bad argument #1 to 'SharedMemory' (" .. message, function()
    local _ = polyshm.SharedMemory(options)
  end)
  check.error_here("bad argument #2 to 'ShareableList' (" .. message, function()
    local _ = polyshm.ShareableList({}, options)
  end)
  check.error_here("bad argument #2 to 'ShareableList' (" .. message, function()
    local _ = polyshm.ShareableList(nil, options)
  end)
end
check.error("option 'create' must be a boolean, not a string",
  polyshm.SharedMemory, {create = "open", size = 1})
for _, option in ipairs {"track", "sparse", "foreign"} do
  local message = ("option '%s' must be a boolean, not a number"):format(option)
  check.error(message,
    polyshm.SharedMemory, {create = true, size = 1, [option] = 1})
  check.error(message, polyshm.ShareableList, {}, {[option] = 1})
end
check.error("option 'size' must be an integer",
  polyshm.SharedMemory, {create = true, size = -1})
check.error("option 'capacity' must be an integer from 0 to 9999992",
  polyshm.ShareableList, {}, {capacity = 9999993})
check.error("unknown option 'create'",
  polyshm.ShareableList, {}, {create = true})

for _, value in ipairs {false, 1, print, io.stdout, coroutine.create(print)} do
  check.error("bad argument #1 to 'SharedMemory' (string or table expected",
    polyshm.SharedMemory, value)
  check.error("bad argument #1 to 'ShareableList' (table or nil expected",
    polyshm.ShareableList, value)
  check.error("bad argument #2 to 'ShareableList' (table expected",
    polyshm.ShareableList, {}, value)
end
check.error("string or table expected, got nil", polyshm.SharedMemory)
check.error("needs a name", polyshm.ShareableList)
check.error("needs a name", polyshm.SharedMemory, {})
check.error("options are the second argument",
  polyshm.ShareableList, {name = "x"})

-- What core finds wrong is an error of the caller's line, too.
check.error_here("a new block needs a size above zero", function()
  local _ = polyshm.SharedMemory {create = true}
end)
check.error_here("a block cannot be made read-only", function()
  local _ = polyshm.SharedMemory {create = true, size = 1, read_only = true}
end)
check.error_here("bad argument #2 to 'ShareableList' (a new list is not " ..
  "read-only)", function()
    local _ = polyshm.ShareableList({}, {read_only = true})
  end)
check.error_here("value 2 is a table, which no list holds", function()
  local _ = polyshm.ShareableList {1, {}}
end)

-- Nor does it matter whether the line is a coroutine's.
do
  local function within(f)
    return function()
      local ok, message = coroutine.resume(coroutine.create(f))
      if not ok then error(message, 0) end
    end
  end
  local block = assert(polyshm.SharedMemory {create = true, size = 1})
  check.same(block:unlink(), true)
  for _, mistake in ipairs {
    function() local _ = polyshm.SharedMemory(5) end,
    function() local _ = polyshm.SharedMemory {nmae = "x"} end,
    function() local _ = polyshm.SharedMemory {create = true} end,
    function() local _ = polyshm.ShareableList({}, 5) end,
    function() local _ = polyshm.ShareableList {1, {}} end,
    function() local _ = polyshm.gc(5) end,
    function() local _ = polyshm.unlink {} end,
    function() block:read(2) end,
    function() block:write(2, "x") end,
    function() block:pack(0, "z", "x") end,
    function() block:view "u8"[2] = 1 end,
    function() block.name = 1 end,
  } do
    check.error_here("", mistake)
    local before = select(2, pcall(mistake))
    local inside = within(mistake)
    check.same(select(2, pcall(inside)), before)
    check.same(select(2, pcall(coroutine.wrap(inside))), before)
  end

  -- Without such a line, there is none to name.
  local co = coroutine.create(polyshm.SharedMemory)
  check.same(select(2, coroutine.resume(co, 5)), "bad argument #1 to " ..
    "'SharedMemory' (string or table expected, got number)")
end

-- Options may come from a metatable, and are looked at once.
do
  local options = setmetatable({}, {
    __pairs = function() return next, {name = check.name()}, nil end,
  })
  check.refused(polyshm.E_NOT_FOUND, polyshm.SharedMemory(options))
end

check.done()
