# SPDX-License-Identifier: MIT
"""Functions of a C library called over blocks: from Python beside ctypes, from
Lua beside the same written by hand with the same checks."""

import os
import shutil
import sys

import measure
from sections.languages import HERE, environment, lines


def main():
    given = measure.options(__doc__)
    percent = str(given.effort.size(60, 6, 1))
    kernels = f"{given.build}/tests/bin/kernels.so"
    lua = os.environ.get("LUA") or "lua5.4"
    programs = {"Python": (sys.executable, "bench_native.py", measure.STOCK)}
    if shutil.which(lua) and os.path.isdir(f"{given.build}/lua"):
        programs["Lua"] = (lua, "bench_native.lua", "by hand")
    for language, (program, script, rival) in programs.items():
        command = [program, f"{HERE}/{script}", kernels, percent]
        before = ""
        for line in lines(command, environment(given, "lua")):
            name, ours, other = line.partition(" ")[2].rsplit(None, 2)
            if name.startswith(" "):  # a second way to do what is above
                name = f"{before}, {name.strip()}"
            else:
                before = name
            measure.tell(
                "native",
                name,
                # So short a call may look shorter than an empty loop.
                {
                    measure.OURS: (max(float(ours), 0.1),) * 2,
                    rival: (max(float(other), 0.1),) * 2,
                },
                "ns",
                language=language,
            )


if __name__ == "__main__":
    main()
