-- SPDX-License-Identifier: MIT
-- Count keys in bounded memory, and know how wrong the counts can be.
--
-- Up to `max_keys` keys of together `max_text` bytes are counted exactly. When
-- a new key would exceed that, the least counted keys are dropped until half of
-- either is free. A dropped key may come back and start again from nothing, so
-- from then on every count may be low by the largest count dropped: `bound` is
-- the sum of those over all prunings, 0 as long as nothing was dropped.
--
-- The scanner increments `counts[key]` itself where the key is known, which is
-- nearly always, and calls add() only for the others.

local sub = string.sub

local Counter = {}
Counter.__index = Counter

-- Longer keys are counted by their first so many bytes.
Counter.KEY_MAX = 512

function Counter.new(max_keys, max_text)
  return setmetatable({
    counts = {},
    bound = 0,
    keys = 0,
    text = 0,
    max_keys = max_keys,
    max_text = max_text,
  }, Counter)
end

function Counter:add(key)
  if #key > Counter.KEY_MAX then
    key = sub(key, 1, Counter.KEY_MAX)
  end
  local count = self.counts[key]
  if count then
    self.counts[key] = count + 1
    return
  end
  if self.keys >= self.max_keys or self.text + #key > self.max_text then
    self:prune()
  end
  self.counts[key] = 1
  self.keys = self.keys + 1
  self.text = self.text + #key
end

-- The largest count that has to go so that half of the room is free.
local function threshold(self)
  local keys, text, levels = {}, {}, {}
  for key, count in pairs(self.counts) do
    if not keys[count] then
      keys[count], text[count] = 0, 0
      levels[#levels + 1] = count
    end
    keys[count] = keys[count] + 1
    text[count] = text[count] + #key
  end
  table.sort(levels)
  local keys_left, text_left = self.keys, self.text
  for _, level in ipairs(levels) do
    keys_left = keys_left - keys[level]
    text_left = text_left - text[level]
    if keys_left <= self.max_keys // 2 and text_left <= self.max_text // 2 then
      return level
    end
  end
end

function Counter:prune()
  local limit = threshold(self)
  local counts = self.counts
  for key, count in pairs(counts) do
    if count <= limit then
      counts[key] = nil
      self.keys = self.keys - 1
      self.text = self.text - #key
    end
  end
  self.bound = self.bound + limit
end

-- { bound, key, count, key, count, ... }
function Counter:flatten()
  local flat = { self.bound }
  local n = 1
  for key, count in pairs(self.counts) do
    flat[n + 1], flat[n + 2] = key, count
    n = n + 2
  end
  return flat
end

return Counter
