-- SPDX-License-Identifier: MIT
-- Runs all tests of this folder, each in a process of its own, with whatever
-- polyshm this Lua finds: `luarocks test` calls it. Before Lua 5.4 they are
-- those of tests/luajit, which are written for all versions.

local folder = arg[0]:match "^.*/" or "./"
if _VERSION < "Lua 5.4" then folder = folder .. "../luajit/" end
local first = -1
while arg[first - 1] do first = first - 1 end

local function quote(word)
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

local tests = {}
for name in io.popen("ls " .. quote(folder)):lines() do
  local is_ours = rawget(_G, "jit") or name ~= "test_luajit.lua"
  if is_ours and name:find "^test_.*%.lua$" then tests[#tests + 1] = name end
end
if #tests == 0 then error("there are no tests in " .. folder) end

local failed = 0
for _, name in ipairs(tests) do
  io.write(name, ": ")
  io.flush()
  local ended = os.execute(quote(arg[first]) .. " " .. quote(folder .. name))
  if ended ~= true and ended ~= 0 then failed = failed + 1 end
end
print(("%d passed, %d failed"):format(#tests - failed, failed))
os.exit(failed == 0)
