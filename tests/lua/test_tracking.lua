-- SPDX-License-Identifier: MIT
-- How long blocks live: the process tree, its helper, and what nobody has; and
-- blocks seen from outside.

package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local check = require "check"
local polyshm = require "polyshm"

local interpreter = arg[-1]

local function exists(name)
  local file <close> = io.open("/dev/shm/" .. name)
  return file ~= nil
end

-- Wait until it holds: for things that tell nobody.
local function eventually(condition)
  local deadline = os.time() + 60
  repeat
    if condition() then return true end
    os.execute "sleep 0.01"
  until os.time() > deadline
  return false
end

local function gone(name)
  return eventually(function() return not exists(name) end)
end

-- Now, and for good: nobody who sweeps takes it for an orphan.
local function there(name)
  polyshm.gc()
  return exists(name)
end

local function quote(word)
  return "'" .. tostring(word):gsub("'", "'\\''") .. "'"
end

-- A shell command that runs a script, which has polyshm, and its name as
-- `name`.
local function command(script, name)
  script = 'local polyshm, name = require "polyshm", arg[1]\n' .. script
  return ("%s - %s <<'END OF %s'\n%s\nEND OF %s\n"):format(
    quote(interpreter), quote(name), name, script, name)
end

-- The same as the root of a process tree of its own. `environment` comes before
-- the command, as in a shell.
local function root(script, name, environment)
  return ("env -u POLYSHM_TREE %s %s"):format(
    environment or "", command(script, name))
end

local make_one = [[
assert(polyshm.SharedMemory {name = name, create = true, size = 1}):close()
]]

-- The process that watches over this one's tree.
local helpers = [[
local function find_helper(token)
  local wanted = "polyshm-helper\0" .. token .. "\0"
  local folders = io.popen "echo /proc/[0-9]*"
  for folder in folders:read "a":gmatch "%S+" do
    local file <close> = io.open(folder .. "/cmdline")
    if file and file:read "a" == wanted then
      return math.tointeger(folder:match "%d+")
    end
  end
end

-- A program's words are not there at once when it starts.
local function helper_of(token)
  local helper
  repeat helper = find_helper(token) until helper
  return helper
end
]]
local find_helper, helper_of = load(
  helpers .. "return find_helper, helper_of")()

-- ----------------------------------------------------------------- environment

local token = os.getenv "POLYSHM_TREE"
check.same(io.popen "echo $POLYSHM_TREE":read(), token)
do
  local name = check.name()
  local output = io.popen(root('print(os.getenv "POLYSHM_TREE")', name))
  local other = output:read()
  check.that(other:find "^%d+:%d+:%x+$")
  check.that(other ~= token)
end

-- -------------------------------------------------------------- end of a tree

do -- by the end of its program, by os.exit, by a signal
  for _, last in ipairs {
    "", "os.exit(0)", "os.exit(0, true)",
    'os.execute "kill -s TERM $PPID"', 'os.execute "kill -s KILL $PPID"',
  } do
    local name = check.name()
    os.execute("exec 2>/dev/null; " .. root([[
      block = assert(polyshm.SharedMemory {
        name = name, create = true, size = 1})
      list = assert(polyshm.ShareableList({1}, {name = name .. "-list"}))
      local late <close> =
        assert(polyshm.ShareableList(nil, {name = list.name}))
    ]] .. last, name))
    check.that(gone(name))
    check.that(gone(name .. "-list"))
  end
end

do -- what is untracked stays, and needs no helper
  local name = check.name()
  local output = io.popen(root([[
    assert(polyshm.SharedMemory {
      name = name, create = true, size = 1, track = false})
    assert(polyshm.ShareableList({1}, {name = name .. "-list", track = false}))
    assert(polyshm.SharedMemory {name = name, track = false})
    assert(polyshm.ShareableList(nil, {name = name .. "-list", track = false}))
    print(os.getenv "POLYSHM_TREE")
  ]], name))
  check.same(find_helper(output:read()), nil)
  output:close()
  check.that(there(name))
  check.that(there(name .. "-list"))
  check.same(polyshm.inspect(name).tracked, false)
  check.same(polyshm.unlink(name), true)
  check.same(polyshm.unlink(name .. "-list"), true)
end

do -- unrelated children do not keep it
  local name = check.name()
  local output = io.popen(root(make_one .. [[
    os.execute "sleep 300 >/dev/null 2>&1 & echo $!"
  ]], name))
  local sleeper = output:read "n"
  output:close()
  check.that(gone(name))
  check.same(os.execute("kill " .. sleeper), true)
end

-- ------------------------------------------------------------------ hand-over

do -- a child makes a block, closes it and exits; its parent attaches
  for _, run in ipairs {
    "os.execute(child)", "io.popen(child):close()",
    "os.execute(('(%s) & wait'):format(child))",
  } do
    local name = check.name()
    local output = io.popen(root(([[
      local child = %q
      assert(%s)
      polyshm.gc()
      print(polyshm.SharedMemory(name))
      io.read()
    ]]):format(command(make_one, name), run):gsub(
      "io.read%(%)", 'os.execute "exit 3"'), name))
    check.that(output:read():find(name, 1, true))
    output:close()
    check.that(gone(name))
  end
end

do -- ours
  local name = check.name()
  check.same(os.execute(command(make_one, name)), true)
  check.that(there(name))
  check.that(helper_of(token))
  local info = polyshm.inspect(name)
  check.same(info.held, false)
  check.same(info.kept, true)
  check.same(polyshm.unlink(name), true)
end

do -- a tree of its own takes its blocks along, while we live
  local name = check.name()
  check.same(os.execute(root(make_one, name)), true)
  check.that(gone(name))
end

-- -------------------------------------------------------------------- holders

do -- who has it open keeps it
  local name = check.name()
  local output = io.popen(root([[
    local list = assert(polyshm.ShareableList({"x"}, {name = name}))
    local seen = list:version(1)
    print "made"
    list:wait(1, 60, seen)
  ]], name))
  check.same(output:read(), "made")
  local list = assert(polyshm.ShareableList(nil, {name = name}))
  check.same(#polyshm.holders(name), 2)
  list[1] = "y"
  output:close()
  check.that(there(name))
  check.same(#polyshm.holders(name), 1)
  check.same(polyshm.inspect(name).held, true)
  list:close()
  check.that(gone(name))
end

do -- the collector closes as well
  local name = check.name()
  local output = io.popen(root([[
    local list = assert(polyshm.ShareableList({"x"}, {name = name}))
    local seen = list:version(1)
    print "made"
    list:wait(1, 60, seen)
  ]], name))
  output:read()
  local list = assert(polyshm.ShareableList(nil, {name = name}))
  list[1] = "y"
  output:close()
  check.that(there(name))
  list = nil
  collectgarbage()
  collectgarbage()
  check.that(gone(name))
end

do -- who cannot attach removes nothing
  local name = check.name()
  local block <close> = assert(polyshm.SharedMemory {
    name = name, create = true, size = 1 << 30, sparse = true})
  if not (os.getenv "LD_PRELOAD" or ""):find "san%.so" then
    local output = io.popen("ulimit -v 500000; " .. root([[
      local _, _, code = polyshm.SharedMemory(name)
      print(code == polyshm.E_MEMORY)
    ]], name))
    check.same(output:read(), "true")
    output:close()
  end
  check.that(there(name))
  check.same(block:unlink(), true)
end

-- --------------------------------------------------------------------- helper

do -- killed: the next block starts another, which watches over both
  local name = check.name()
  local output = io.popen(root(make_one .. helpers .. [[
    local token = os.getenv "POLYSHM_TREE"
    local killed = helper_of(token)
    os.execute("kill -s KILL " .. killed)
    while find_helper(token) == killed do end
    polyshm.gc()
    assert(polyshm.SharedMemory(name))
    assert(polyshm.SharedMemory {
      name = name .. "-second", create = true, size = 1})
    local another = helper_of(token)
    print(another ~= nil and another ~= killed)
  ]], name))
  check.same(output:read(), "true")
  output:close()
  check.that(gone(name))
  check.that(gone(name .. "-second"))
end

do -- killed with everything else: the next program sweeps
  local name = check.name()
  os.execute("exec 2>/dev/null; " .. root(make_one .. helpers .. [[
    local token = os.getenv "POLYSHM_TREE"
    os.execute("kill -s KILL " .. helper_of(token) .. " $PPID")
  ]], name))
  -- A signal was sent to the helper; nobody tells when it has died of it.
  check.that(eventually(function()
    os.execute(root("polyshm.gc()", name))
    return not exists(name)
  end))
end

do -- none
  local name = check.name()
  check.that(eventually(function()
    local output = io.popen(root(make_one .. [[
      print(polyshm.inspect(name).kept)
    ]], name, "POLYSHM_HELPER=/nonexistent"))
    check.same(output:read(), "true")
    output:close()
    local info, count = polyshm.inspect(name), polyshm.gc {dry_run = true}
    -- Or else another program has swept, or was just looking.
    return info and info.orphan and count >= 1 and exists(name)
  end))
  check.same(math.type(polyshm.gc()), "integer")
  check.that(gone(name))
end

do -- a command substitution around a script that starts one returns
  local name = check.name()
  local script = root(([[
    local shell <const> = %q
    local output = io.popen(shell)
    print(output:read())
    polyshm.gc()
    print(polyshm.SharedMemory(name) ~= nil)
  ]]):format('out=$(' .. command(make_one .. "print 'made'", name) ..
    '); echo "[$out]"'), name .. "-outer")
  local output = io.popen((script:gsub("SharedMemory%(name%)",
    ("SharedMemory %q"):format(name))))
  check.same(output:read(), "[made]")
  check.same(output:read(), "true")
  output:close()
  check.that(gone(name))
end

-- -------------------------------------------------------------- from outside

do
  local name = check.name()
  local block = assert(polyshm.SharedMemory {
    name = name, create = true, size = 5000, mode = 416})
  local info = polyshm.inspect(name)
  check.same(info.name, name)
  check.same(info.kind, "block")
  check.same(info.size, 5000)
  check.same(info.length, nil)
  check.same(info.mode, 416 & ~tonumber(io.popen "umask":read(), 8))
  check.same(info.uid, tonumber(io.popen "id -u":read()))
  check.same(info.tracked, true)
  check.same(info.held, true)
  check.same(info.kept, true)
  check.same(info.orphan, false)
  check.that(info.created == nil or math.abs(info.created - os.time()) < 60)
  check.same(polyshm.inspect("//" .. name).name, name)
  check.same(block:close(), true)
  check.same(polyshm.inspect(name).held, false)

  local list = assert(polyshm.ShareableList({1, 2, 3}, {
    name = name .. "-list", track = false, sparse = true, foreign = true}))
  info = polyshm.inspect(list.name)
  check.same(info.kind, "list")
  check.same(info.length, 3)
  check.same(info.size, list.shm.size)
  check.same(info.tracked, false)
  check.same(info.kept, false)

  local names, last = {}, ""
  for each in polyshm.blocks() do
    check.that(each.name > last)
    last = each.name
    names[each.name] = each.kind
  end
  check.same(names[name], "block")
  check.same(names[list.name], "list")

  -- A walk that was begun sees nothing new, and leaves out what has gone.
  local step, state, control, ending = polyshm.blocks()
  check.same(polyshm.unlink(name), true)
  for each in step, state, control, ending do
    check.that(each.name ~= name)
  end
  check.same(step(state, control), nil)
  for _ = 1, 100 do
    for _ in polyshm.blocks() do break end -- luacheck: ignore 512
  end

  local own = polyshm.holders(list.name)
  check.items(own, io.open "/proc/self/stat":read "n")
  check.same(#own, 1)
  check.same(list:unlink(), true)

  check.refused(polyshm.E_NOT_FOUND, polyshm.inspect(name))
  check.refused(polyshm.E_NOT_FOUND, polyshm.holders(name))
  for _, look in ipairs {polyshm.inspect, polyshm.holders} do
    check.error("string expected, got no value", look)
    check.error("string expected, got nil", look, nil)
    check.error("empty", look, "")
    check.error("slash", look, "a/b")
    check.error("zero byte", look, "a\0b")
  end
  check.error_here("bad argument #1 to 'gc' (table expected, got boolean)",
    function() polyshm.gc(true) end)
  check.error_here("unknown option 'dry'", function() polyshm.gc {dry = 1} end)
  check.error_here("option 'dry_run' must be a boolean",
    function() polyshm.gc {dry_run = 1} end)
end

check.done()
