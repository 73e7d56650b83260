# SPDX-License-Identifier: MIT
# The grammar of examples/pipeline/README.md once more, for POSIX awk without
# interval expressions. Run it with LC_ALL=C. Zones are taken to be +0000.

BEGIN {
  split("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec", names, " ")
  split("31 28 31 30 31 30 31 31 30 31 30 31", days, " ")
  for (i = 1; i <= 12; i++)
    number[names[i]] = i
}

# The minute as "2025-03-10T13:55Z", or "" if there is no such minute.
function minute(text, day, month, year, last) {
  if (text !~ /^[0-9][0-9]\/[A-Z][a-z][a-z]\/[0-9][0-9][0-9][0-9]:/ ||
      substr(text, 12) !~ /^:[0-9][0-9]:[0-9][0-9]:[0-5][0-9] \+0000$/)
    return ""
  day = substr(text, 1, 2) + 0
  month = number[substr(text, 4, 3)] + 0
  year = substr(text, 8, 4) + 0
  last = days[month]
  if (month == 2 && (year % 4 == 0 && year % 100 != 0 || year % 400 == 0))
    last = 29
  if (month == 0 || year < 1970 || year > 2099 || day < 1 || day > last ||
      substr(text, 13, 2) > 23 || substr(text, 16, 2) > 59)
    return ""
  return sprintf("%04d-%02d-%02dT%sZ", year, month, day, substr(text, 13, 5))
}

{
  sub(/\r$/, "")
  lines++
  if ($0 == "") {
    blank++
    next
  }
  line = $0
  client = line
  sub(/ .*/, "", client)
  if (!match(line, /^[^\001-\040]+ [^\001-\040]+ [^\001-\040]+ \[/)) {
    malformed++
    next
  }
  rest = substr(line, RLENGTH + 1)
  when = minute(substr(rest, 1, 26))
  rest = substr(rest, 27)
  if (when == "" || rest !~ /^\] "/) {
    malformed++
    next
  }
  rest = substr(rest, 4)
  if (!match(rest, /^([^\001-\037"\\]|\\[^\001-\037])*"/)) {
    malformed++
    next
  }
  request = substr(rest, 1, RLENGTH - 1)
  rest = substr(rest, RLENGTH + 1)
  if (rest !~ /^ [1-5][0-9][0-9] (-|[0-9]+)( |$)/) {
    malformed++
    next
  }
  split(rest, fields, " ")
  if (length(fields[2]) > 12) {
    malformed++
    next
  }
  path = request
  if (index(path, " ")) {
    path = substr(path, index(path, " ") + 1)
    sub(/ .*/, "", path)
  }
  sub(/\?.*/, "", path)

  requests++
  bytes += fields[2] # "-" counts as 0
  classes[substr(fields[1], 1, 1)]++
  paths[path]++
  clients[client]++
  minutes[when]++
}

END {
  printf "lines %d\nblank %d\nrequests %d\nmalformed %d\nbytes %.0f\n",
    lines, blank, requests, malformed, bytes
  for (i = 1; i <= 5; i++)
    printf "%dxx %d\n", i, classes[i]
  for (key in paths)
    printf "path %d %s\n", paths[key], key
  for (key in clients)
    printf "client %d %s\n", clients[key], key
  for (key in minutes)
    printf "minute %d %s\n", minutes[key], key
}
