# SPDX-License-Identifier: MIT
"""Making blocks and lists, and attaching to them."""

import os
import subprocess
from multiprocessing import shared_memory as stock

import measure
import peers as others

import polyshm

PAGE = 4096


def names(word):
    """A function of ever new names."""
    begun = f"polyshm-bench-{word}-{os.getpid()}"
    numbers = iter(range(1 << 60))
    return lambda: f"{begun}-{next(numbers)}"


def cycle(module, **options):
    def run():
        block = module.SharedMemory(create=True, size=PAGE, **options)
        block.buf[0] = 1
        block.close()
        block.unlink()

    return measure.repeat(run)


def map_posix(module, name, flags, size=0):
    import mmap

    made = module.SharedMemory(name, flags=flags, size=size)
    try:
        return mmap.mmap(made.fd, made.size)
    finally:
        made.close_fd()


def blocks(given):
    with others.Peers(not given.no_peers) as peers:
        creating = {
            measure.OURS: cycle(polyshm),
            measure.STOCK: cycle(stock),
        }
        untracked = {
            measure.OURS: cycle(polyshm, track=False),
            measure.STOCK: creating[measure.STOCK],
        }
        block = polyshm.SharedMemory(create=True, size=PAGE)
        peers.callback(block.unlink)
        block.buf[0] = 1

        def attach():
            attached = polyshm.SharedMemory(block.name)
            attached.buf[0]
            attached.close()

        def attach_stock():
            attached = stock.SharedMemory(block.name)
            attached.buf[0]
            attached.close()
            others.forget(attached)

        attaching = {
            measure.OURS: measure.repeat(attach),
            measure.STOCK: measure.repeat(attach_stock),
        }
        posix = peers.posix_ipc()
        if posix:
            name = names("posix")

            def cycle_posix():
                mine = name()
                view = map_posix(posix, mine, posix.O_CREX, PAGE)
                view[0] = 1
                view.close()
                posix.unlink_shared_memory(mine)

            def attach_posix():
                view = map_posix(posix, block.name, 0)
                view[0]
                view.close()

            creating["posix_ipc"] = measure.repeat(cycle_posix)
            attaching["posix_ipc"] = measure.repeat(attach_posix)
        made = peers.shared_array(PAGE, "u1")
        if made:
            import SharedArray

            name = names("array")

            def cycle_array():
                mine = "shm://" + name()
                array = SharedArray.create(mine, PAGE, "u1")
                array[0] = 1
                del array
                SharedArray.delete(mine)

            def attach_array():
                SharedArray.attach(made[0])[0]

            creating["SharedArray"] = measure.repeat(cycle_array)
            attaching["SharedArray"] = measure.repeat(attach_array)
        for title, runs in (
            ("create, use, close, unlink a block of 4 KiB", creating),
            ("the same with track=False", untracked),
            ("attach to a block of 4 KiB, read, close", attaching),
        ):
            measure.compare("create", title, runs, given.effort, "us")


def attach_lists(given, count):
    values = list(range(count))
    with others.Peers(not given.no_peers) as peers:
        made = polyshm.ShareableList(values)
        peers.callback(made.shm.unlink)
        peers.callback(made.shm.close)
        name = made.shm.name

        def attach(use):
            def run():
                attached = polyshm.ShareableList(name=name)
                if use:
                    attached[count // 2]
                attached.shm.close()

            return measure.repeat(run)

        def attach_stock(use):
            def run():
                attached = stock.ShareableList(name=name)
                if use:
                    attached[count // 2]
                attached.shm.close()
                others.forget(attached.shm)

            return measure.repeat(run)

        measure.compare(
            "create",
            f"attach to {count:,} items, close",
            {
                measure.OURS: attach(False),
                measure.STOCK: attach_stock(False),
            },
            given.effort,
            "us",
        )
        runs = {
            measure.OURS: attach(True),
            measure.STOCK: attach_stock(True),
        }
        made_dict = peers.ultradict(dict(enumerate(values)), buffer_size=1 << 20)
        if made_dict is not None:
            kind = type(made_dict)

            def attach_dict():
                attached = kind(name=made_dict.name, create=False)
                attached[count // 2]
                attached.close()

            runs["UltraDict"] = measure.repeat(attach_dict)
        path = peers.lmdb_path()
        if path:
            with others.open_lmdb(path) as environment:
                with environment.begin(write=True) as transaction:
                    transaction.cursor().putmulti(
                        [(b"%08d" % i, b"%d" % i) for i in values]
                    )

            def open_database():
                with others.open_lmdb(path) as environment:
                    with environment.begin() as transaction:
                        transaction.get(b"%08d" % (count // 2))

            runs["LMDB"] = measure.repeat(open_database)
        socket = peers.redis_socket()
        if socket:
            with others.open_redis(socket) as client:
                client.set("key", 1)

            def connect():
                with others.open_redis(socket) as client:
                    client.get("key")

            runs["Redis"] = measure.repeat(connect)
        measure.compare(
            "create",
            f"attach to {count:,} items, read one, close",
            runs,
            given.effort,
            "us",
        )


def create_lists(given, count):
    values = list(range(count))

    def cycle_list(module):
        def run():
            made = module.ShareableList(values)
            made.shm.close()
            made.shm.unlink()

        return measure.repeat(run)

    with others.Peers(not given.no_peers) as peers:
        runs = {
            measure.OURS: cycle_list(polyshm),
            measure.STOCK: cycle_list(stock),
        }
        if peers.ultradict() is not None:
            kind = others.import_ultradict()
            everything = dict(enumerate(values))

            def cycle_dict():
                kind(everything, buffer_size=1 << 20).unlink()

            runs["UltraDict"] = measure.repeat(cycle_dict)
        manager = peers.manager()
        if manager:
            runs["Manager"] = measure.repeat(lambda: manager.list(values))
        measure.compare(
            "create",
            f"create a list of {count:,}, close, unlink, an item",
            runs,
            given.effort,
            each=count,
        )


def in_c(given):
    """Beside the bare system calls."""
    program = os.path.join(given.build, "tests/bin/bench_block")
    passes = given.effort.size(2000, 500, 3)
    found = {}
    words = subprocess.run(
        [program, str(passes)], stdout=subprocess.PIPE, text=True, check=True
    ).stdout
    for line in words.splitlines():
        title, side, least, median = line.split("|")
        found.setdefault(title, {})[side] = [float(least), float(median)]
    for title, sides in found.items():
        measure.tell("create", title, sides, "us", language="C")


def main():
    given = measure.options(__doc__)
    count = given.effort.size(100_000, 20_000, 200)
    blocks(given)
    attach_lists(given, count)
    create_lists(given, count)
    in_c(given)


if __name__ == "__main__":
    main()
