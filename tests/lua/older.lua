-- SPDX-License-Identifier: MIT
-- Run a test with a Lua before 5.4: older.lua TEST
--
-- What 5.4 added to the language is taken out of all that is loaded: variables
-- are neither constant nor closed. Tests ask check.closes where that matters.

local function load_older(path)
  local file = assert(io.open(path))
  local text = file:read "a"
  file:close()
  return assert(load(text:gsub(" <%l+> =", " ="), "@" .. path))
end

table.insert(package.searchers, 2, function(name)
  local path = package.searchpath(name, package.path)
  if path then return load_older(path), path end
end)

arg[0] = table.remove(arg, 1) -- luacheck: ignore 122
load_older(arg[0])(table.unpack(arg))
