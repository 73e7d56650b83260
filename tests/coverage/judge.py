#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What tests reach of the core, by function, and what they do not.

Usage: judge.py GCOVR.json UNREACHED.md SOURCE LINES BRANCHES [SUMMARY.md]

GCOVR.json is what gcovr --json wrote of the core of SOURCE. At least LINES
percent of its lines and BRANCHES percent of its branches must be reached, and
UNREACHED.md must say why for each function with more than one line that is not,
or with more than three branches. It must name no function that is all reached, unless
it says "at times": what needs another thread at the right moment.
"""
import collections
import json
import os
import re
import sys

# So much of a function needs no word: a lost race is a line, or two branches.
SPARE_LINES, SPARE_BRANCHES = 1, 3

# A function begins at the margin.
HEAD = re.compile(r"(?!typedef|#)[A-Za-z_].*?(\w+)\(")

HEADING = re.compile(r"## (core/\S+)")
ENTRY = re.compile(r"- `(\w+)`(, at times)?: \S")

# Of one function: how many lines and branches there are, and the numbers of the
# lines that are not reached, or not in all their branches.
Function = collections.namedtuple(
    "Function", "file name lines branches missed half"
)


def functions_of(report, source):
    """All functions of a report of gcovr's, in order. gcovr knows no functions
    of headers: they are looked up in `source`."""
    for entry in sorted(report["files"], key=lambda entry: entry["file"]):
        with open(os.path.join(source, entry["file"])) as file:
            heads = [HEAD.match(line) for line in file]
        names, name = [], None
        for head in heads:
            name = head[1] if head else name
            names.append(name)
        found = {}
        for line in entry["lines"]:
            if line.get("gcovr/noncode") or line.get("gcovr/excluded"):
                continue
            number = line["line_number"]
            name = names[number - 1]
            if name not in found:
                found[name] = Function(entry["file"], name, [], [], [], [])
            function = found[name]
            function.lines.append(number)
            if line["count"] == 0:
                function.missed.append(number)
            for branch in line["branches"]:
                function.branches.append(number)
                if branch["count"] == 0:
                    function.half.append(number)
        yield from found.values()


def read_list(text):
    """{(file, function): whether it is reached at times} of UNREACHED.md."""
    listed, file = {}, None
    for line in text.splitlines():
        heading, entry = HEADING.match(line), ENTRY.match(line)
        if heading:
            file = heading[1]
        elif entry and file:
            listed[file, entry[1]] = entry[2] is not None
        elif line.startswith("- "):
            raise ValueError(f"neither a function nor its reason: {line}")
    return listed


def branches_alone(function):
    """Branches not taken on lines that are reached."""
    return [line for line in function.half if line not in function.missed]


def compare(functions, listed):
    """What is wrong with the list."""
    there = {(f.file, f.name): f for f in functions}
    for key, at_times in sorted(listed.items()):
        if key not in there:
            yield f"{key[0]}: {key[1]} is listed, but there is none"
        elif not (there[key].missed or there[key].half or at_times):
            yield f"{key[0]}: {key[1]} is listed, but all of it is reached"
    for key, function in there.items():
        count = len(branches_alone(function))
        is_small = len(function.missed) <= SPARE_LINES and count <= SPARE_BRANCHES
        if key in listed or is_small:
            continue
        what = [f"{len(function.missed)} lines"] if function.missed else []
        what += [f"{count} branches"] if count else []
        yield f"{key[0]}: {key[1]} is not listed: {' and '.join(what)}"


def not_measured(functions, source):
    """Files of the core that the report does not know."""
    known = {function.file for function in functions}
    for folder, _, names in os.walk(os.path.join(source, "core")):
        for name in names:
            path = os.path.relpath(os.path.join(folder, name), source)
            if name.endswith(".c") and path not in known:
                yield f"{path}: was not built"


# ------------------------------------------------------------------- numbers


def share(reached, total):
    return 100.0 * reached / total if total else 100.0


def totals(functions):
    """Reached and all lines, reached and all branches."""
    lines = sum(len(f.lines) for f in functions)
    branches = sum(len(f.branches) for f in functions)
    return (
        lines - sum(len(f.missed) for f in functions), lines,
        branches - sum(len(f.half) for f in functions), branches,
    )  # fmt: skip


def spans(numbers):
    """"3-5, 9" of [3, 4, 5, 9, 9]."""
    found = []
    for number in sorted(set(numbers)):
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return ", ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in found)


def row(title, functions):
    lines, all_lines, branches, all_branches = totals(functions)
    return (
        f"| {title} | {lines} / {all_lines} | {share(lines, all_lines):.1f} "
        f"| {branches} / {all_branches} | {share(branches, all_branches):.1f} |"
    )


def summary(functions):
    """Markdown: figures by file, then what is not reached."""
    files = {}
    for function in functions:
        files.setdefault(function.file, []).append(function)
    yield "| file | lines | % | branches | % |"
    yield "|---|--:|--:|--:|--:|"
    yield from (row(file, files[file]) for file in sorted(files))
    yield row("**core**", functions)
    yield ""
    for function in functions:
        missed, half = function.missed, branches_alone(function)
        words = [f"lines {spans(missed)}"] if missed else []
        words += [f"branches of {spans(half)}"] if half else []
        if words:
            yield f"- {function.file}: `{function.name}`: {'; '.join(words)}"


def main(arguments):
    if len(arguments) not in (5, 6):
        sys.exit(__doc__.strip())
    report, reasons, source = arguments[:3]
    floors = [float(floor) for floor in arguments[3:5]]
    with open(report) as file:
        functions = list(functions_of(json.load(file), source))
    with open(reasons) as file:
        listed = read_list(file.read())

    words = list(summary(functions))
    print("\n".join(words))
    if len(arguments) == 6:
        with open(arguments[5], "w") as file:
            print("# Coverage of the core\n", *words, sep="\n", file=file)

    problems = list(compare(functions, listed))
    problems += not_measured(functions, source)
    lines, all_lines, branches, all_branches = totals(functions)
    for what, reached, floor in (
        ("lines", share(lines, all_lines), floors[0]),
        ("branches", share(branches, all_branches), floors[1]),
    ):
        print(f"\n{what}: {reached:.2f} %, at least {floor:g} % are asked for")
        if reached < floor:
            problems.append(f"too few {what} are reached")
    if problems:
        sys.exit("\n" + "\n".join(problems))


if __name__ == "__main__":
    main(sys.argv[1:])
