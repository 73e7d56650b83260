#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Managers of polyshm, from C and from Python, and of stock Python, in one run.

Usage: bench_manager.py BUILD_FOLDER [PERCENT]

The least of many passes, or of that part of them. It prints numbers and fails
nothing.
"""
import os
import subprocess
import sys
import time
from multiprocessing.managers import SharedMemoryManager as StockManager
from multiprocessing.managers import dispatch

BLOCKS = 20
WHOLE = {"starts": 50, "passes": 50, "segments": 10000}
NAMES = {
    "start": ("start, and the first SharedMemory(4096)", "us"),
    "life": ("start to shutdown, with one block", "us"),
    "block": ("SharedMemory(4096), one more", "us"),
    "list": ("the names of 10,000 blocks", "us"),
    "memory": ("memory of the manager with 10,000 blocks", "KiB"),
    "shutdown": ("shutdown with 10,000 blocks", "us"),
}


class Stock:
    manager = StockManager

    @staticmethod
    def ask(manager, method, *words):
        with manager._Client(
            manager._address, authkey=manager._authkey
        ) as connection:
            return dispatch(connection, None, method, words)

    def release(self, manager, name):
        self.ask(manager, "release_segment", name)

    def names(self, manager):
        return self.ask(manager, "list_segments")


class Ours:
    def __init__(self, manager):
        self.manager = manager

    def release(self, manager, name):
        manager.release(name)

    def names(self, manager):
        return manager.list_segments()


def measure_start(side, starts_made):
    starts, lives = [], []
    for _ in range(starts_made):
        begun = time.perf_counter()
        manager = side.manager()
        manager.start()
        block = manager.SharedMemory(4096)
        starts.append(time.perf_counter() - begun)
        block.close()
        manager.shutdown()
        lives.append(time.perf_counter() - begun)
    return {"start": min(starts) * 1e6, "life": min(lives) * 1e6}


def measure_block(side, passes):
    least = 1e9
    with side.manager() as manager:
        for _ in range(passes):
            begun = time.perf_counter()
            blocks = [manager.SharedMemory(4096) for _ in range(BLOCKS)]
            least = min(least, (time.perf_counter() - begun) / BLOCKS)
            for block in blocks:
                block.close()
                side.release(manager, block.name)
    return {"block": least * 1e6}


def resident(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


def measure_memory(side, segments):
    manager = side.manager()
    manager.start()
    for _ in range(segments):
        manager.SharedMemory(16).close()
    begun = time.perf_counter()
    side.names(manager)
    found = {
        "list": (time.perf_counter() - begun) * 1e6,
        "memory": resident(manager._process.pid),
    }
    begun = time.perf_counter()
    manager.shutdown()
    return {**found, "shutdown": (time.perf_counter() - begun) * 1e6}


def measure(side, percent=100):
    part = {name: max(1, most * percent // 100) for name, most in WHOLE.items()}
    return {
        **measure_start(side, part["starts"]),
        **measure_block(side, part["passes"]),
        **measure_memory(side, part["segments"]),
    }


def measure_c(build, percent=100):
    program = [os.path.join(build, "tests/bin/bench_manager"), str(percent)]
    output = subprocess.run(program, stdout=subprocess.PIPE, text=True, check=True)
    found = {}
    for line in output.stdout.splitlines():
        name, number = line.split()
        found[name] = float(number)
    return found


def measure_python(build, percent=100):
    """None if this build has no module for this Python."""
    sys.path.insert(0, os.path.join(build, "python"))
    try:
        from polyshm.managers import SharedMemoryManager
    except ImportError:
        return None
    return measure(Ours(SharedMemoryManager), percent)


def main(build, percent=100):
    version = ".".join(map(str, sys.version_info[:3]))
    columns = {
        "from C": measure_c(build, percent),
        "from Python": measure_python(build, percent),
    }
    columns = {name: found for name, found in columns.items() if found}
    stock = measure(Stock(), percent)
    heads = "".join(f"{name:>12}{'':8}" for name in columns)
    print(f"{'':42}{heads}{'stock ' + version:>14}")
    for key, (name, unit) in NAMES.items():
        cells = "".join(
            f"{found[key]:>12,.0f}{stock[key] / found[key]:>7.1f}x"
            for found in columns.values()
        )
        print(f"{name:42}{cells}{stock[key]:>14,.0f}  {unit}")


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
