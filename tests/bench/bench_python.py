# SPDX-License-Identifier: MIT
"""polyshm against stock multiprocessing.shared_memory, in one run.

Prints nanoseconds per operation (the least of many short passes, polyshm's and
stock's in turn, the loop's own cost subtracted) and the ratio. It judges nothing.
POLYSHM_BACKEND=swig or ctypes selects what is measured.
"""

import platform
import sys
import time
from multiprocessing import resource_tracker
from multiprocessing import shared_memory as stock

import polyshm

PASSES = 200
COUNT = 2000  # of operations in a pass: so few that most passes are undisturbed
LENGTH = 100_000


def nanoseconds(functions, operations, passes=PASSES):
    """Of each function, for one of its operations."""
    best = [float("inf")] * len(functions)
    for _ in range(passes):
        for i, function in enumerate(functions):
            start = time.perf_counter_ns()
            function()
            best[i] = min(best[i], time.perf_counter_ns() - start)
    return [one / operations for one in best]


def loops(statement, *scopes):
    """Nanoseconds of one statement with each scope, run in a loop."""

    def timed(body, names):
        scope = dict(names)
        exec(
            f"def run(repeat=range({COUNT})):\n"
            f"    for _ in repeat:\n        {body}\n",
            scope,
        )
        return scope["run"]

    functions = [timed(statement, names) for names in scopes]
    *found, nothing = nanoseconds([*functions, timed("pass", {})], COUNT)
    return [max(one - nothing, 0.01) for one in found]


def row(name, ours, theirs):
    print(
        f"python {name:<24} {ours:12.2f} {theirs:12.1f} {theirs / ours:9.1f}x",
        flush=True,
    )


def access(values):
    lists = polyshm.ShareableList(values), stock.ShareableList(values)
    try:
        for index, value in enumerate(values):
            label = type(value).__name__.replace("NoneType", "None")
            for kind, statement in (
                ("get", f"sl[{index}]"),
                ("set", f"sl[{index}] = value"),
            ):
                scopes = [{"sl": made, "value": value} for made in lists]
                row(f"{kind} {label}", *loops(statement, *scopes))
        row("len", *loops("len(sl)", *({"sl": made} for made in lists)))
        for name, body in (
            ("in, the first", "12345 in sl"),
            ("in, the last", "5 in sl"),
            ("index of a str", "sl.index('0123456789')"),
            ("count of None", "sl.count(None)"),
            ("list(sl), all", "list(sl)"),
        ):
            row(name, *loops(body, *({"sl": made} for made in lists)))
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

    def in_turn(operation, *arguments):
        return [lambda a=a: operation(a) for a in arguments]

    def attach(module):
        attached = module.ShareableList(name=lists[0].shm.name)
        attached.shm.close()
        if module is stock:
            # Stock takes every attacher for an owner; it must not, here.
            resource_tracker.unregister(attached.shm._name, "shared_memory")

    def create(module):
        made = module.ShareableList(values)
        made.shm.close()
        made.shm.unlink()

    try:
        for name, operation in operations.items():
            row(name, *nanoseconds(in_turn(operation, *lists), LENGTH, 5))
        both = in_turn(attach, polyshm, stock)
        # One after the other: stock's objects push ours out of the caches.
        row(f"attach to {LENGTH}", *(nanoseconds([f], 1, 50)[0] for f in both))
        both = in_turn(create, polyshm, stock)
        row(f"create {LENGTH}", *nanoseconds(both, 1, 5))
    finally:
        for made in lists:
            made.shm.close()
            made.shm.unlink()


def blocks():
    """As users of stock Python do it, and where both do the same: without the
    memory's reservation, and with its first use."""

    def cycle(module, touch, **options):
        block = module.SharedMemory(create=True, size=4096, **options)
        if touch:
            block.buf[0] = 1
        block.close()
        block.unlink()

    def attach(module):
        attached = module.SharedMemory(made.name)
        attached.close()
        if module is stock:
            resource_tracker.unregister(made._name, "shared_memory")

    made = polyshm.SharedMemory(create=True, size=4096)
    functions = [lambda: attach(polyshm), lambda: attach(stock)]
    row("attach, close 4 KiB", *nanoseconds(functions, 1, 2000))
    made.unlink()

    for label, touch, options in (
        ("create, close, unlink 4 KiB", False, {}),
        ("the same, and use it", True, {}),
        ("the same, untracked", True, {"track": False}),
    ):
        functions = [
            lambda: cycle(polyshm, touch, **options),
            lambda: cycle(stock, touch),
        ]
        row(label, *nanoseconds(functions, 1, 2000))


def main():
    print(
        f"python {platform.python_version()} ({sys.executable}), "
        f"polyshm over {polyshm.backend}"
    )
    print(f"python {'':<24} {'polyshm ns':>12} {'stock ns':>12} {'ratio':>10}")
    access([12345, 2.5, "0123456789", True, None, b"0123456789", 5])
    bulk()
    blocks()
    view = memoryview(bytearray(8 * 1000)).cast("q")
    print(
        f"python {'memoryview get (scale)':<24} "
        f"{loops('view[5]', {'view': view})[0]:12.2f}"
    )


if __name__ == "__main__":
    main()
