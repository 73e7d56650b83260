#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Say whether two JSON reports agree in all but how they were made.

Exit status: 0 if they are equal, 1 if they are not, 2 if they cannot be read.
"""

import json
import sys

SHOWN = 10


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


def load(name):
    with open(name, encoding="utf-8") as file:
        report = json.load(file)
    if not isinstance(report, dict) or "requests" not in report:
        raise ValueError("not a report")
    report.pop("run", None)
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
    found = list(differences(*reports, ""))
    for line in found[:SHOWN]:
        print(line)
    if len(found) > SHOWN:
        print(f"... and {len(found) - SHOWN} more")
    if not found:
        print(f"equal: {reports[0]['requests']:,} requests")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
