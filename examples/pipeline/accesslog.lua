-- SPDX-License-Identifier: MIT
-- The grammar of README.md, and the loop that reads lines by it.
--
-- Nearly every line fits one pattern, which is matched in place: no line is
-- ever copied out of its chunk, only the five fields that are counted. What
-- does not fit (escaped quotes, requests that are not "METHOD PATH PROTOCOL",
-- garbage) is cut out and read again, slowly and completely, by parse().
--
-- The bracket sets are not only exact but fast: Lua tests a set like [^\0- ]
-- with two comparisons, a class like %g with calls into the C library, and that
-- is a third of the running time.

local Counter = require "counter"
local Timeline = require "timeline"

local byte, find, format = string.byte, string.find, string.format
local gsub, match, sub = string.gsub, string.match, string.sub
local tonumber = tonumber

local accesslog = {}

accesslog.EXAMPLES = 5 -- malformed lines to show
accesslog.EXCERPT = 100 -- bytes of each

-- Sums of bytes are kept in two numbers, because a few million lines that claim
-- the most the grammar allows would overflow one.
local PETABYTE = 1000000000000000

local WORD = "[^\0- ]+"
local HEAD = "^(" .. WORD .. ") " .. WORD .. " " .. WORD
  .. " %[(.................):[0-5][0-9] (.....)%] \""
local TAIL = "\" ([1-5])[0-9][0-9] ([0-9]*%-?)"
-- The frontier lets the path end in one place only. Without it, a long line that
-- fails behind its path is tried with every shorter path: quadratic time.
local COMMON = HEAD
  .. "[^\0- \"\\]+ ([^\0- ?\"\\]+)%f[\0- ?\"\\][^\0-\31\"\\]*"
  .. TAIL .. "[ \n]"
local REST = "^" .. TAIL

local MONTHS = {
  Jan = 1, Feb = 2, Mar = 3, Apr = 4, May = 5, Jun = 6,
  Jul = 7, Aug = 8, Sep = 9, Oct = 10, Nov = 11, Dec = 12,
}
local DAYS = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }

-- Minutes since 1970 in UTC of "10/Mar/2025:13:55" and "+0100"; nil if there is
-- no such minute.
local function minute_of(time, zone)
  local day, name, year, hour, minute = match(
    time,
    "^([0-9][0-9])/(%a%a%a)/([0-9][0-9][0-9][0-9]):([0-9][0-9]):([0-9][0-9])$"
  )
  local sign, zone_hours, zone_minutes =
    match(zone, "^([+-])([01][0-9])([0-5][0-9])$")
  local month = MONTHS[name]
  if not (month and sign) then
    return nil
  end
  day, year = tonumber(day), tonumber(year)
  hour, minute = tonumber(hour), tonumber(minute)
  local leap = year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
  local last = month == 2 and leap and 29 or DAYS[month]
  if year < 1970 or year > 2099 or day < 1 or day > last
    or hour > 23 or minute > 59
  then
    return nil
  end
  -- Counted from 1 March of year 0, so that a leap day ends its year.
  local y = month > 2 and year or year - 1
  local m = (month + 9) % 12
  local days = 365 * y + y // 4 - y // 100 + y // 400
    + (153 * m + 2) // 5 + day - 719469
  local ahead = tonumber(zone_hours) * 60 + tonumber(zone_minutes)
  if sign == "-" then
    ahead = -ahead
  end
  return days * 1440 + hour * 60 + minute - ahead
end

-- A number, or false if `text` is none as the grammar has it.
local function bytes_of(text)
  return #text < 13 and (tonumber(text) or text == "-" and 0)
end

-- Where the quote is that ends the request which begins at `from`; nil if it
-- has no end or a byte that must not be there.
local function closing_quote(line, from)
  while true do
    local at = find(line, "[\"\\\0-\31]", from)
    local what = at and byte(line, at)
    if what == 34 then -- "
      return at
    end
    if what ~= 92 or (byte(line, at + 1) or 0) < 32 then -- \
      return nil
    end
    from = at + 2
  end
end

-- The fields of any line, without its newline: host, minute, path, class of the
-- status, bytes. Nil for a line that is malformed.
local function parse(line)
  local _, open, host, time, zone = find(line, HEAD)
  local close = open and closing_quote(line, open + 1)
  if not close then
    return nil
  end
  local _, last, class, size = find(line, REST, close)
  local bytes = last and bytes_of(size)
  local minute = bytes and minute_of(time, zone)
  if not minute
    or not (find(line, "^ ", last + 1) or find(line, "^\r?$", last + 1))
  then
    return nil
  end
  local request = sub(line, open + 1, close - 1)
  local target = match(request, "^[^ ]* ([^ ]*)") or request
  return host, minute, match(target, "^[^?]*"), class, bytes
end

-- Something to count in. `limits` has max_keys, max_text and max_buckets.
function accesslog.tally(limits)
  return {
    span = 0, -- bytes of input, counted by whoever calls scan()
    lines = 0,
    blank = 0,
    requests = 0,
    bytes = 0, -- less than a petabyte, and
    petabytes = 0,
    malformed = 0,
    classes = { ["1"] = 0, ["2"] = 0, ["3"] = 0, ["4"] = 0, ["5"] = 0 },
    clients = Counter.new(limits.max_keys, limits.max_text),
    paths = Counter.new(limits.max_keys, limits.max_text),
    timeline = Timeline.new(limits.max_buckets),
    examples = {}, -- { { line =, offset =, text = }, ... }, in order
  }
end

local function excerpt(line)
  local text = gsub(sub(line, 1, accesslog.EXCERPT), "[^ -~]", function(c)
    return format("\\x%02x", byte(c))
  end)
  return #line > accesslog.EXCERPT and text .. "..." or text
end

-- Count a line that is not a request. Ranges may come in any order, so the
-- first examples are those with the lowest numbers, not those that came first.
function accesslog.malformed(tally, line, number, offset)
  tally.malformed = tally.malformed + 1
  local examples = tally.examples
  local at = #examples + 1
  while at > 1 and examples[at - 1].line > number do
    at = at - 1
  end
  if at <= accesslog.EXAMPLES then
    table.insert(
      examples, at, { line = number, offset = offset, text = excerpt(line) }
    )
    examples[accesslog.EXAMPLES + 1] = nil
  end
end

-- Count the whole lines of `chunk`, which begins at line `number` and byte
-- `offset` of the input. Returns how many bytes and lines they were; the rest
-- is the beginning of a line.
function accesslog.scan(tally, chunk, number, offset)
  local clients, paths = tally.clients, tally.paths
  local client_counts, path_counts = clients.counts, paths.counts
  local classes, timeline = tally.classes, tally.timeline
  local requests, blank, malformed, bytes = 0, 0, 0, 0
  -- Lines of one minute mostly stand together: count them in a local.
  local last_time, last_zone, this_minute, in_minute
  in_minute = 0
  local ok = 0
  local position = 1

  while true do
    local from, to, host, time, zone, path, class, size =
      find(chunk, COMMON, position)
    -- bytes_of(size), without the call.
    local sent = from and #size < 13 and (tonumber(size) or size == "-" and 0)
    if sent and (time ~= last_time or zone ~= last_zone) then
      local minute = minute_of(time, zone)
      if minute then
        if in_minute > 0 then
          timeline:add(this_minute, in_minute)
        end
        last_time, last_zone, this_minute, in_minute = time, zone, minute, 0
      else
        sent = false
      end
    end

    local newline = find(chunk, "\n", sent and to or position, true)
    if not newline then
      break
    end
    if sent then
      in_minute = in_minute + 1
    else
      local minute
      local line = sub(chunk, position, newline - 1)
      host, minute, path, class, sent = parse(line)
      if host then
        timeline:add(minute, 1)
      elseif line == "" or line == "\r" then
        blank = blank + 1
      else
        accesslog.malformed(
          tally, line, number + requests + blank + malformed,
          offset + position - 1
        )
        malformed = malformed + 1
      end
    end

    if host then
      requests = requests + 1
      bytes = bytes + sent
      if class == "2" then
        ok = ok + 1
      else
        classes[class] = classes[class] + 1
      end
      local count = client_counts[host]
      if count then
        client_counts[host] = count + 1
      else
        clients:add(host)
      end
      count = path_counts[path]
      if count then
        path_counts[path] = count + 1
      else
        paths:add(path)
      end
    end
    position = newline + 1
  end

  if in_minute > 0 then
    timeline:add(this_minute, in_minute)
  end
  classes["2"] = classes["2"] + ok
  tally.requests = tally.requests + requests
  tally.blank = tally.blank + blank
  bytes = tally.bytes + bytes
  tally.petabytes = tally.petabytes + bytes // PETABYTE
  tally.bytes = bytes % PETABYTE
  local lines = requests + blank + malformed
  tally.lines = tally.lines + lines
  return position - 1, lines
end

return accesslog
