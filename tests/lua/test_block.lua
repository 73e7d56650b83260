-- SPDX-License-Identifier: MIT
-- Blocks: SharedMemory.

package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local check = require "check"
local polyshm = require "polyshm"

-- ------------------------------------------------------- making and attaching

do
  local name = check.name()
  local made = assert(
    polyshm.SharedMemory {name = name, create = true, size = 100})
  check.same(made.name, name)
  check.same(made.size, 100)
  check.same(made:read(), ("\0"):rep(100))

  local attached = assert(polyshm.SharedMemory(name))
  local slashed = assert(polyshm.SharedMemory {name = "//" .. name})
  check.same(slashed.name, name)
  check.same(attached.size, 100)
  check.same(made:write(10, "hello"), true)
  check.same(attached:read(10, 5), "hello")
  check.same(attached:write(95, "world"), true)
  check.same(slashed:read(95), "world")

  check.refused(polyshm.E_EXISTS,
    polyshm.SharedMemory {name = name, create = true, size = 5})
  local opened = assert(polyshm.SharedMemory {
    name = name, create = true, exclusive = false, size = 5, mode = 384,
  })
  check.same(opened.size, 100)
  check.same(opened:read(10, 5), "hello")

  check.same(made:unlink(), true)
  check.refused(polyshm.E_NOT_FOUND, made:unlink())
  check.refused(polyshm.E_NOT_FOUND, polyshm.SharedMemory(name))
  check.same(attached:read(10, 5), "hello")

  -- Options of making do not matter when there is nothing to make.
  check.refused(polyshm.E_NOT_FOUND, polyshm.SharedMemory {
    name = name, create = false, exclusive = true, size = 7, sparse = true,
  })
end

do -- drawn names
  local one = polyshm.SharedMemory {create = true, size = 1}
  local other = polyshm.SharedMemory {
    create = true, size = 1, exclusive = false,
  }
  check.that(one.name:find "^psm_%x%x%x%x%x%x%x%x$")
  check.that(one.name ~= other.name)
  check.same(one:unlink(), true)
  check.same(polyshm.unlink(other.name), true)
end

do -- names
  local function make(name)
    return polyshm.SharedMemory {name = name, create = true, size = 1}
  end
  for _, name in ipairs {"", "/", "///", "a/b", "a/", "\xff", "a\0b", "\0"} do
    check.error("name", make, name)
    check.error("name", polyshm.SharedMemory, name)
  end
  check.error("255 bytes", make, ("x"):rep(256))
  for _, name in ipairs {".hidden", "with space", "日本", "new\nline"} do
    name = check.name() .. name
    local block <close> = assert(make(name))
    check.same(block.name, name)
    check.same(block:unlink(), true)
  end
  local long = check.name()
  long = long .. ("x"):rep(255 - #long)
  local block <close> = assert(make(long))
  check.same(block.name, long)
  check.same(block:unlink(), true)
end

do -- sizes and memory
  check.refused(polyshm.E_SPACE, polyshm.SharedMemory {
    name = check.name(), create = true, size = 1 << 50,
  })
  local name = check.name()
  local block <close> = assert(polyshm.SharedMemory {
    name = name, create = true, size = 1 << 33, sparse = true,
  })
  check.same(block:unlink(), true)
  check.same(block.size, 1 << 33)
  check.same(math.type(block.size), "integer")
  check.same(block:write((1 << 33) - 3, "end"), true)
  check.same(block:read((1 << 33) - 4), "\0end")
end

do -- modes
  local umask = tonumber(io.popen "umask":read(), 8)
  for _, mode in ipairs {0, 384, 292, 511} do
    for _, track in ipairs {true, false} do
      local name = check.name()
      local block <close> = assert(polyshm.SharedMemory {
        name = name, create = true, size = 1, mode = mode, track = track,
      })
      local shown = io.popen("stat -c %a /dev/shm/" .. name):read()
      local mark = track and 512 or 0 -- the sticky bit
      local asked = mode == 0 and 384 or mode
      check.same(tonumber(shown, 8), asked & ~umask | mark)
      check.same(block:unlink(), true)
    end
  end
end

do -- read-only
  local name = check.name()
  local block = assert(
    polyshm.SharedMemory {name = name, create = true, size = 4})
  local view = assert(polyshm.SharedMemory {name = name, read_only = true})
  check.same(block:write(0, "abcd"), true)
  check.same(view:read(), "abcd")
  local closed = "the block '" .. name .. "' is open for reading only"
  for _, change in ipairs {
    function() view:write(0, "x") end,
    function() view:write(0, "") end,
    function() view:pack(0, "b", 1) end,
    function() view:pack(0, "") end,
    function() view:fill() end,
    function() view:view("u8")[1] = 1 end,
    function() view:view("u8"):fill(1) end,
    function() view:view("u8"):copy {1} end,
  } do
    check.error_here(closed, change)
  end
  check.same(view:read(), "abcd")
  check.same(view:unpack(0, "c4"), "abcd")
  check.same(view:find "cd", 2)
  check.same(view:view("u8"):sum(), 97 + 98 + 99 + 100)
  check.same(block:unlink(), true)
end

-- ---------------------------------------------------------- reading, writing

do
  local block <close> = assert(polyshm.SharedMemory {
    name = check.name(), create = true, size = 8,
  })
  check.same(block:unlink(), true)
  check.same(block:write(0, "\0\xff\0\n abc"), true)
  check.same(block:read(), "\0\xff\0\n abc")
  check.same(block:read(nil, nil), "\0\xff\0\n abc")
  check.same(block:read(5), "abc")
  check.same(block:read(5, nil), "abc")
  check.same(block:read(nil, 1), "\0")
  check.same(block:read(1.0, 2.0), "\xff\0")
  check.same(block:read(8), "")
  check.same(block:read(8, 0), "")
  check.same(block:read(3, 0), "")
  check.same(block:write(8, ""), true)
  check.same(block:write(7, "d"), true)
  check.same(block:write(6, 17), true) -- a number, as Lua writes it
  check.same(block:read(5), "a17")

  for _, place in ipairs {
    {9}, {9, 0}, {0, 9}, {8, 1}, {-1}, {0, -1}, {math.maxinteger},
    {1, math.maxinteger}, {math.mininteger}, {0, math.mininteger},
  } do
    check.error("bad argument", block.read, block, table.unpack(place))
  end
  check.error("past the end", block.write, block, 8, "x")
  check.error("past the end", block.write, block, math.maxinteger, "x")
  check.error("out of range", block.write, block, -1, "x")
  check.error("past the end", block.write, block, 9, "")
  check.same(block:read(5), "a17")
  check.error_here("bad argument #1 to 'read' (number expected, got table)",
    function()
      block:read({})
    end)
  check.error_here("bad argument #2 to 'read' (number has no integer",
    function()
      block:read(0, 1.5)
    end)
  check.error_here("bad argument #1 to 'write' (number expected, got no value)",
    function()
      block:write()
    end)
  check.error_here("bad argument #2 to 'write' (string expected, got no value)",
    function()
      block:write(0)
    end)
  check.error_here("bad argument #2 to 'write' (string expected, got table)",
    function()
      block:write(0, {})
    end)
  check.error_here("2 bytes at offset 7 reach past the end", function()
    block:write(7, "xx")
  end)
end

do -- fill
  local block <close> = assert(polyshm.SharedMemory {
    name = check.name(), create = true, size = 8,
  })
  check.same(block:unlink(), true)
  check.same(block:fill(65), true)
  check.same(block:read(), "AAAAAAAA")
  check.same(block:fill(66, 6), true)
  check.same(block:fill(67, 1, 2), true)
  check.same(block:read(), "ACCAAABB")
  check.same(block:fill(255.0, 0, 0), true)
  check.same(block:fill(1, 8), true)
  check.same(block:fill(nil, nil, 1), true)
  check.same(block:read(), "\0CCAAABB")
  check.same(block:fill(), true)
  check.same(block:read(), ("\0"):rep(8))
  for _, byte in ipairs {-1, 256, math.mininteger, math.maxinteger} do
    check.error_here("bad argument #1 to 'fill' (a byte is from 0 to 255)",
      function() block:fill(byte) end)
  end
  check.error_here("bad argument #1 to 'fill' (number expected, got string)",
    function() block:fill "A" end)
  check.error_here("bad argument #2 to 'fill' (the block ends before this " ..
    "offset)", function() block:fill(1, 9) end)
  for _, place in ipairs {{0, 9}, {8, 1}, {1, math.maxinteger}} do
    check.error_here("bad argument #3 to 'fill' (the block has not so many " ..
      "bytes)", function() block:fill(1, table.unpack(place)) end)
  end
  check.error("number out of range", block.fill, block, 1, -1)
  check.error("number out of range", block.fill, block, 1, 0, -1)
  check.same(block:read(), ("\0"):rep(8))
end

do -- find
  local block <close> = assert(polyshm.SharedMemory {
    name = check.name(), create = true, size = 12,
  })
  check.same(block:unlink(), true)
  block:write(0, "ab\0c%aab\0c.\xff")
  check.same(block:find "ab", 0)
  check.same(math.type(block:find "ab"), "integer")
  check.same(block:find("ab", 0), 0)
  check.same(block:find("ab", 1), 6)
  check.same(block:find("ab", 6), 6)
  check.same(block:find("b\0c", 2), 7)
  check.same(block:find "%a", 4)
  check.same(block:find ".", 10)
  check.same(block:find "\xff", 11)
  check.same(block:find "", 0)
  check.same(block:find("", 12), 12)
  check.same(block:find(block:read()), 0)
  check.same(block:find("ab", 0, 2), 0)
  check.same(block:find("ab", 1, 7), 6)
  for _, case in ipairs {
    {"zz"}, {"ab", 7}, {"ab", 0, 1}, {"ab", 1, 6}, {"ab", 12},
    {"\xff", 0, 11}, {("x"):rep(13)},
  } do
    check.refused(polyshm.E_NOT_FOUND, block:find(table.unpack(case)))
  end
  check.error_here("bad argument #1 to 'find' (string expected, got no value)",
    function() block:find() end)
  check.error_here("bad argument #2 to 'find' (the block ends before this " ..
    "offset)", function() block:find("x", 13) end)
  check.error_here("bad argument #3 to 'find' (the block has not so many " ..
    "bytes)", function() block:find("x", 1, 12) end)
  check.error("number out of range", block.find, block, "x", -1)
end

do -- much at once
  local size <const> = 10000000
  local block <close> = assert(polyshm.SharedMemory {
    name = check.name(), create = true, size = size,
  })
  check.same(block:unlink(), true)
  local content = ("0123456789"):rep(size // 10)
  check.same(block:write(0, content), true)
  check.same(block:read(), content)
  check.same(block:read(size - 11), "90123456789")
end

-- -------------------------------------------------------------------- closing

do
  local name = check.name()
  local block = assert(
    polyshm.SharedMemory {name = name, create = true, size = 3})
  check.same(tostring(block), ("SharedMemory '%s' (3 bytes)"):format(name))
  check.same(block:close(), true)
  check.same(block:close(), true)
  check.same(tostring(block), ("SharedMemory '%s' (closed)"):format(name))
  check.error_here("the block '" .. name .. "' has been closed", function()
    block:read()
  end)
  for _, use in ipairs {
    function() block:write(0, "") end,
    function() block:fill() end,
    function() block:find "" end,
    function() block:pack(0, "") end,
    function() block:unpack(0, "") end,
    function() block:view "u8" end,
  } do
    check.error_here("the block '" .. name .. "' has been closed", use)
  end
  check.same(block.name, name)
  check.same(block.size, 3)
  check.same(block:unlink(), true)
end

if check.closes then
  local name = check.name()
  local outer
  do
    local block <close> = assert(
      polyshm.SharedMemory {name = name, create = true, size = 3})
    outer = block
    check.same(block:read(), "\0\0\0")
  end
  check.error("has been closed", outer.read, outer)
  check.same(outer:unlink(), true)

  local ok, message = pcall(function()
    local block <close> = assert(
      polyshm.SharedMemory {name = name, create = true, size = 3})
    outer = block
    error("thrown", 0)
  end)
  check.same(ok, false)
  check.same(message, "thrown")
  check.error("has been closed", outer.read, outer)
  check.same(outer:unlink(), true)
end

-- ------------------------------------------------------------------- the rest

do -- equality
  local name = check.name()
  local one = assert(
    polyshm.SharedMemory {name = name, create = true, size = 1})
  local two = assert(polyshm.SharedMemory(name))
  local other = assert(
    polyshm.SharedMemory {name = check.name(), create = true, size = 1})
  check.that(one == one)
  check.that(one == two)
  check.that(not rawequal(one, two))
  check.that(one ~= other)
  check.that(one ~= name)
  check.that(one ~= io.stdout)
  check.that(io.stdout ~= one)
  two:close()
  check.that(one == two)
  one:unlink()
  other:unlink()

  -- It is the block that counts, not its name.
  local next_ = assert(
    polyshm.SharedMemory {name = name, create = true, size = 1})
  check.that(one ~= next_)
  check.same(next_:unlink(), true)
end

do -- members
  local block <close> = assert(polyshm.SharedMemory {
    name = check.name(), create = true, size = 1,
  })
  check.same(block:unlink(), true)
  for _, key in ipairs {"nmae", "Name", 1, 0, 1.5, true, "__index", "__disown",
    "name\0", "", block, 0 / 0} do
    check.same(block[key], nil)
  end
  check.error_here("the field 'name' cannot be set", function()
    block.name = "x"
  end)
  check.error_here("the field 'read' cannot be set", function()
    block.read = nil
  end)
  check.error_here("the field '1' cannot be set", function()
    block[1] = 1
  end)
  check.same(getmetatable(block), "SharedMemory")
  check.error("attempt to get length", function() return #block end)
  check.error("bad argument #1 to 'for iterator'", function()
    for _ in pairs(block) do end
  end)
end

check.done()
