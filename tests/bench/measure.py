# SPDX-License-Identifier: MIT
"""How all sections measure, and how they say what they found.

A row is one thing that several sides do: polyshm, stock Python, peers. Their
passes are taken in turns, so that all see the same machine; a pass repeats the
operation until it takes a few milliseconds. The first pass of each side warms
it up and is thrown away. What is told is the least and the median of a side's
passes, in the row's unit per operation. A section prints each row as one line
of JSON, see row() below.
"""

import argparse
import json
import statistics
import time

OURS = "polyshm"
STOCK = "stock"


class Effort:
    """How long it may take. `size` picks one of the three sizes of a section."""

    def __init__(self, name, row_seconds, pass_seconds, passes):
        self.name = name
        self.row_seconds = row_seconds
        self.pass_seconds = pass_seconds
        self.passes = passes  # most rows have as many, or up to ten times

    def size(self, full, quick, smoke):
        return {"full": full, "quick": quick, "smoke": smoke}[self.name]


EFFORTS = {
    "full": Effort("full", 1.6, 0.002, 5),
    "quick": Effort("quick", 0.2, 0.001, 3),
    "smoke": Effort("smoke", 0.0, 0.00002, 1),
}


def options(description):
    """What every section is told: effort, peers, and the folder of the build."""
    parser = argparse.ArgumentParser(description=description.partition("\n")[0])
    parser.add_argument("--effort", choices=EFFORTS, default="quick")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--build", default="build/release", help="its folder")
    given = parser.parse_args()
    given.effort = EFFORTS[given.effort]
    return given


# --------------------------------------------------------------------- timing


def loop(statement, **names):
    """A function that runs a statement so many times."""
    names = dict(names)
    exec(
        "def run(count):\n"
        "    for _ in range(count):\n"
        f"        {statement}\n",
        names,
    )
    return names["run"]


def repeat(function):
    """The same for a call, where its own cost does not matter."""

    def run(count):
        for _ in range(count):
            function()

    return run


def seconds(run, count):
    begun = time.perf_counter()
    run(count)
    return time.perf_counter() - begun


def usual(run, count):
    """Seconds, in spite of an interruption."""
    took = seconds(run, count)
    for _ in range(2):
        if took < 0.2:  # what takes longer is not taken twice for so little
            took = min(took, seconds(run, count))
    return took


def enough(run, effort):
    """How many operations make a pass. Warms up, too. An interrupted pass must
    not look long enough: the next ones would be too short to be measured."""
    count = 1
    while True:
        took = usual(run, count)
        if took >= effort.pass_seconds or count >= 1 << 20:
            return count
        more = effort.pass_seconds / max(took, 1e-7)
        count = max(count + 1, int(count * min(more * 1.1, 10)))


def in_turns(runs, effort):
    """Seconds per operation in each pass of each side: {side: [seconds]}."""
    counts = {side: enough(run, effort) for side, run in runs.items()}
    found = {side: [] for side in runs}
    begun = time.perf_counter()
    for done in range(effort.passes * 10):
        took = time.perf_counter() - begun
        if done >= effort.passes and took > effort.row_seconds:
            break
        if done >= 2 and took > 5 * effort.row_seconds:
            break  # what takes seconds is not as noisy
        for side, run in runs.items():
            found[side].append(seconds(run, counts[side]) / counts[side])
    return found


# ------------------------------------------------------------------ reporting

UNITS = {"ns": 1e9, "us": 1e6, "ms": 1e3, "s": 1.0}


def say(line):
    print(json.dumps(line), flush=True)


def missing(peer, why):
    say({"missing": peer, "why": why})


def row(section, name, sides, unit, *, language="Python", better="less",
        by="least", note=""):  # fmt: skip
    """Tell a row. `sides` has the passes of each side, in the row's unit."""
    told = {}
    for side, passes in sides.items():
        best = min(passes) if better == "less" else max(passes)
        told[side] = {"least": best, "median": statistics.median(passes)}
    say(
        {
            "section": section, "name": name, "language": language,
            "unit": unit, "better": better, "by": by, "note": note,
            "sides": told,
        }
    )  # fmt: skip


def tell(section, name, sides, unit, **words):
    """Tell a row whose least and median another program has found."""
    told = {side: [least, median, median] for side, (least, median) in sides.items()}
    row(section, name, told, unit, **words)


def compare(section, name, runs, effort, unit="ns", *, each=1, empty=None, **words):
    """Measure sides in turns, and tell the row. `runs` has a function of a count
    for each side, `each` says how many items an operation is, and `empty` is a
    loop whose cost is not the operation's."""
    runs = {side: run for side, run in runs.items() if run is not None}
    if empty is not None:
        runs["empty"] = empty
    found = in_turns(runs, effort)
    nothing = min(found.pop("empty", [0]))
    scale = UNITS[unit] / each
    row(
        section,
        name,
        {
            side: [max(one - nothing, 1e-11) * scale for one in passes]
            for side, passes in found.items()
        },
        unit,
        **words,
    )
