#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Write down the binary interface of a library that has debug information.

Usage: dump.py HEADERS LIBRARY OUTPUT

libabigail's abidw reads it. What is not declared in the folder HEADERS is
opaque, and where declarations stand is left out: so two builds of one interface
give the same file, wherever they were made.
"""

import os
import re
import subprocess
import sys

COMMAND = [
    "abidw", "--no-corpus-path", "--no-comp-dir-path", "--no-elf-needed",
    "--short-locs", "--drop-private-types", "--drop-undefined-syms",
    "--type-id-style", "hash",
]  # fmt: skip
# abidw tells private types by them, so it cannot leave them out by itself.
PLACES = re.compile(r" (?:filepath|line|column)='[^']*'")


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__.strip())
    headers, library, output = sys.argv[1:]
    command = [*COMMAND, "--headers-dir", headers, "--out-file", output]
    subprocess.run([*command, os.path.realpath(library)], check=True)
    with open(output, encoding="utf-8") as file:
        text = file.read()
    if "<class-decl " not in text:
        sys.exit(f"dump.py: {library} has no debug information")
    with open(output, "w", encoding="utf-8") as file:
        file.write(PLACES.sub("", text))


if __name__ == "__main__":
    main()
