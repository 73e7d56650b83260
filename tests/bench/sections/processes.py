# SPDX-License-Identifier: MIT
"""What it costs when 1, 2 and 4 processes do it at once: operations of all."""

from multiprocessing import shared_memory as stock

import crowd
import measure
import peers as others

import polyshm

ITEMS = 64
CROWDS = (1, 2, 4)


def sides(peers):
    """{name: {side: maker}}: reading one item that all read, and changing an
    item of one's own."""
    values = [12345] * ITEMS
    ours, theirs = polyshm.ShareableList(values), stock.ShareableList(values)
    for made in (ours, theirs):
        peers.callback(made.shm.unlink)
        peers.callback(made.shm.close)

    def get(made):
        return lambda number, stack: lambda: made[0]

    def put(made):
        def make(number, stack):
            mine = 8 * number + 8
            return lambda: made.__setitem__(mine, 54321)

        return make

    reading = {measure.OURS: get(ours), measure.STOCK: get(theirs)}
    writing = {measure.OURS: put(ours), measure.STOCK: put(theirs)}
    path = peers.lmdb_path()
    if path:
        with others.open_lmdb(path) as environment:
            with environment.begin(write=True) as transaction:
                transaction.put(b"k", b"12345")

        def read_database(number, stack):
            environment = stack.enter_context(others.open_lmdb(path))

            def run():
                with environment.begin() as transaction:
                    transaction.get(b"k")

            return run

        def write_database(number, stack):
            environment = stack.enter_context(others.open_lmdb(path))
            key = b"%d" % number

            def run():
                with environment.begin(write=True) as transaction:
                    transaction.put(key, b"54321")

            return run

        reading["LMDB"], writing["LMDB"] = read_database, write_database
    made = peers.ultradict(dict(enumerate(values)), buffer_size=1 << 20)
    if made is not None:
        reading["UltraDict"] = get(made)
        writing["UltraDict"] = put(made)
    socket = peers.redis_socket()
    if socket:
        with others.open_redis(socket) as client:
            client.set("k", 12345)

        def read_redis(number, stack):
            client = others.open_redis(socket)
            return lambda: client.get("k")

        def write_redis(number, stack):
            client = others.open_redis(socket)
            return lambda: client.set(number, 54321)

        reading["Redis"], writing["Redis"] = read_redis, write_redis
    manager = peers.manager()
    if manager:
        shared = manager.list(values)
        reading["Manager"], writing["Manager"] = get(shared), put(shared)
    return {
        "all get one item": reading,
        "each sets an item of its own": writing,
    }


def main():
    given = measure.options(__doc__)
    seconds = given.effort.size(0.25, 0.05, 0.005)
    rounds = given.effort.size(5, 3, 1)
    with others.Peers(not given.no_peers) as peers:
        for name, makers in sides(peers).items():
            for processes in CROWDS:
                found = crowd.rates(makers, processes, seconds, rounds)
                measure.row(
                    "processes",
                    f"{name}, {processes} at once",
                    {
                        side: [one / 1e3 for one in rates]
                        for side, rates in found.items()
                    },
                    "1000/s",
                    better="more",
                    by="median",
                )
            makers.clear()


if __name__ == "__main__":
    main()
