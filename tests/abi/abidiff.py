#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Hold the library against those of earlier releases with libabigail's abidiff.

Usage: abidiff.py LIBRARY RELEASES COMPILER

RELEASES has <version>.abi files, which abidw wrote of each release. A change that
an old program could notice is a failure; an addition is none. Before, two small
libraries show that abidiff finds what it should.
"""
import glob
import os
import shutil
import subprocess
import sys
import tempfile

SKIP = 77
INCOMPATIBLE = 8 | 1 | 2  # the bits of its exit status; 4 is any change at all

OLD = "struct s {int a;}; int f(struct s *s) {return s->a;} int g(void) {return 1;}"
NEWER = OLD + " int h(void) {return 2;}"
BROKEN = "struct s {long b; int a;}; int f(struct s *s) {return s->a;}"


def abidiff(old, new):
    command = ["abidiff", "--no-show-locs", old, new]
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    return result.returncode, result.stdout


def compile_library(compiler, folder, name, source):
    path = os.path.join(folder, f"lib{name}.so")
    subprocess.run(
        [compiler, "-g", "-shared", "-fPIC", "-Wl,-soname,libs.so", "-x", "c", "-",
         "-o", path],
        input=source, text=True, check=True,
    )  # fmt: skip
    return path


def check_itself(compiler):
    with tempfile.TemporaryDirectory() as folder:
        old, newer, broken = (
            compile_library(compiler, folder, name, source)
            for name, source in (("old", OLD), ("newer", NEWER), ("broken", BROKEN))
        )
        if abidiff(old, newer)[0] & INCOMPATIBLE:
            yield "abidiff takes a new function for a break"
        if not abidiff(old, broken)[0] & INCOMPATIBLE:
            yield "abidiff does not see that a function is gone"


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    library, releases, compiler = sys.argv[1:]
    if shutil.which("abidiff") is None:
        print("skipped: there is no abidiff (Debian's abigail-tools)")
        sys.exit(SKIP)
    problems = list(check_itself(compiler))
    kept = sorted(glob.glob(os.path.join(releases, "*.abi")))
    for release in kept:
        status, words = abidiff(release, os.path.realpath(library))
        if status & INCOMPATIBLE:
            problems.append(f"{os.path.basename(release)}:\n{words}")
    if problems:
        sys.exit("\n".join(problems))
    if not kept:
        print("skipped: there is no release yet to compare with")
        sys.exit(SKIP)
    print(f"compatible with {len(kept)} releases")


if __name__ == "__main__":
    main()
