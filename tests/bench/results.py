# SPDX-License-Identifier: MIT
"""What sections have told, for those who show it."""

import json
import re

OURS = "polyshm"
STOCK = "stock"
# In the order in which tables and the chart have them.
PEERS = (
    "Manager", "Pool", "Pipe", "SimpleQueue", "memoryview", "flock",
    "posix_ipc", "SharedArray", "UltraDict", "LMDB", "iceoryx2", "Redis",
)  # fmt: skip


class Row:
    def __init__(self, told):
        self.section = told["section"]
        self.name = told["name"]
        self.language = told["language"]
        self.unit = told["unit"].replace("us", "µs")
        self.better = told["better"]
        self.by = told["by"]
        self.note = told["note"]
        self.sides = told["sides"]

    def value(self, side):
        """In the row's unit, or None if that side was not measured."""
        return self.sides[side][self.by] if side in self.sides else None

    def ratio(self, side):
        """How many times as fast, or as small, polyshm is as that side."""
        ours, theirs = self.value(OURS), self.value(side)
        if not ours or not theirs or ours < 0 or theirs < 0:
            return None
        return theirs / ours if self.better == "less" else ours / theirs

    def noise(self):
        """How far polyshm's usual pass is from its best: a part of that."""
        best, usual = self.sides[OURS]["least"], self.sides[OURS]["median"]
        if not best or best == usual:
            return None
        return abs(usual - best) / best


class Results:
    """Of one run."""

    def __init__(self, lines):
        self.rows = []
        self.missing = {}
        self.machine = {}
        self.run = {}
        for line in lines:
            told = json.loads(line)
            if "section" in told:
                self.rows.append(Row(told))
            elif "missing" in told:
                self.missing.setdefault(told["missing"], told["why"])
            elif "machine" in told:
                self.machine = told["machine"]
            elif "run" in told:
                self.run = told["run"]

    def find(self, section, language, pattern):
        """Rows whose whole name the pattern matches."""
        return [
            row
            for row in self.rows
            if (row.section, row.language) == (section, language)
            and re.fullmatch(pattern, row.name)
        ]

    def tables(self, section):
        """[(language, rows)] in the order in which they were told."""
        found = {}
        for row in self.rows:
            if row.section == section:
                found.setdefault(row.language, []).append(row)
        return list(found.items())


def read(path):
    with open(path, encoding="utf-8") as file:
        return Results(line for line in file if line.strip())


# -------------------------------------------------------------------- numbers


def number(value):
    """Three digits that matter."""
    if value is None:
        return "–"
    if value == 0:
        return "0"
    if value >= 100:
        digits = len(str(int(value)))
        return f"{round(value, 3 - digits):,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def times(ratio):
    if ratio is None:
        return "–"
    if ratio >= 9.95:
        return f"{number(round(ratio))}×" if ratio >= 100 else f"{ratio:.0f}×"
    return f"{ratio:.1f}×" if ratio >= 0.95 else f"{ratio:.2f}×"


def order(side):
    """The place of a side among others."""
    if side in (OURS, STOCK):
        return -2 if side == OURS else -1
    return PEERS.index(side) if side in PEERS else len(PEERS)
