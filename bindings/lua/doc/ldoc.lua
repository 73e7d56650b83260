-- SPDX-License-Identifier: MIT
-- Writes a meta file as a module with LDoc's comments: ldoc.lua META OUTPUT.
-- There is one text for editors and for the reference in HTML.

package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path
local luacats = require "luacats"

local meta = luacats.read(arg[1])
local output = assert(io.open(arg[2], "w"))
local module = meta.classes[1]

local function write(format, ...)
  output:write(format:format(...), "\n")
end

-- LDoc's references are @{name}. Names that it can find become links.
local function link(text)
  return (text:gsub("`([%w_.:]+)`", function(name)
    local class, member = name:match "^(%w+)[.:](%w+)$"
    if class == module.name:match "%w+$" and module.functions[member] then
      return ("@{%s}"):format(member)
    end
    local known = meta.classes["polyshm." .. (class or "")]
    if known and (known.functions[member] or known.fields[member]) then
      return ("@{%s}"):format(name)
    end
    return nil
  end))
end

local function write_text(lines, first)
  for i, line in ipairs(lines) do
    write("%s %s", i == 1 and first or "--", link(line))
  end
end

-- A type as LDoc spells it: in one word, with ? in front if it may be nil.
local function type_name(kind)
  local inner = kind:match "^%((.*)%)(%??)$"
  if (inner or kind):find "^fun%(" then kind = "function?" end
  local words, optional = {}, kind:find "%?$" ~= nil
  for word in kind:gsub("%?$", ""):gmatch "[^|]+" do
    word = word:gsub("^polyshm%.", ""):gsub("^(.*)%[%]$", "{%1,...}")
    if word == "nil" then
      optional = true
    else
      words[#words + 1] = word
    end
  end
  local bar = #words > 1 and "?|" or "?"
  return (optional and bar or "") .. table.concat(words, "|")
end

local function write_function(made)
  if #made.text == 0 then
    error(("%s.%s has no words"):format(made.class.name, made.name), 0)
  end
  write_text(made.text, "---")
  for _, param in ipairs(made.params) do
    write("-- @tparam%s %s %s %s", param.optional and "[opt]" or "",
      type_name(param.type), param.name, link(param.text))
  end
  for _, value in ipairs(made.returns) do
    local text = value.text ~= "" and value.text or value.name or ""
    write("-- @treturn %s %s", type_name(value.type), link(text))
  end
  write("-- @function %s%s\n", made.method
    and made.class.name:gsub("^polyshm%.", "") .. ":" or "", made.name)
end

local function write_field(field)
  if field.key then return end -- the class's text tells of elements
  if field.text == "" then error(field.name .. " has no words", 0) end
  write("--- %s", link(field.text))
  write("-- @field %s %s\n", field.name,
    "(" .. field.type .. (field.optional and ", or nil)" or ")"))
end

-- A table of options or of answers.
local function write_table(class)
  write_text(class.text, "---")
  for _, field in ipairs(class.fields) do
    write("-- @tfield%s %s %s %s", field.optional and "[opt]" or "",
      type_name(field.type), field.name, link(field.text))
  end
  write("-- @table %s\n", class.name:gsub("^polyshm%.", ""))
end

write "-- Made from the meta file: do not edit.\n"
write_text(module.text, "---")
write("-- @module %s\n", module.name)
for _, made in ipairs(module.functions) do write_function(made) end
for _, field in ipairs(module.fields) do write_field(field) end
for i, class in ipairs(meta.classes) do
  if i > 1 and not class.parent then write_table(class) end
end
for _, alias in ipairs(meta.aliases) do
  write_text(alias.text, "---")
  write("-- (`%s`)", alias.type:gsub("|", " | "))
  write("-- @table %s\n", alias.name:gsub("^polyshm%.", ""))
end
for i, class in ipairs(meta.classes) do
  if i > 1 and class.parent then
    write_text(class.text, "---")
    write("-- @type %s\n", class.name:gsub("^polyshm%.", ""))
    for _, field in ipairs(class.fields) do write_field(field) end
    for _, made in ipairs(class.functions) do write_function(made) end
  end
end
output:close()
