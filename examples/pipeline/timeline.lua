-- SPDX-License-Identifier: MIT
-- Count requests per minute in bounded memory.
--
-- Dropping rare minutes would punch holes into the picture, so when there are
-- more than `max_buckets` of them the buckets grow instead, to hours, then to
-- days: coarser, but always exact. The years of the grammar have fewer than
-- 50,000 days.
--
-- Whoever merges several timelines gets the same buckets however the lines were
-- spread: if one part needed coarser ones, so does the whole.

local Timeline = {}
Timeline.__index = Timeline

local COARSER = { [1] = 60, [60] = 1440 }

function Timeline.new(max_buckets)
  return setmetatable({
    width = 1, -- minutes in a bucket
    counts = {}, -- bucket number since 1970 -> requests
    buckets = 0,
    max_buckets = max_buckets,
  }, Timeline)
end

function Timeline:coarsen()
  local wider = COARSER[self.width]
  local factor = wider // self.width
  local counts, buckets = {}, 0
  for bucket, count in pairs(self.counts) do
    bucket = bucket // factor
    if not counts[bucket] then
      buckets = buckets + 1
    end
    counts[bucket] = (counts[bucket] or 0) + count
  end
  self.width, self.counts, self.buckets = wider, counts, buckets
end

function Timeline:add(minute, count)
  local bucket = minute // self.width
  local before = self.counts[bucket]
  if before then
    self.counts[bucket] = before + count
    return
  end
  self.counts[bucket] = count
  self.buckets = self.buckets + 1
  while self.buckets > self.max_buckets and COARSER[self.width] do
    self:coarsen()
  end
end

-- { width, bucket, count, bucket, count, ... }
function Timeline:flatten()
  local flat = { self.width }
  local n = 1
  for bucket, count in pairs(self.counts) do
    flat[n + 1], flat[n + 2] = bucket, count
    n = n + 2
  end
  return flat
end

return Timeline
