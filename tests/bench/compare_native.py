# SPDX-License-Identifier: MIT
"""Run the benchmarks of native calls: python3 compare_native.py build/release

Prints nanoseconds per call and ratios to the same written by hand, in Lua's C API,
and to ctypes, in the same run. It judges nothing.
"""

import os
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
    kernels = f"{build}/tests/bin/kernels.so"
    lua = os.environ.get("LUA", "lua5.4")
    print(f"{'':<48} {'ns':>8} {'other':>8} {'ratio':>7}")
    for command in ([lua, "bench_native.lua"], [sys.executable, "bench_native.py"]):
        command = [command[0], f"{HERE}/{command[1]}", kernels]
        lines = subprocess.run(
            command, env=environment, check=True, stdout=subprocess.PIPE, text=True
        ).stdout
        for line in lines.splitlines():
            name, ours, other = line.rsplit(None, 2)
            ratio = float(ours) / float(other)
            print(f"{name:<48} {ours:>8} {other:>8} {ratio:6.2f}x")


if __name__ == "__main__":
    main()
