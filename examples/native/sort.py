# SPDX-License-Identifier: MIT
"""Sort a shared block with the C library's qsort: python sort.py KERNEL [COUNT]"""

import random
import sys
import time

from polyshm import SharedMemory, native

count = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
qsort = native.load().bind(
    "qsort", "void([i64], count, u64, fn i32(*i64, *i64))"
)


def measure(name, numbers, compare):
    for i in range(count):
        numbers[i] = random.getrandbits(64) - (1 << 63)
    start = time.perf_counter()
    qsort(numbers, 8, compare)
    print(f"{name:<20} {time.perf_counter() - start:6.2f} s")
    assert all(map(int.__le__, numbers[:-1], numbers[1:]))


with SharedMemory(create=True, size=8 * count) as block:
    with block.view("q") as numbers:
        measure("compared by Python", numbers, lambda a, b: (a > b) - (a < b))
        measure("compared by C", numbers, native.load(sys.argv[1]).symbol("ascending"))
    block.unlink()
