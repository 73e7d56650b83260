-- SPDX-License-Identifier: MIT
-- The second stage: count the lines of the ranges that the first one hands out.
--
-- Started by pipeline.py. For worker N, PREFIX.segments.N holds the text and
-- PREFIX.ranges.N says what is where; both are only read here. PREFIX.tally.N
-- is written only here: pipeline.py shows it while we work, and its first slot
-- tells the first stage which segments are free again. The tables of keys go
-- into lists of their own when all is done, because only then their size is
-- known.
--
-- A newline on standard input means that there is another range, "end" that
-- there will be none.

local directory = arg[0]:match "^(.*)/[^/]*$" or "."
package.path = directory .. "/?.lua;" .. package.path

local polyshm = require "polyshm"
local accesslog = require "accesslog"

local FAILED = 1 -- and said why
local LEFT = 3 -- the feeder is gone before its end; pipeline.py knows more

-- Bytes to copy out of a segment at once: much less than the second-level
-- cache, much more than the longest line.
local CHUNK = 256 * 1024

-- Slots of the lists, the same as in feed.c and pipeline.py.
local TALLY = {
  done = 1, lines = 2, blank = 3, requests = 4, bytes = 5, petabytes = 6,
  ["1"] = 7, ["2"] = 8, ["3"] = 9, ["4"] = 10, ["5"] = 11,
  malformed = 12, span = 13, peak = 14, shared = 15,
}
local PUBLISHED = 1
local OFFSET, LINE, LENGTH, SPAN, RANGE_SLOTS = 0, 1, 2, 3, 4

local prefix, number = arg[1], arg[2]
local segment, ring = math.tointeger(arg[3]), math.tointeger(arg[4])
local longest = math.tointeger(arg[5])
local limits = {
  max_keys = math.tointeger(arg[6]),
  max_text = math.tointeger(arg[7]),
  max_buckets = math.tointeger(arg[8]),
}
if not limits.max_buckets then
  io.stderr:write(
    "Usage: worker.lua PREFIX NUMBER SEGMENT RING LONGEST MAX_KEYS MAX_TEXT ",
    "MAX_BUCKETS\n",
    "A part of examples/pipeline: start pipeline.py instead.\n"
  )
  os.exit(2)
end

local function name_of(what)
  return prefix .. "." .. what .. "." .. number
end

-- The value, or the end of this program if there is none.
local function need(value, message)
  if value == nil then
    io.stderr:write("worker ", number, ": ", message, "\n")
    os.exit(FAILED)
  end
  return value
end

local segments = need(polyshm.SharedMemory { name = name_of "segments" })
local ranges = need(polyshm.ShareableList(nil, { name = name_of "ranges" }))
local shown = need(polyshm.ShareableList(nil, { name = name_of "tally" }))
local tally = accesslog.tally(limits)

local function show()
  shown[TALLY.lines] = tally.lines
  shown[TALLY.blank] = tally.blank
  shown[TALLY.requests] = tally.requests
  shown[TALLY.bytes] = tally.bytes
  shown[TALLY.petabytes] = tally.petabytes
  shown[TALLY.malformed] = tally.malformed
  for class, count in pairs(tally.classes) do
    shown[TALLY[class]] = count
  end
end

local function count_range(slot, start)
  local length, span = ranges[slot + LENGTH], ranges[slot + SPAN]
  local line, offset = ranges[slot + LINE], ranges[slot + OFFSET]
  if span > length then -- the beginning of a line that was too long
    accesslog.malformed(tally, segments:read(start, length), line, offset)
    tally.lines = tally.lines + 1
    show()
  end
  local at = 0
  while span <= length and at < length do
    local text = segments:read(start + at, math.min(CHUNK, length - at))
    local bytes, lines = accesslog.scan(tally, text, line, offset + at)
    if bytes == 0 then
      need(nil, "a range that does not end with a line")
    end
    at, line = at + bytes, line + lines
    show()
  end
  shown[TALLY.span] = shown[TALLY.span] + span
end

local done = 0
local function count_ranges()
  while done < ranges[PUBLISHED] do
    local index = done % ring
    count_range(PUBLISHED + 1 + index * RANGE_SLOTS, index * segment)
    done = done + 1
    shown[TALLY.done] = done -- from here on the segment may be overwritten
  end
end

local function publish(what, flat)
  need(polyshm.ShareableList(flat, { name = name_of(what) })):close()
end

-- Peak memory and how much of what we hold is shared, in KiB; zeros where there
-- is no /proc.
local function show_memory()
  local file = io.open "/proc/self/status"
  local status = file and file:read "a" or ""
  shown[TALLY.peak] = tonumber(status:match "VmHWM:%s*(%d+)") or 0
  shown[TALLY.shared] = tonumber(status:match "RssShmem:%s*(%d+)") or 0
end

CHUNK = math.max(CHUNK, longest + 1)
for command in io.lines() do
  count_ranges()
  if command == "end" then
    publish("paths", tally.paths:flatten())
    publish("clients", tally.clients:flatten())
    publish("timeline", tally.timeline:flatten())
    local flat = {}
    for _, example in ipairs(tally.examples) do
      table.move(
        { example.line, example.offset, example.text }, 1, 3, #flat + 1, flat
      )
    end
    publish("examples", flat)
    show_memory()
    os.exit(0)
  end
end
os.exit(LEFT)
