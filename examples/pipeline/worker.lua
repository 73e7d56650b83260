-- SPDX-License-Identifier: MIT
-- The second stage: count the lines of the ranges that the first one hands out.
--
-- Started by pipeline.py, several times. A worker takes one range after the
-- other from PREFIX.ring and counts a few of them together. What it has found
-- it hands in as a list, which appears under its name complete or not at all:
-- that is the step which makes these ranges count. A worker may be killed at
-- any time; what it had taken and not handed in is given to others.

local directory = arg[0]:match "^(.*)/[^/]*$" or "."
package.path = directory .. "/?.lua;" .. package.path

local polyshm = require "polyshm"
local accesslog = require "accesslog"

local FAILED = 1 -- and said why
local LEFT = 3 -- pipeline.py is gone

-- Bytes to copy out of a segment at once: much less than the second-level
-- cache, much more than the longest line.
local CHUNK = 256 * 1024

-- So many different keys are handed in at once, however short the batch: more
-- would take more memory, and save little.
local MANY = 50000

-- Slots of the ring, the same as in feed.c and pipeline.py, which count from 0.
local WORK, NEWS, ENDED, FIRST = 1, 3, 4, 8
local STATE, OFFSET, LINE, LENGTH, SPAN, SLOTS = 0, 1, 2, 3, 4, 5
local READY = -1 -- to be taken by a worker, whose number then stands there

local prefix = arg[1]
local number, segments, size, longest, batch, max_keys, max_text, max_buckets =
  table.unpack(table.move(arg, 2, 9, 1, {}))
if not max_buckets then
  io.stderr:write(
    "Usage: worker.lua PREFIX NUMBER SEGMENTS SIZE LONGEST BATCH MAX_KEYS ",
    "MAX_TEXT MAX_BUCKETS\n",
    "A part of examples/pipeline: start pipeline.py instead.\n"
  )
  os.exit(2)
end
number, segments = math.tointeger(number), math.tointeger(segments)
size, batch = math.tointeger(size), math.tointeger(batch)
CHUNK = math.max(CHUNK, math.tointeger(longest) + 1)
local limits = {
  max_keys = math.tointeger(max_keys),
  max_text = math.tointeger(max_text),
  max_buckets = math.tointeger(max_buckets),
}

-- The value, or the end of this program if there is none.
local function need(value, message)
  if value == nil then
    io.stderr:write("worker ", number, ": ", message, "\n")
    os.exit(FAILED)
  end
  return value
end

-- A number of /proc/self/status, 0 where there is no /proc.
local function status_of(key)
  local file = io.open "/proc/self/status"
  local status = file and file:read "a" or ""
  if file then
    file:close()
  end
  return tonumber(status:match(key .. ":%s*(%d+)")) or 0
end

local text = need(polyshm.SharedMemory { name = prefix .. ".text" })
local ring = need(polyshm.ShareableList(nil, {
  name = prefix .. ".ring",
  timeout = polyshm.FOREVER, -- a stage may be stopped with Ctrl-Z
}))
local parent = status_of "PPid"

-- Where the slots of a segment begin; segments count from 0.
local function slots_of(segment)
  return FIRST + segment * SLOTS
end

-- A range for this worker alone, or nil if none is ready. The swap is one step:
-- of those who try, one gets it, and its number stands there from then on, so
-- that there is no moment at which a range could be lost with us.
local next_segment = 0
local function take()
  for _ = 1, segments do
    local segment = next_segment
    next_segment = (segment + 1) % segments
    local state = slots_of(segment) + STATE
    if ring[state] == READY and need(ring:swap(state, READY, number)) then
      return segment
    end
  end
end

local function count(tally, segment)
  local slots, start = slots_of(segment), segment * size
  local length, span = ring[slots + LENGTH], ring[slots + SPAN]
  local line, offset = ring[slots + LINE], ring[slots + OFFSET]
  tally.span = tally.span + span
  if span > length then -- the beginning of a line that was too long
    accesslog.malformed(tally, text:read(start, length), line, offset)
    tally.lines = tally.lines + 1
    return
  end
  local at = 0
  while at < length do
    local chunk = text:read(start + at, math.min(CHUNK, length - at))
    local bytes, lines = accesslog.scan(tally, chunk, line, offset + at)
    if bytes == 0 then
      need(nil, "a range that does not end with a line")
    end
    at, line = at + bytes, line + lines
  end
end

local function flat_examples(tally)
  local flat = {}
  for _, example in ipairs(tally.examples) do
    table.move(
      { example.line, example.offset, example.text }, 1, 3, #flat + 1, flat
    )
  end
  return flat
end

-- How many lists were handed in. Their names end with 1, 2, 3, ...
local handed_in = 0
local function hand_in(tally, taken)
  local found = {}
  local function append(section)
    found[#found + 1] = #section
    table.move(section, 1, #section, #found + 1, found)
  end
  local classes = tally.classes
  append(taken)
  append { status_of "VmHWM", status_of "RssShmem" }
  append {
    tally.span, tally.lines, tally.blank, tally.requests, tally.malformed,
    tally.bytes, tally.petabytes,
    classes["1"], classes["2"], classes["3"], classes["4"], classes["5"],
  }
  append(flat_examples(tally))
  append(tally.timeline:flatten())
  append(tally.paths:flatten())
  append(tally.clients:flatten())

  handed_in = handed_in + 1
  local name = ("%s.found.%d.%d"):format(prefix, number, handed_in)
  -- From here on these ranges are counted, whatever becomes of us.
  need(polyshm.ShareableList(found, { name = name })):close()
  need(ring:add(NEWS))
end

local function is_full(tally, taken)
  return #taken == batch or tally.paths.keys + tally.clients.keys >= MANY
end

-- Count what is ready, but no more than a batch. Returns how many ranges.
local function count_batch()
  local tally, taken = accesslog.tally(limits), {}
  while not is_full(tally, taken) do
    local segment = take()
    if not segment then
      break
    end
    count(tally, segment)
    taken[#taken + 1] = segment
  end
  if #taken > 0 then
    hand_in(tally, taken)
  end
  return #taken
end

while true do
  -- Taken before the look, so that nothing between it and the wait is missed.
  local seen = need(ring:version(WORK))
  local ended = ring[ENDED] == 1
  if count_batch() == 0 then
    if ended then
      os.exit(0)
    end
    -- Now and then, see whether anybody is left to wake us.
    ring:wait(WORK, 1, seen)
    if status_of "PPid" ~= parent then
      os.exit(LEFT)
    end
  end
end
