# SPDX-License-Identifier: MIT
"""polyshm against stock multiprocessing.shared_memory, in one run.

Prints nanoseconds per operation (the least of many passes, the loop's own cost
subtracted) and the ratio. It judges nothing.
"""

import platform
import sys
import time
from multiprocessing import resource_tracker
from multiprocessing import shared_memory as stock

import polyshm

PASSES = 25
LENGTH = 100_000


def nanoseconds(function, operations, passes=PASSES):
    best = float("inf")
    for _ in range(passes):
        start = time.perf_counter_ns()
        function()
        best = min(best, time.perf_counter_ns() - start)
    return best / operations


def loop(statement, names, count):
    """Nanoseconds of one statement, run `count` times in a loop."""

    def timed(body):
        scope = dict(names)
        exec(
            f"def run(repeat):\n    for _ in repeat:\n        {body}\n", scope
        )
        return nanoseconds(lambda: scope["run"](range(count)), count)

    return max(timed(statement) - timed("pass"), 0.01)


def row(name, ours, theirs):
    print(
        f"python {name:<24} {ours:12.2f} {theirs:12.1f} {theirs / ours:9.1f}x",
        flush=True,
    )


def access(values):
    lists = polyshm.ShareableList(values), stock.ShareableList(values)
    try:
        for label, index, value in (
            ("int", 0, 12345),
            ("float", 1, 2.5),
            ("str of 10", 2, "0123456789"),
        ):
            for kind, statement in (
                ("get", f"sl[{index}]"),
                ("set", f"sl[{index}] = value"),
            ):
                ours = loop(statement, {"sl": lists[0], "value": value}, 100_000)
                theirs = loop(statement, {"sl": lists[1], "value": value}, 10_000)
                row(f"{kind} {label}", ours, theirs)
        row(
            "len",
            loop("len(sl)", {"sl": lists[0]}, 100_000),
            loop("len(sl)", {"sl": lists[1]}, 10_000),
        )
    finally:
        for made in lists:
            made.shm.close()
            made.shm.unlink()


def bulk():
    values = list(range(LENGTH))
    lists = polyshm.ShareableList(values), stock.ShareableList(values)
    operations = {
        "list(sl), an item": list,
        "sum(sl), an item": sum,
        "index of the last, an item": lambda sl: sl.index(LENGTH - 1),
        "count, an item": lambda sl: sl.count(5),
    }
    try:
        for name, operation in operations.items():
            row(
                name,
                nanoseconds(lambda: operation(lists[0]), LENGTH),
                nanoseconds(lambda: operation(lists[1]), LENGTH, 3),
            )

        def attach(module):
            attached = module.ShareableList(name=lists[0].shm.name)
            attached.shm.close()
            if module is stock:
                # Stock takes every attacher for an owner; it must not, here.
                resource_tracker.unregister(attached.shm._name, "shared_memory")

        row(
            f"attach to {LENGTH}",
            nanoseconds(lambda: attach(polyshm), 1, 200),
            nanoseconds(lambda: attach(stock), 1, 20),
        )
    finally:
        for made in lists:
            made.shm.close()
            made.shm.unlink()


def blocks():
    def cycle(module):
        block = module.SharedMemory(create=True, size=4096)
        block.close()
        block.unlink()

    row(
        "create, close, unlink 4 KiB",
        nanoseconds(lambda: cycle(polyshm), 1, 2000),
        nanoseconds(lambda: cycle(stock), 1, 2000),
    )


def main():
    print(f"python {platform.python_version()} ({sys.executable})")
    print(f"python {'':<24} {'polyshm ns':>12} {'stock ns':>12} {'ratio':>10}")
    access([12345, 2.5, "0123456789", True, None, b"bytes"])
    bulk()
    blocks()
    view = memoryview(bytearray(8 * 1000)).cast("q")
    print(
        f"python {'memoryview get (scale)':<24} "
        f"{loop('view[5]', {'view': view}, 100_000):12.2f}"
    )


if __name__ == "__main__":
    main()
