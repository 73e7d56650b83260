# SPDX-License-Identifier: MIT
"""From what was measured to a page, a chart and a part of the README.

Usage: report.py RESULTS FOLDER [--readme FILE]

Writes benchmarks.md and benchmarks.svg into the folder. The same results make
the same files.
"""

import argparse
import os
import re
import sys

import chart
import results as measured
import targets
from results import OURS, STOCK, number, order, times

SECTIONS = {
    "access": ("One element", "Reading and writing one element of a list, from Python."),
    "bulk": ("Many at once", "All items, or a megabyte, in one call."),
    "create": ("Making and attaching", ""),
    "lock": ("Locks and counters", "Each side's own way to exclude others, or to count "
             "without."),
    "wake": ("Waking", "From a change here to the answer of another process that slept. "
             "Nothing is pinned to a processor."),
    "manager": ("Managers", "Processes that own blocks."),
    "native": ("Native calls", "C functions on shared blocks. Stock is ctypes with "
               "argtypes."),
    "languages": ("C, Lua and LuaJIT", "Beside the bare atomic addition or futex in the "
                  "same run, a Lua module written by hand with the same calls into the "
                  "core, and LuaJIT's bare calls of the library. The two processes of a "
                  "*there and back* are pinned to the processors that its name says."),
    "pipeline": ("The pipeline", "`examples/pipeline`, the same report by one plain "
                 "Python process (stock) and by a `multiprocessing.Pool` of as many "
                 "processes as there are workers. With the start of all programs."),
    "items": ("Scaling with items", "From ten to ten million ints."),
    "processes": ("Scaling with processes", "Operations of all processes together: more "
                  "is better."),
    "memory": ("Memory", ""),
}  # fmt: skip

CAVEATS = (
    "A ratio says how many times as long the other takes, or how much more of it "
    "there is; below 1, polyshm is slower or larger. polyshm and its rivals took "
    "turns in one process and one run; the first pass warms up and does not count. "
    "Figures are the least of many passes, or, where it says so, their median; *noise* "
    "is how far polyshm's median is from its least.",
    "The peers do not do the same. `memoryview` and SharedArray are plain memory: no "
    "types, no check, no protection from torn values, one type per array. UltraDict "
    "keeps a copy in each process and streams changes to the others. LMDB (each get "
    "and each set a transaction, syncs off, its file in memory) and Redis (over a local "
    "socket) keep keys and bytes, which the reader still has to turn into numbers, and "
    "give transactions and much else. Redis and `multiprocessing.Manager` ask a server "
    "process each time. iceoryx2 passes messages, and its event wakes without a value.",
    "Stock's locks and semaphores live in processes that inherit them, and a holder "
    "that dies keeps them for ever. polyshm's are found by name, and go on.",
    "A waiter of polyshm's looks for some 20 µs before it sleeps, where that has been "
    "of use. With a processor for each side, a message there and back takes 1 to 4 µs "
    "that way; where both share one, it is two sleeps and two wake-ups, 8 to 10 µs. "
    "Nothing is pinned: which of the two a run shows is the system's choice, and a "
    "spell of each comes to what is between.",
    "Creating costs polyshm the reservation of the memory, and a tracked block its "
    "place in the process tree; that is what keeps a full /dev/shm from killing "
    "programs, and blocks from leaking.",
)
README_BEGIN = "<!-- benchmarks:start -->"
README_END = "<!-- benchmarks:end -->"

README_ROWS = (
    ("access", "Python", "[gs]et (int|float|str of 10)", "get, set of an item"),
    ("bulk", "Python", "read all items, an item", "all items, each"),
    ("bulk", "Python", "find the last item, an item", "find, each item"),
    ("create", "Python", "attach to .* items, read one.*", "attach to a long list, "
     "and read an item"),
    ("create", "Python", "create, use, close, unlink a block.*", "make, use and "
     "remove a block of 4 KiB"),
    ("lock", "Python", "lock and unlock, alone", "lock and unlock"),
    ("lock", "Python", "two processes count in one item.*", "two processes count"),
    ("wake", "Python", "a message of .*", "a message there, and one back"),
    ("manager", "Python", "start, and the first .*", "a manager and its first block"),
    ("native", "Python", r"f64\(count.* of a block", "a native call (stock: ctypes)"),
    ("pipeline", "Python", "a log of .*", "web access log, whole pipeline"),
)  # fmt: skip


def table(heads, rows):
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(cells)} |\n".replace("  ", " ") for cells in lines)


def side_cell(row, side):
    if side not in row.sides:
        return ""
    return f"{times(row.ratio(side))} ({number(row.value(side))})"


def name_cell(row):
    notes = [row.note] if row.note else []
    if row.by == "median":
        notes.append("median")
    name = row.name.replace("<", "&lt;")
    return name + (f" ({', '.join(notes)})" if notes else "")


def noise_cell(row):
    noise = row.noise()
    return "" if noise is None else f"{100 * noise:.0f} %"


def head(side):
    return "stock Python" if side == STOCK else side


def python_table(rows):
    """A column for each side."""
    sides = {side for row in rows for side in row.sides} - {OURS}
    sides = sorted(sides, key=order)
    cells = [
        [
            name_cell(row),
            f"{number(row.value(OURS))} {row.unit}",
            noise_cell(row),
            *(side_cell(row, side) for side in sides),
        ]
        for row in rows
    ]
    return table(["", "polyshm", "noise", *map(head, sides)], cells)


def other_table(language, rows):
    """One column for all, since each row has a rival of its own."""
    cells = []
    for row in rows:
        rivals = [
            f"{times(row.ratio(side))} ({head(side)}: {number(row.value(side))})"
            for side in sorted(row.sides, key=order)
            if side != OURS
        ]
        cells.append(
            [
                name_cell(row),
                f"{number(row.value(OURS))} {row.unit}",
                ", ".join(rivals),
            ]
        )
    return table([language, "polyshm", "beside it"], cells)


def section_text(results, section):
    title, words = SECTIONS[section]
    parts = [f"## {title}\n"]
    if words:
        parts.append(words + "\n")
    for language, rows in results.tables(section):
        if language == "Python":
            parts.append(python_table(rows))
        else:
            parts.append(other_table(language, rows))
    return "\n".join(parts)


def machine_text(results):
    words = [f"| {key} | {value} |" for key, value in results.machine.items()]
    return "\n".join(["| | |", "|---|---|", *words]) + "\n"


def missing_text(results):
    return "".join(
        f"- Not measured here: {name} ({why}).\n"
        for name, why in sorted(results.missing.items())
    )


def page(results):
    effort = results.run.get("effort", "full")
    command = "scripts/bench" + ("" if effort == "full" else f" --{effort}")
    parts = [
        "# Benchmarks\n",
        f"Written by `{command}`"
        + (f" in {results.run['seconds']:.0f} s" if "seconds" in results.run else "")
        + ". It judges nothing; run it on your machine.\n",
        "![How many times as long others take](benchmarks.svg)\n",
        "## The machine\n",
        machine_text(results),
        "## How to read this\n",
        "".join(f"- {caveat}\n" for caveat in CAVEATS) + missing_text(results),
    ]
    parts += [
        section_text(results, section)
        for section in SECTIONS
        if results.tables(section)
    ]
    # They are about the sizes of a full run.
    wanted = targets.rows(results) if effort == "full" else []
    if wanted:
        heads = ["polyshm is, or takes", "wanted", "here", "reached", "before"]
        parts += [
            "## What the project wanted of itself\n",
            "Each line is the worst of its rows above. *Before* is what an earlier "
            "version reached on two quiet cores of an AMD EPYC.\n",
            table(heads, [list(row) for row in wanted]),
        ]
    return "\n".join(parts)


# --------------------------------------------------------------------- README


def span(words):
    """The least and the most of some figures."""
    words = list(dict.fromkeys(words))
    return words[0] if len(words) == 1 else f"{words[0]} to {words[-1]}"


def peers_cell(rows):
    """Each peer with its ratio, or the span of its ratios."""
    ratios = {}
    for row in rows:
        for side in row.sides:
            if side not in (OURS, STOCK, "memoryview") and row.ratio(side):
                ratios.setdefault(side, []).append(row.ratio(side))
    return ", ".join(
        f"{side} {span([times(min(found)), times(max(found))])}"
        for side, found in sorted(ratios.items(), key=lambda item: order(item[0]))
    )


def readme_part(results, folder):
    cells = []
    for section, language, pattern, title in README_ROWS:
        rows = results.find(section, language, pattern)
        if not rows:
            continue
        values = sorted(row.value(OURS) for row in rows)
        stock = sorted(row.ratio(STOCK) for row in rows if row.ratio(STOCK))
        stock = span([times(stock[0]), times(stock[-1])]) if stock else "–"
        ours = span([number(values[0]), number(values[-1])])
        cells.append([title, f"{ours} {rows[0].unit}", stock, peers_cell(rows)])
    about = results.machine
    where = "; ".join(
        about[key]
        for key in ("processor", "system", "compiler", "Python", "Lua", "date")
        if about.get(key)
    )
    return "\n".join(
        [
            README_BEGIN,
            "",
            f"`./scripts/bench` measures and writes all of this: {where}. Ratios say how "
            "many times as long others take in the same run, from Python: above 1, "
            "polyshm is faster.",
            "",
            table(["", "polyshm", "stock Python", "peers"], cells),
            f"![How many times as long others take]({folder}/benchmarks.svg)",
            "",
            f"[All figures]({folder}/benchmarks.md), with the noise, C, Lua, memory and "
            "scaling, and what the peers do that polyshm does not, and the reverse. The "
            "machine's other work, its virtualisation and its clock's speed show in "
            "figures; ratios of one run hold better than times.",
            "",
            README_END,
        ]
    )


def update_readme(path, part):
    """Put the part between its two markers; nothing else changes."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if text.count(README_BEGIN) != 1 or text.count(README_END) != 1:
        sys.exit(f"{path}: there must be one {README_BEGIN} and one {README_END}")
    pattern = f"{re.escape(README_BEGIN)}.*?{re.escape(README_END)}"
    changed = re.sub(pattern, lambda _: part, text, flags=re.S)
    if changed != text:
        with open(path, "w", encoding="utf-8") as file:
            file.write(changed)


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("results", help="JSON lines, from run.py")
    parser.add_argument("folder")
    parser.add_argument("--readme", metavar="FILE")
    given = parser.parse_args()
    results = measured.read(given.results)
    if not results.rows:
        sys.exit(f"{given.results}: nothing was measured")
    os.makedirs(given.folder, exist_ok=True)
    write(os.path.join(given.folder, "benchmarks.md"), page(results))
    write(os.path.join(given.folder, "benchmarks.svg"), chart.draw(results))
    if given.readme:
        folder = os.path.relpath(given.folder, os.path.dirname(given.readme) or ".")
        update_readme(given.readme, readme_part(results, folder))


if __name__ == "__main__":
    main()
