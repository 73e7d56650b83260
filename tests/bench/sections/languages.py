# SPDX-License-Identifier: MIT
"""Calls in C, beside what the processor and the kernel need for the like; lists
and views in Lua, beside a module written by hand; LuaJIT, beside bare calls."""

import os
import re
import shutil
import subprocess

import measure

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
NUMBER = r"([\d.]+)"
# Lines without a rival that are worth a row.
ALONE = (
    "pairs, an item", "totable, an item", "index of the last, an item",
    "count, an item", "read 4 KiB", "write 4 KiB", "unpack <i4d",
)  # fmt: skip


def lines(command, environment=None):
    return subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, text=True, check=True
    ).stdout.splitlines()


def in_c(given, percent):
    bare = limited = None
    for line in lines([f"{given.build}/tests/bin/bench_list", percent]):
        found = re.fullmatch(rf"c +(\S.*?) +{NUMBER} +{NUMBER} +{NUMBER}x", line)
        if not found:
            continue
        name, figures = found[1], (float(found[2]), float(found[3]))
        if found[4] == "1.00":  # the first of a part is its measure
            bare, rival = figures, name.split(",")[0]
            if rival == "there and back":
                rival = "bare futex"
            continue
        if name.startswith("with a time limit"):  # the futex again
            limited = figures
            continue
        sides = {measure.OURS: figures, rival: bare}
        if limited:
            sides["one with a time limit"] = limited
        measure.tell("languages", name, sides, "ns", language="C")
        limited = None


def beside(line, language):
    """A line of ours and a rival's figure, or of ours alone."""
    pattern = rf"\w+ +(\S.*?) +{NUMBER}(?:, (\D+?) {NUMBER}, .*)?"
    found = re.fullmatch(pattern, line)
    if not found or not (found[3] or found[1] in ALONE):
        return
    sides = {measure.OURS: (float(found[2]),) * 2}
    if found[3]:
        sides[found[3]] = (float(found[4]),) * 2
    measure.tell("languages", found[1], sides, "ns", language=language)


def environment(given, folder):
    return dict(
        os.environ,
        LUA_PATH=f"{given.build}/{folder}/?.lua;{given.build}/{folder}/?/init.lua",
        LUA_CPATH=f"{given.build}/{folder}/?.so;{given.build}/tests/bin/?.so",
    )


def main():
    given = measure.options(__doc__)
    percent = str(given.effort.size(50, 8, 1))
    in_c(given, percent)
    lua = os.environ.get("LUA") or "lua5.4"
    if os.path.isdir(f"{given.build}/lua") and shutil.which(lua):
        command = [lua, f"{HERE}/bench_lua.lua", percent]
        for line in lines(command, environment(given, "lua")):
            beside(line, "Lua")
    else:
        measure.missing("Lua", "this build has no module for it")
    luajit = shutil.which("luajit")
    if luajit and os.path.isdir(f"{given.build}/luajit"):
        command = [luajit, f"{HERE}/bench_luajit.lua", percent]
        for line in lines(command, environment(given, "luajit")):
            beside(line, "LuaJIT")
    else:
        measure.missing("LuaJIT", "this build has no module for it")


if __name__ == "__main__":
    main()
