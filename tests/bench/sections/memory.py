# SPDX-License-Identifier: MIT
"""Bytes of shared memory for each item, and of private memory to use them."""

import os
import subprocess
import sys
from multiprocessing import shared_memory as stock

import measure
import peers as others

import polyshm

ATTACH = """
import sys
if sys.argv[1] == "stock":
    from multiprocessing import resource_tracker
    from multiprocessing.shared_memory import ShareableList
else:
    from polyshm import ShareableList

def private():
    with open("/proc/self/status") as file:
        return next(int(l.split()[1]) for l in file if l.startswith("RssAnon"))

small, large = sys.argv[2:]
def attach(name):
    attached = ShareableList(name=name)
    if sys.argv[1] == "stock":
        resource_tracker.unregister(attached.shm._name, "shared_memory")
    attached[len(attached) // 2]
    return attached

first = attach(small)
before = private()
kept = attach(large)
print(1024 * (private() - before))
"""


def file_bytes(path):
    return os.stat(path).st_blocks * 512


def shared(given, kind, values):
    count = len(values)
    with others.Peers(not given.no_peers) as peers:
        found = {}
        for side, module in ((measure.OURS, polyshm), (measure.STOCK, stock)):
            made = module.ShareableList(values)
            found[side] = file_bytes(f"/dev/shm/{made.shm.name}")
            made.shm.close()
            made.shm.unlink()
        path = peers.lmdb_path()
        if path:
            with others.open_lmdb(path) as environment:
                with environment.begin(write=True) as transaction:
                    transaction.cursor().putmulti(
                        (b"%08d" % i, str(v).encode())
                        for i, v in enumerate(values)
                    )
            found["LMDB"] = file_bytes(f"{path}/data.mdb")
        client = peers.redis()
        if client:
            before = client.info("memory")["used_memory"]
            client.rpush("list", *values)
            found["Redis"] = client.info("memory")["used_memory"] - before
        made = peers.shared_array(count, "i8" if kind == "int" else "S10")
        if made:
            made[1][:] = values  # what is not used takes none
            found["SharedArray"] = file_bytes(made[0].replace("shm:/", "/dev/shm"))
        measure.row(
            "memory",
            f"shared memory of {count:,} items of type {kind}, an item",
            {side: [size / count] for side, size in found.items()},
            "bytes",
        )


def private(given, count):
    """Of a process that attaches to a list of so many items and reads one."""
    with others.Peers(not given.no_peers) as peers:
        names = []
        for values in ([0], list(range(count))):
            made = polyshm.ShareableList(values)
            names.append(made.shm.name)
            peers.callback(made.shm.unlink)
            peers.callback(made.shm.close)
        found = {}
        for side in (measure.OURS, measure.STOCK):
            command = [sys.executable, "-c", ATTACH, side, *names]
            words = subprocess.run(
                command, stdout=subprocess.PIPE, text=True, check=True
            ).stdout
            found[side] = [int(words) / 1024]
        measure.row(
            "memory",
            f"private memory to attach to {count:,} items",
            found,
            "KiB",
        )


def main():
    given = measure.options(__doc__)
    count = given.effort.size(100_000, 100_000, 1_000)
    # Numbers of the size that timestamps and identifiers have.
    shared(given, "int", [10**9 + i for i in range(count)])
    shared(given, "str of 10", ["%010d" % i for i in range(count)])
    private(given, given.effort.size(1_000_000, 100_000, 1_000))


if __name__ == "__main__":
    main()
