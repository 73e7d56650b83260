#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The report of pipeline.py by one ordinary Python process, without polyshm.

This is what the pipeline is measured against, and checked against: it shares no
line of parsing with it. Lines are read with a limit and counted as they come,
so only the tables of distinct paths and clients take memory; those are not
bounded.
"""

import argparse
import collections
import datetime
import functools
import re
import sys
import time

import report

# README.md says in words what this says in symbols.
LINE = re.compile(
    rb"([^\0- ]+) [^\0- ]+ [^\0- ]+ "
    rb"\[(\d\d/[A-Z][a-z][a-z]/\d{4}:\d\d:\d\d):[0-5]\d ([+-][01]\d[0-5]\d)\] "
    rb'"([^\0-\x1f"\\]*(?:\\[^\0-\x1f][^\0-\x1f"\\]*)*)" '
    rb"([1-5])\d\d (\d{1,12}|-)(?: |\r?\n?\Z)"
)

MONTHS = {
    name: number
    for number, name in enumerate(
        b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1
    )
}
EPOCH = datetime.datetime(1970, 1, 1)
NEWLINE = ord("\n")


def minute_number(text, zone):
    """Minutes since 1970 in UTC, or None if no calendar has that minute."""
    day, month, year = text[:11].split(b"/")
    if month not in MONTHS or not 1970 <= int(year) <= 2099:
        return None
    try:
        local = datetime.datetime(
            int(year), MONTHS[month], int(day), int(text[12:14]),
            int(text[15:17]),
        )
    except ValueError:
        return None
    ahead = datetime.timedelta(hours=int(zone[1:3]), minutes=int(zone[3:5]))
    utc = local + ahead if zone[:1] == b"-" else local - ahead
    return (utc - EPOCH) // datetime.timedelta(minutes=1)


def excerpt(line):
    line = line[:-1] if line.endswith(b"\n") else line
    text = "".join(
        chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}"
        for byte in line[: report.EXCERPT]
    )
    return text + "..." if len(line) > report.EXCERPT else text


def skip_line(file, longest):
    """Read the rest of a line that is too long; return its length."""
    skipped = 0
    while True:
        part = file.readline(longest)
        skipped += len(part)
        if not part or part.endswith(b"\n"):
            return skipped


def clip(counts):
    """Tell long keys apart by their beginning only. Cheaper now than then."""
    clipped = collections.defaultdict(int)
    for key, number in counts.items():
        clipped[key[: report.KEY_MAX]] += number
    return report.Counts(clipped)


def count(file, longest):
    """Count the file's lines; return what report.build() wants, and its size.

    The loop does as little as it can for each line, because that is where the
    time goes.
    """
    match = LINE.match
    clients = collections.defaultdict(int)
    paths = collections.defaultdict(int)
    classes = collections.defaultdict(int)
    moments = {}  # (minute, zone) as written -> requests
    minutes = {}  # the same -> minute number
    lines = blank = malformed = offset = sent = 0
    examples = []

    # One byte more than a line may have, so that its newline fits.
    read_line = functools.partial(file.readline, longest + 1)
    for lines, line in enumerate(iter(read_line, b""), 1):
        length = len(line)
        found = match(line)
        if length > longest and line[-1] != NEWLINE:
            length += skip_line(file, longest)
            found = None
        if found:
            client, when, zone, request, status, size = found.groups()
            moment = when, zone
            if moment in moments:
                moments[moment] += 1
            else:
                minute = minute_number(when, zone)
                if minute is None:
                    found = None
                else:
                    minutes[moment] = minute
                    moments[moment] = 1
        if found:
            words = request.split(b" ", 2)
            path = words[1] if len(words) > 1 else request
            if b"?" in path:
                path = path[: path.index(b"?")]
            paths[path] += 1
            clients[client] += 1
            classes[status] += 1
            if size != b"-":
                sent += int(size)
        elif line in (b"\n", b"\r\n", b"\r"):
            blank += 1
        else:
            malformed += 1
            if len(examples) < report.EXAMPLES:
                examples.append((lines, offset, excerpt(line)))
        offset += length

    per_minute = collections.defaultdict(int)
    for moment, requests in moments.items():
        per_minute[minutes[moment]] += requests
    totals = {
        "lines": lines,
        "blank": blank,
        "requests": sum(classes.values()),
        "malformed": malformed,
        "bytes": sent,
    }
    return {
        "totals": totals,
        "classes": [classes[b"%d" % n] for n in range(1, 6)],
        "paths": clip(paths),
        "clients": clip(clients),
        "line": report.timeline(per_minute, 1),
        "examples": examples,
    }, offset


def main():
    parser = argparse.ArgumentParser(
        description="Report on a web access log, without polyshm."
    )
    report.add_options(parser)
    options = parser.parse_args()

    begin = time.monotonic()
    try:
        with report.open_log(options.log) as file:
            counted, size = count(file, options.max_line)
    except OSError as error:
        sys.exit(f"plain.py: {report.explain(error, options.log)}")
    result = report.build(**counted, top=options.top)
    result["run"] = {
        "program": "plain.py",
        "source": options.log,
        "seconds": time.monotonic() - begin,
        "input_bytes": size,
        "memory": [report.own_memory("plain.py")],
    }
    return report.deliver(result, options, "plain.py")


if __name__ == "__main__":
    report.run(main, "plain.py")
