-- SPDX-License-Identifier: MIT
-- Reads a meta file: Lua with the annotations of LuaCATS, as far as ours need
-- them. What it does not know is an error.
--
-- The result has classes, aliases and functions, in the file's order and by
-- their names. A class has text, fields, operators and functions; a field and a
-- parameter have name, type, optional and text; a function has text, class (or
-- the module's), method, params and returns.

local luacats = {}

-- A type, which may have blanks inside brackets and behind commas and colons,
-- and the rest of the line.
local function split_type(text)
  local depth, at = 0, 1
  while at <= #text do
    local c = text:sub(at, at)
    if c:find "[%(<{%[]" then
      depth = depth + 1
    elseif c:find "[%)>}%]]" then
      depth = depth - 1
    elseif c == " " and depth == 0 and not text:sub(1, at):find "[:,|] $" then
      break
    end
    at = at + 1
  end
  return text:sub(1, at - 1), (text:sub(at):gsub("^%s+", ""))
end

-- "name? type text", or "[type] type text"
local function read_variable(rest)
  local key, after = rest:match "^(%b[])%s+(.*)$"
  local name, optional
  if not key then
    name, optional, after = rest:match "^([%w_.]+)(%??)%s+(.*)$"
    if not name then error("no variable: " .. rest) end
  end
  local kind, text = split_type(after)
  return {
    name = name, key = key, optional = optional == "?", type = kind,
    text = text,
  }
end

-- "type name text"; a "..." may stand for the name.
local function read_return(rest)
  local kind, after = split_type(rest)
  local name, text = after:match "^(%S+)%s*(.*)$"
  return {type = kind, name = name, text = text or ""}
end

local Reader = {}
Reader.__index = Reader

function Reader:add(list, thing)
  list[#list + 1] = thing
  list[thing.name] = thing
end

function Reader:new_block()
  self.block = {text = {}, params = {}, returns = {}}
end

local tags = {}

function tags.meta() end
function tags.nodiscard() end

function tags.class(reader, rest)
  local name, parent = rest:match "^([%w_.]+):?%s*([%w_.]*)$"
  local class = {
    name = name, parent = parent ~= "" and parent or nil,
    text = reader.block.text, fields = {}, operators = {}, functions = {},
  }
  reader:add(reader.classes, class)
  reader.class = class
  reader:new_block()
end

function tags.field(reader, rest)
  local field = read_variable(rest)
  field.name = field.name or field.key
  reader:add(reader.class.fields, field)
end

function tags.operator(reader, rest)
  reader.class.operators[rest:match "^%w+"] = rest
end

function tags.alias(reader, rest)
  local name, after = rest:match "^([%w_.]+)%s*(.*)$"
  reader.alias = {name = name, type = after, text = reader.block.text}
  reader:add(reader.aliases, reader.alias)
  reader:new_block()
end

function tags.param(reader, rest)
  local params = reader.block.params
  if rest:find "^%.%.%." then
    local kind, text = split_type(rest:match "^%.%.%.%s+(.*)$")
    params[#params + 1] = {name = "...", type = kind, text = text}
  else
    params[#params + 1] = read_variable(rest)
  end
end

tags["return"] = function(reader, rest)
  local returns = reader.block.returns
  returns[#returns + 1] = read_return(rest)
end

function Reader:read_function(owner, separator, name, params)
  local class = self.variables[owner]
  if not class then error("no class is called " .. owner) end
  local names = {}
  for param in params:gmatch "[%w_.]+" do names[#names + 1] = param end
  local of = self.block.params
  for i = 1, math.max(#names, #of) do
    if names[i] ~= (of[i] and of[i].name) then
      error(("%s.%s: parameter %d is %s, and documented as %s"):format(
        class.name, name, i, tostring(names[i]),
        tostring(of[i] and of[i].name)))
    end
  end
  local made = self.block
  made.name, made.class, made.method = name, class, separator == ":"
  self:add(class.functions, made)
  self:new_block()
end

function Reader:read_line(line)
  local tag, rest = line:match "^%-%-%-@(%w+)%s*(.*)$"
  if tag then
    if not tags[tag] then error("unknown tag: " .. line) end
    return tags[tag](self, rest)
  end
  local choice = line:match "^%-%-%-|%s*(.*)$"
  if choice then
    local before = self.alias.type
    self.alias.type = before == "" and choice or before .. "|" .. choice
    return
  end
  local text = line:match "^%-%-%-([^-].*)$" or line:match "^%-%-%-$" and ""
  if text then
    local lines = self.block.text
    lines[#lines + 1] = text
    return
  end
  local owner, separator, name, params = line:match
    "^function ([%w_]+)([.:])([%w_]+)%((.-)%) end$"
  if owner then return self:read_function(owner, separator, name, params) end
  local variable = line:match "^local ([%w_]+) = {}$"
  if variable then self.variables[variable] = self.class end
  self:new_block()
end

function luacats.read(path)
  local reader = setmetatable({
    classes = {}, aliases = {}, variables = {},
  }, Reader)
  reader:new_block()
  local number = 0
  for line in io.lines(path) do
    number = number + 1
    local ok, problem = pcall(reader.read_line, reader, line)
    if not ok then error(("%s:%d: %s"):format(path, number, problem), 0) end
  end
  return reader
end

return luacats
