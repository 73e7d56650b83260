#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compile the public header alone, in every language and by every compiler.

Usage: check_header.py INCLUDE_FOLDER [COMPILER...]

The compilers given must be there; gcc and clang are tried as well if they are.
"""
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wpadded", "-Werror"]
C = ["-Wstrict-prototypes", "-Wmissing-prototypes", "-Wshadow", "-Wconversion"]


def has_language(compiler, language):
    """gcc knows C++ only if its C++ package is installed."""
    return compiles(compiler, [], "/dev/null", language) is None


def compiles(compiler, options, source, language):
    """None, or what the compiler says against it."""
    command = [compiler, "-x", language, *options, "-fsyntax-only", source]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode == 0:
        return None
    return f"{' '.join(command)}\n{result.stderr}"


def modes(compilers):
    """(compiler, language, options, source) of each way to compile it."""
    for compiler in compilers:
        for standard in "c99", "c11", "c17":
            yield compiler, "c", [f"-std={standard}", *C], "header_c.c"
        if has_language(compiler, "c++"):
            for standard in "c++11", "c++17":
                yield compiler, "c++", [f"-std={standard}"], "header_cxx.cpp"


def check(include, compilers, here=HERE):
    """What is wrong, as a list of texts, and how often it was compiled."""
    problems, count = [], 0
    for compiler, language, options, source in modes(compilers):
        options = [*options, *WARNINGS, f"-I{include}"]
        problem = compiles(compiler, options, os.path.join(here, source), language)
        problems += [problem] if problem else []
        count += 1
    return problems, count


def self_test(include, compilers):
    """A check that cannot fail checks nothing: pad a struct."""
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(include, "polyshm.h"), encoding="utf-8") as file:
            text = file.read()
        bad = text.replace("  uint64_t struct_size;", "  uint8_t struct_size;", 1)
        assert bad != text
        with open(os.path.join(folder, "polyshm.h"), "w", encoding="utf-8") as file:
            file.write(bad)
        for compiler in compilers:
            if not check(folder, [compiler])[0]:
                return [f"{compiler} accepts a padded struct"]
    return []


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    include, given = sys.argv[1], sys.argv[2:]
    found = [c for c in ("gcc", "clang") if shutil.which(c)]
    compilers = [*given, *(c for c in found if c not in given)]
    problems, count = check(include, compilers)
    problems += self_test(include, compilers)
    if problems or count == 0:
        sys.exit("\n".join(problems) or "there is no compiler")
    print(f"compiled {count} times by {', '.join(compilers)}")


if __name__ == "__main__":
    main()
