#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Hold the library against those of earlier releases with libabigail's abidiff.

Usage: abidiff.py LIBRARY SOURCE COMPILER

core/abi/releases has what core/abi/dump.py wrote of each release. Any change is
a failure but two: a new symbol, and growth that core/abi/growth.suppr allows.
Before, small libraries show that each kind of break is found, and no growth is.
"""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

SKIP = 77

# The public header of a small library, and its code.
HEADER = """
typedef struct polyshm_value {int a; int b;} polyshm_value;
typedef struct polyshm_t_info {long struct_size; int a, b;} polyshm_t_info;
typedef struct polyshm_t polyshm_t;
int t_get(polyshm_t *t, polyshm_value *value);
int t_look(polyshm_t *t, polyshm_t_info *info);
"""
CODE = """
#include "t.h"
struct polyshm_t {int inside;};
int t_get(polyshm_t *t, polyshm_value *value) {return t->inside + value->a;}
int t_look(polyshm_t *t, polyshm_t_info *info) {return t->inside + info->a;}
"""
MORE = "int t_more(void) {return 2;}"
GOOD = [
    ("a new function", HEADER, CODE + MORE),
    ("what is private", HEADER, CODE.replace("{int inside", "{long x; int inside")),
    ("a struct that grows", HEADER.replace("a, b;", "a, b, c, d;"), CODE),
]
BAD = [
    ("a function that is gone", HEADER, re.sub("int t_get.*", "", CODE)),
    ("a struct of another size", HEADER.replace("int b;}", "int b, c;}"), CODE),
    ("members in another order", HEADER.replace("int a; int b", "int b; int a"), CODE),
    ("growth inside", HEADER.replace("int a, b;", "long c; int a, b;"), CODE),
    ("another parameter", *(t.replace("(polyshm_t *t", "(long n, polyshm_t *t")
                            for t in (HEADER, CODE))),
    ("another result", *(t.replace("int t_look", "long t_look")
                         for t in (HEADER, CODE))),
]  # fmt: skip


class Abi:
    def __init__(self, source, work):
        self.folder = os.path.join(source, "core", "abi")
        self.work = work

    def dump(self, headers, library):
        output = os.path.join(self.work, "today.abi")
        dump = os.path.join(self.folder, "dump.py")
        subprocess.run(
            [sys.executable, dump, headers, library, output], check=True
        )
        return output

    def differences(self, old, new):
        """What abidiff says if there is more than growth, or nothing."""
        growth = os.path.join(self.folder, "growth.suppr")
        result = subprocess.run(
            ["abidiff", "--no-added-syms", "--suppressions", growth, old, new],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        return result.stdout if result.returncode else ""

    def compiled(self, compiler, header, code):
        """The dump of a small library."""
        with open(os.path.join(self.work, "t.h"), "w", encoding="utf-8") as file:
            file.write(header)
        library = os.path.join(self.work, "libt.so")
        subprocess.run(
            [compiler, "-g", "-shared", "-fPIC", f"-I{self.work}", "-x", "c", "-",
             "-o", library],
            input=code, text=True, check=True,
        )  # fmt: skip
        return self.dump(self.work, library)

    def check_itself(self, compiler):
        old = os.path.join(self.work, "old.abi")
        os.rename(self.compiled(compiler, HEADER, CODE), old)
        for kinds, expected in (GOOD, False), (BAD, True):
            for what, header, code in kinds:
                new = self.compiled(compiler, header, code)
                if bool(self.differences(old, new)) != expected:
                    word = "does not find" if expected else "takes for a break"
                    yield f"abidiff {word}: {what}"


def kind(path):
    """The architecture and SONAME of a dump: others are other libraries."""
    with open(path, encoding="utf-8") as file:
        return re.findall(r"(?:architecture|soname)='(.*?)'", file.readline())


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__.strip())
    library, source, compiler = sys.argv[1:]
    if shutil.which("abidiff") is None:
        print("skipped: there is no abidiff (Debian's abigail-tools)")
        sys.exit(SKIP)
    releases = os.path.join(source, "core", "abi", "releases", "*", "libpolyshm.abi")
    with tempfile.TemporaryDirectory() as work:
        abi = Abi(source, work)
        problems = list(abi.check_itself(compiler))
        today = abi.dump(os.path.join(source, "core", "include"), library)
        kept = [
            release for release in sorted(glob.glob(releases))
            if kind(release) == kind(today)
        ]  # fmt: skip
        for release in kept:
            words = abi.differences(release, today)
            if words:
                name = os.path.basename(os.path.dirname(release))
                problems.append(f"a break since {name}:\n{words}")
    if problems:
        sys.exit("\n".join(problems))
    if not kept:
        print("skipped: there is no release like it to compare with")
        sys.exit(SKIP)
    print(f"compatible with {len(kept)} releases")


if __name__ == "__main__":
    main()
