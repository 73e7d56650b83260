#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Say whether two JSON reports agree in all but how they were made.

A table that says its counts may be low by N agrees with another if they differ
by no more.

Exit status: 0 if they are equal, 1 if they are not, 2 if they cannot be read.
"""

import json
import sys

SHOWN = 10
TABLES = ("paths", "clients")


def differences(a, b, where):
    """Where two JSON values differ, in one line each."""
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted(a.keys() | b.keys()):
            yield from differences(a.get(key), b.get(key), f"{where}.{key}")
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for i, (left, right) in enumerate(zip(a, b)):
            yield from differences(left, right, f"{where}[{i}]")
    elif a != b:
        yield f"{where.lstrip('.')}: {a!r:.200} and {b!r:.200}"


def low_by(table):
    return table["low_by_at_most"]


def table_differences(a, b, where):
    """Where two tables of the most frequent keys contradict each other."""
    margin = low_by(a) + low_by(b)
    if margin == 0:
        yield from differences(a, b, where)
        return
    for table, other in ((a, b), (b, a)):
        counts = dict(other["top"])
        # What is not among the other's first has at most as much as its last.
        last = min(counts.values(), default=0)
        for key, count in table["top"]:
            if count > counts.get(key, last) + margin:
                told = counts.get(key, f"at most {last}")
                yield f"{where}[{key!r}]: {count} and {told}"


def report_differences(a, b):
    for key in TABLES:
        yield from table_differences(a.pop(key), b.pop(key), key)
    yield from differences(a, b, "")


def load(name):
    with open(name, encoding="utf-8") as file:
        report = json.load(file)
    if not isinstance(report, dict) or not report.keys() >= {"run", *TABLES}:
        raise ValueError("not a report")
    del report["run"]
    return report


def main():
    if len(sys.argv) != 3 or sys.argv[1].startswith("-"):
        print("Usage: compare.py REPORT.json REPORT.json", file=sys.stderr)
        return 2
    reports = []
    for name in sys.argv[1:]:
        try:
            reports.append(load(name))
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            print(f"compare.py: {name}: {reason}", file=sys.stderr)
            return 2
    margins = [sum(low_by(r[key]) for r in reports) for key in TABLES]
    found = list(report_differences(*reports))
    for line in found[:SHOWN]:
        print(line)
    if len(found) > SHOWN:
        print(f"... and {len(found) - SHOWN} more")
    if not found:
        within = "".join(
            f", {key} within {margin:,}"
            for key, margin in zip(TABLES, margins)
            if margin
        )
        print(f"equal: {reports[0]['requests']:,} requests{within}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
