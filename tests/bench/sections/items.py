# SPDX-License-Identifier: MIT
"""How costs grow with the number of items, from ten to ten million."""

import os
import time
from multiprocessing import shared_memory as stock

import measure
import peers as others

import polyshm

# What takes stock Python longer than this is left to polyshm alone.
FIND_MAX = 1_000_000
REPEAT_MAX = 100_000
BYTES = 400  # for an item: shared and private, polyshm's, stock's and Python's own
DATABASE_MAX = 1_000_000


def room():
    """Bytes that may be used here."""
    with open("/proc/meminfo", encoding="ascii") as file:
        free = next(int(line.split()[1]) for line in file if "MemAvailable" in line)
    folder = os.statvfs("/dev/shm")
    return min(free * 1024, 4 * folder.f_bavail * folder.f_frsize)


def create(module, values, peers):
    """A list, and the seconds it took."""
    begun = time.perf_counter()
    made = module.ShareableList(values)
    took = time.perf_counter() - begun
    peers.callback(made.shm.unlink)
    peers.callback(made.shm.close)
    return made, took


def cycle(module, values):
    def run():
        made = module.ShareableList(values)
        made.shm.close()
        made.shm.unlink()

    return measure.repeat(run)


def attach(module, name, middle):
    def run():
        attached = module.ShareableList(name=name)
        attached[middle]
        attached.shm.close()
        if module is stock:
            others.forget(attached.shm)

    return measure.repeat(run)


def database(peers, count, middle):
    """What gets one of so many keys."""
    path = peers.lmdb_path()
    environment = peers.lmdb(path) if path else None
    if environment is None or count > DATABASE_MAX:
        return None
    with environment.begin(write=True) as transaction:
        transaction.cursor().putmulti(
            (b"%08d" % i, b"%d" % i) for i in range(count)
        )
    return measure.loop(
        "with o.begin() as t: t.get(k)", o=environment, k=b"%08d" % middle
    )


def measure_count(given, count):
    values = list(range(count))
    middle = count // 2
    label = f"{count:,}"
    with others.Peers(not given.no_peers) as peers:
        ours, took = create(polyshm, values, peers)
        theirs, took_stock = create(stock, values, peers)
        title = f"create {label} items, an item"
        if count > REPEAT_MAX:
            measure.row(
                "items",
                title,
                {
                    measure.OURS: [took / count * 1e9],
                    measure.STOCK: [took_stock / count * 1e9],
                },
                "ns",
                note="one pass",
            )
        else:
            measure.compare(
                "items",
                title,
                {
                    measure.OURS: cycle(polyshm, values),
                    measure.STOCK: cycle(stock, values),
                },
                given.effort,
                each=count,
                note="with close and unlink",
            )
        del values
        measure.compare(
            "items",
            f"get one of {label}",
            {
                measure.OURS: measure.loop(f"o[{middle}]", o=ours),
                measure.STOCK: measure.loop(f"o[{middle}]", o=theirs),
                "LMDB": database(peers, count, middle),
            },
            given.effort,
            empty=measure.loop("pass"),
        )
        measure.compare(
            "items",
            f"attach to {label}, read one, close",
            {
                measure.OURS: attach(polyshm, ours.shm.name, middle),
                measure.STOCK: attach(stock, ours.shm.name, middle),
            },
            given.effort,
            "us",
        )
        last = {
            measure.OURS: measure.loop(f"o.index({count - 1})", o=ours),
            measure.STOCK: measure.loop(f"o.index({count - 1})", o=theirs),
        }
        if count > FIND_MAX:
            del last[measure.STOCK]
        measure.compare(
            "items", f"find the last of {label}, an item", last, given.effort,
            each=count,
        )  # fmt: skip


def main():
    given = measure.options(__doc__)
    counts = given.effort.size(
        (10, 1_000, 100_000, 1_000_000, 10_000_000),
        (10, 1_000, 100_000),
        (10, 1_000),
    )
    for count in counts:
        if room() < count * BYTES:
            measure.missing(f"{count:,} items", "there is too little memory")
            continue
        measure_count(given, count)


if __name__ == "__main__":
    main()
