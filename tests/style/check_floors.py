#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Check the house rules that a machine can check.

Usage: check_floors.py ROOT

The core's folders are floors, and includes lead downwards only (core/README.md).
Every source file says under which license it is, and is plain text as editors
should leave it.
"""
import os
import re
import sys

# What a floor may include, beside itself and the public header.
FLOORS = {
    "base": [],
    "os": ["base"],
    "hold": ["os", "base"],
    "shm": ["hold", "os", "base"],
    "call": ["shm", "os", "base"],
    "manage": ["shm", "hold", "os", "base"],
}
# From high to low, as the includes of a file are ordered.
ORDER = ["manage", "call", "shm", "hold", "os", "base"]

# C11's headers. <errno.h> is one, though most of its names are the system's.
STANDARD = set(
    """assert complex ctype errno fenv float inttypes iso646 limits locale math
    setjmp signal stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib
    stdnoreturn string tgmath threads time uchar wchar wctype""".split()
)
# Where only the public header is known.
PUBLIC_ONLY = ["tools", "bindings", "examples", "swig", "tests/process",
               "tests/cli", "tests/cross", "tests/install"]  # fmt: skip

SOURCES = {".c", ".h", ".cpp", ".i", ".py", ".pyi", ".lua", ".sh", ".cmake", ".in"}
C_LIKE = {".c", ".h", ".cpp"}
SKIPPED = {".git", "build", "__pycache__", ".cache"}
# What marks a folder as made by a tool, wherever it is.
MADE = {"CMakeCache.txt", "pyvenv.cfg"}
WIDTH = 80

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+(["<])([^">]+)[">]', re.M)


def includes_of(text):
    """(is_quoted, path) of each include."""
    return [(mark == '"', path) for mark, path in INCLUDE.findall(text)]


# ---------------------------------------------------------------------- floors


def own_header(path, exists):
    """The header that a .c file of the core includes first."""
    floor, rest = path.split("/", 1)
    header = path[:-2] + ".h"
    if exists(header):
        return header
    # The contract of the floor, if its files fulfil one; else the public one.
    contract = f"{floor}/{floor}.h"
    return contract if "/" in rest and exists(contract) else "polyshm.h"


def check_core(path, text, exists):
    """`path` is relative to core/, and so is what `exists` is asked about."""
    floor = path.split("/", 1)[0]
    includes = includes_of(text)
    if floor == "include":
        for quoted, name in includes:
            if quoted or name != "stdint.h":
                yield f"the public header includes {name}"
        return
    if floor not in FLOORS:
        return

    rank = -1
    for i, (quoted, name) in enumerate(includes):
        target = name.split("/", 1)[0]
        if name == "polyshm.h":
            if not quoted:
                yield "the public header is included in quotes here"
        elif quoted:
            if target != floor and target not in FLOORS[floor]:
                yield f"{floor} includes {name}, which is not below it"
            elif not exists(name):
                yield f"{name} is not a path from core/"
            if rank == len(ORDER):
                yield f"{name} stands behind a standard header"
            elif i > 0 and target in ORDER and ORDER.index(target) < rank:
                yield f"{name} stands behind a header from below it"
            rank = max(rank, ORDER.index(target) if target in ORDER else -1)
        else:
            is_standard = name.endswith(".h") and name[:-2] in STANDARD
            if name == "ffi.h" and floor == "call":
                is_standard = True
            if not is_standard and floor != "os":
                yield f"{name} is a system header, and this is not os/"
            rank = len(ORDER)
    if re.search(r"^\s*#\s*if.*\b(_WIN32|__linux__|__APPLE__)\b", text, re.M):
        if floor != "os":
            yield "what differs between systems belongs into os/"
    if path.endswith(".c"):
        expected = own_header(path, exists)
        if not includes or includes[0] != (True, expected):
            yield f"its first include is not {expected}"


def check_public_only(text, neighbours):
    """Outside the core: our headers are polyshm.h, and those beside a file."""
    for _, name in includes_of(text):
        if name.split("/", 1)[0] in FLOORS and name not in neighbours:
            yield f"it includes {name}, which is private"


# ------------------------------------------------------------------------ text


def check_text(path, data):
    """What any source file must be like. `data` are its bytes."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        yield "it is not UTF-8"
        return
    lines = text.split("\n")
    if "SPDX-License-Identifier: MIT" not in "\n".join(lines[:3]):
        if not path.endswith(".in"):  # they become files of others
            yield "it does not name its license on top"
    if "\r" in text:
        yield "its lines end in CR"
    if not text.endswith("\n") or text.endswith("\n\n"):
        yield "it does not end in one newline"
    for number, line in enumerate(lines, 1):
        if "\t" in line:
            yield f"line {number} has a tab"
        if line.endswith(" "):
            yield f"line {number} ends in blanks"
        if os.path.splitext(path)[1] in C_LIKE and len(line) > WIDTH:
            yield f"line {number} has {len(line)} columns"


def is_source(path, data):
    extension = os.path.splitext(path)[1]
    name = os.path.basename(path)
    return (
        extension in SOURCES
        or name == "CMakeLists.txt"
        or (extension == "" and data.startswith(b"#!"))
    )


# ------------------------------------------------------------------------- all


def walk(root):
    for folder, folders, files in os.walk(root):
        if MADE & {*files}:
            folders.clear()
            continue
        folders[:] = sorted(f for f in folders if f not in SKIPPED)
        for name in sorted(files):
            yield os.path.relpath(os.path.join(folder, name), root)


def check_tree(root):
    """(number of source files, what is wrong with them)."""
    paths = list(walk(root))
    core = {p[len("core/") :] for p in paths if p.startswith("core/")}
    count, problems = 0, []
    for path in paths:
        with open(os.path.join(root, path), "rb") as file:
            data = file.read()
        if not is_source(path, data):
            continue
        count += 1
        found = list(check_text(path, data))
        text = data.decode(errors="replace")
        if path.startswith("core/") and path.endswith((".c", ".h")):
            found += check_core(path[len("core/") :], text, core.__contains__)
        if path.startswith(tuple(f"{folder}/" for folder in PUBLIC_ONLY)):
            found += check_public_only(text, paths)
        problems += [f"{path}: {problem}" for problem in found]
    return count, problems


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    count, problems = check_tree(sys.argv[1])
    if problems:
        sys.exit("\n".join(problems))
    if count == 0:
        sys.exit(f"there are no sources in {sys.argv[1]}")
    print(f"{count} files keep the house rules")


if __name__ == "__main__":
    main()
