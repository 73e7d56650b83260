# SPDX-License-Identifier: MIT
"""The report of examples/pipeline by stock Python's multiprocessing.Pool.

Usage: pool_report.py LOG PROCESSES JSON

Each process counts ranges of the log with plain.py's code, and what it found is
pickled and added up here: what one would write without polyshm. Of the JSON
report it leaves out the examples of malformed lines.
"""

import collections
import io
import json
import multiprocessing
import os
import sys

sys.path.insert(
    0,
    os.path.join(os.path.dirname(os.path.abspath(__file__)),
                 "../../examples/pipeline"),
)  # fmt: skip

import plain
import report

RANGE = 4 << 20  # bytes


def ranges(path):
    """Offsets and lengths, cut at line ends."""
    with open(path, "rb") as file:
        size = file.seek(0, 2)
        begin = 0
        while begin < size:
            file.seek(min(begin + RANGE, size))
            file.readline()
            end = file.tell()
            yield path, begin, end - begin
            begin = end


def count(piece):
    path, begin, length = piece
    with open(path, "rb") as file:
        file.seek(begin)
        found, _ = plain.count(io.BytesIO(file.read(length)), report.LONGEST)
    return found


def add_up(found):
    totals, classes = collections.Counter(), collections.Counter()
    paths, clients = collections.Counter(), collections.Counter()
    buckets = collections.Counter()
    for part in found:
        totals.update(part["totals"])
        classes.update(dict(enumerate(part["classes"])))
        paths.update(part["paths"].counts)
        clients.update(part["clients"].counts)
        buckets.update(dict(part["line"]["buckets"]))
    return report.build(
        totals=dict(totals),
        classes=[classes[i] for i in range(5)],
        paths=report.Counts(paths),
        clients=report.Counts(clients),
        line={"minutes_per_bucket": 1, "buckets": sorted(buckets.items())},
        examples=[],
        top=10,
    )


def main(log, processes, output):
    with multiprocessing.Pool(int(processes)) as pool:
        result = add_up(pool.imap_unordered(count, ranges(log)))
    with open(output, "w", encoding="utf-8") as file:
        json.dump(result, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
