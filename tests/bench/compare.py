# SPDX-License-Identifier: MIT
"""Run the benchmarks of one build folder: python3 compare.py build/release

Prints nanoseconds and ratios, Python's against stock's in the same run, Lua's
against a plain memoryview access of the same Python and against a module written
by hand, LuaJIT's against the bare calls, C's against a bare atomic addition and
a bare futex. It judges nothing.
"""

import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def main():
    if len(sys.argv) != 2 or not os.path.isdir(sys.argv[1]):
        sys.exit(__doc__.strip())
    build = os.path.abspath(sys.argv[1])
    environment = dict(
        os.environ,
        PYTHONPATH=f"{build}/python",
        LUA_PATH=f"{build}/lua/?.lua;{build}/lua/?/init.lua",
        LUA_CPATH=f"{build}/lua/?.so;{build}/tests/bin/?.so",
    )
    python = subprocess.run(
        [sys.executable, f"{HERE}/bench_python.py"],
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    print(python, end="")
    scale = float(re.search(r"memoryview get.* ([\d.]+)", python)[1])

    lua = subprocess.run(
        [os.environ.get("LUA", "lua5.4"), f"{HERE}/bench_lua.lua"],
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    print(f"\nlua {'':<24} {'ns':>12} {'/ memoryview get':>18}")
    for line in lua.splitlines():
        match = re.fullmatch(r"lua (.+?) +([\d.]+)", line)
        if match:
            name, nanoseconds = match[1], float(match[2])
            print(
                f"lua {name:<24} {nanoseconds:12.2f} {nanoseconds / scale:17.2f}x"
            )
        else:
            print(line)

    luajit = shutil.which("luajit")
    if luajit and os.path.isdir(f"{build}/luajit"):
        print(flush=True)
        path = f"{build}/luajit/?.lua;{build}/luajit/?/init.lua"
        subprocess.run(
            [luajit, f"{HERE}/bench_luajit.lua"],
            env=dict(environment, LUA_PATH=path),
            check=True,
        )

    print(flush=True)
    subprocess.run([f"{build}/tests/bin/bench_list"], check=True)


if __name__ == "__main__":
    main()
