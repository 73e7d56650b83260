#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Check how the shared library was linked.

Usage: check_library.py LIBRARY SONAME

It must carry its SONAME, stay loaded once it is (thread-locals must not vanish
when a language unloads its module), need the C library and libffi alone, and no
relocations in its code and no executable stack.
"""
import re
import subprocess
import sys

# The C library and its loader; the others come with sanitizers.
NEEDED = re.compile(
    r"libc\.(so|musl).*|ld-(linux|musl).*|lib(a|t|ub)san\.so.*|libclang_rt\..*"
    r"|lib(gcc_s|m|dl|ffi|pthread|rt|stdc\+\+)\.so.*"
)


def dynamic_entries(text):
    """(tag, content) of each line of readelf -d."""
    return re.findall(r"^\s*0x[0-9a-f]+\s+\((\w+)\)\s+(.*?)\s*$", text, flags=re.M)


def check(dynamic, segments, soname):
    """What is wrong, as texts."""
    problems = []
    entries = dynamic_entries(dynamic)
    sonames = [c for t, c in entries if t == "SONAME"]
    if len(sonames) != 1 or f"[{soname}]" not in sonames[0]:
        problems.append(f"the SONAME is not {soname} but {sonames}")
    flags = " ".join(c for t, c in entries if t in ("FLAGS", "FLAGS_1"))
    if "NODELETE" not in flags:
        problems.append("it may be unloaded (no -z nodelete)")
    if any(t == "TEXTREL" for t, _ in entries) or "TEXTREL" in flags:
        problems.append("its code has to be relocated")
    if any(t in ("RPATH", "RUNPATH") for t, _ in entries):
        problems.append("it brings a path of its own")
    for tag, content in entries:
        name = re.search(r"\[(.*)\]", content)
        if tag == "NEEDED" and not NEEDED.fullmatch(name[1]):
            problems.append(f"it needs {name[1]}")
    stack = re.search(r"^\s*GNU_STACK(?:\s+0x[0-9a-f]+){5}\s+(\S+)", segments, re.M)
    if stack is None or "E" in stack[1]:
        problems.append("its stack is executable")
    return problems


def readelf(option, library):
    command = ["readelf", option, "-W", library]
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return result.stdout


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    library, soname = sys.argv[1:]
    problems = check(readelf("-d", library), readelf("-l", library), soname)
    if problems:
        sys.exit("\n".join(problems))
    print(f"{soname} is linked as it should be")


if __name__ == "__main__":
    main()
