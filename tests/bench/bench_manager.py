#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Managers of polyshm and of stock Python, in one run.

Usage: bench_manager.py BUILD_FOLDER

The least of many passes. It prints numbers and fails nothing.
"""
import os
import subprocess
import sys
import time
from multiprocessing.managers import SharedMemoryManager, dispatch

STARTS, BLOCKS, PASSES, SEGMENTS = 50, 20, 50, 10000
NAMES = {
    "start": ("start, and the first SharedMemory(4096)", "us"),
    "life": ("start to shutdown, with one block", "us"),
    "block": ("SharedMemory(4096), one more", "us"),
    "list": ("the names of 10,000 blocks", "us"),
    "memory": ("memory of the manager with 10,000 blocks", "KiB"),
    "shutdown": ("shutdown with 10,000 blocks", "us"),
}


def ask(manager, method, *words):
    with manager._Client(manager._address, authkey=manager._authkey) as connection:
        return dispatch(connection, None, method, words)


def measure_start():
    starts, lives = [], []
    for _ in range(STARTS):
        begun = time.perf_counter()
        manager = SharedMemoryManager()
        manager.start()
        block = manager.SharedMemory(4096)
        starts.append(time.perf_counter() - begun)
        block.close()
        manager.shutdown()
        lives.append(time.perf_counter() - begun)
    return min(starts) * 1e6, min(lives) * 1e6


def measure_block():
    least = 1e9
    with SharedMemoryManager() as manager:
        for _ in range(PASSES):
            begun = time.perf_counter()
            blocks = [manager.SharedMemory(4096) for _ in range(BLOCKS)]
            least = min(least, (time.perf_counter() - begun) / BLOCKS)
            for block in blocks:
                block.close()
                ask(manager, "release_segment", block.name)
    return least * 1e6


def measure_memory():
    manager = SharedMemoryManager()
    manager.start()
    for _ in range(SEGMENTS):
        manager.SharedMemory(16).close()
    begun = time.perf_counter()
    ask(manager, "list_segments")
    listed = time.perf_counter() - begun
    with open(f"/proc/{manager._process.pid}/status", encoding="ascii") as file:
        memory = next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))
    begun = time.perf_counter()
    manager.shutdown()
    return listed * 1e6, memory, (time.perf_counter() - begun) * 1e6


def main(build):
    program = os.path.join(build, "tests/bin/bench_manager")
    output = subprocess.run([program], stdout=subprocess.PIPE, text=True, check=True)
    ours = {}
    for line in output.stdout.splitlines():
        name, number = line.split()
        ours[name] = float(number)
    stock = {}
    stock["start"], stock["life"] = measure_start()
    stock["block"] = measure_block()
    stock["list"], stock["memory"], stock["shutdown"] = measure_memory()
    version = ".".join(map(str, sys.version_info[:3]))
    print(f"{'':42}{'polyshm':>10}{'stock ' + version:>16}{'ratio':>8}")
    for key, (name, unit) in NAMES.items():
        ratio = stock[key] / ours[key]
        print(f"{name:42}{ours[key]:>10,.0f}{stock[key]:>16,.0f}{ratio:>7.1f}x  {unit}")


if __name__ == "__main__":
    main(sys.argv[1])
