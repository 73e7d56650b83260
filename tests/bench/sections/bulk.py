# SPDX-License-Identifier: MIT
"""Many items, or many bytes, in one call."""

from multiprocessing import shared_memory as stock

import measure
import peers as others

import polyshm

MEGABYTE = 1 << 20


def lists(peers, count):
    values = list(range(count))
    made = {
        measure.OURS: polyshm.ShareableList(values),
        measure.STOCK: stock.ShareableList(values),
    }
    for one in made.values():
        peers.callback(one.shm.unlink)
        peers.callback(one.shm.close)
    return made


def holders(peers, count):
    """The same numbers in each peer."""
    values = list(range(count))
    found = {}
    array = peers.shared_array(count, "i8")
    if array:
        array[1][:] = values
        found["SharedArray"] = array[1]
    environment = peers.lmdb()
    if environment:
        with environment.begin(write=True) as transaction:
            transaction.cursor().putmulti(pairs(count))
        found["LMDB"] = environment
    client = peers.redis()
    if client:
        client.rpush("list", *values)
        found["Redis"] = client
    made = peers.ultradict(dict(enumerate(values)), buffer_size=1 << 20)
    if made is not None:
        found["UltraDict"] = made
    manager = peers.manager()
    if manager:
        found["Manager"] = manager.list(values)
    return found


def pairs(count):
    return [(b"%08d" % i, b"%d" % i) for i in range(count)]


def all_of_lmdb(environment):
    with environment.begin() as transaction:
        return [value for _, value in transaction.cursor()]


def put_all(environment, items):
    with environment.begin(write=True) as transaction:
        transaction.cursor().putmulti(items)


def set_each(made, values):
    for index, value in enumerate(values):
        made[index] = value


def push_all(client, values):
    client.delete("list")
    client.rpush("list", *values)


def runs_of(functions, made):
    """A run for each side that there is a function for."""
    return {
        side: measure.repeat(lambda f=functions[side], one=one: f(one))
        for side, one in made.items()
        if side in functions
    }


def items(given, count):
    with others.Peers(not given.no_peers) as peers:
        made = {**lists(peers, count), **holders(peers, count)}
        values = list(range(count))
        stored = pairs(count)
        ours, theirs = measure.OURS, measure.STOCK
        read_all = {
            ours: list,
            theirs: list,
            "SharedArray": lambda a: a.tolist(),
            "LMDB": all_of_lmdb,
            "Redis": lambda r: r.lrange("list", 0, -1),
            "UltraDict": lambda d: list(d.values()),
            "Manager": lambda m: m[:],
        }
        replace_all = {
            ours: lambda s: s.__setitem__(slice(None), values),
            theirs: lambda s: set_each(s, values),
            "SharedArray": lambda a: a.__setitem__(slice(None), values),
            "LMDB": lambda e: put_all(e, stored),
            "Redis": lambda r: push_all(r, values),
            "Manager": lambda m: m.__setitem__(slice(None), values),
        }
        total = {
            ours: sum,
            theirs: sum,
            "SharedArray": lambda a: a.sum(),
            "Redis": lambda r: sum(map(int, r.lrange("list", 0, -1))),
            "UltraDict": lambda d: sum(d.values()),
            "Manager": lambda m: sum(m[:]),
        }
        last = {
            ours: lambda s: s.index(count - 1),
            theirs: lambda s: s.index(count - 1),
            "Redis": lambda r: r.lpos("list", count - 1),
            "Manager": lambda m: m.index(count - 1),
        }
        for name, functions in (
            ("read all items", read_all),
            ("replace all items", replace_all),
            ("sum of all items", total),
            ("find the last item", last),
        ):
            measure.compare(
                "bulk",
                f"{name}, an item",
                runs_of(functions, made),
                given.effort,
                each=count,
                note=f"of {count:,}",
            )
        made.clear()


def raw(given):
    """A megabyte of bytes, there and back."""
    data = bytes(MEGABYTE)

    def through(block):
        def run(count):
            for _ in range(count):
                block.buf[:MEGABYTE] = data
                bytes(block.buf[:MEGABYTE])

        return run

    with others.Peers(not given.no_peers) as peers:
        runs = {}
        for side, module in ((measure.OURS, polyshm), (measure.STOCK, stock)):
            block = module.SharedMemory(create=True, size=MEGABYTE)
            peers.callback(block.unlink)
            peers.callback(block.close)
            runs[side] = through(block)
        environment = peers.lmdb()
        if environment:

            def store():
                with environment.begin(write=True) as transaction:
                    transaction.put(b"k", data)
                with environment.begin() as transaction:
                    transaction.get(b"k")

            runs["LMDB"] = measure.repeat(store)
        client = peers.redis()
        if client:
            runs["Redis"] = measure.repeat(
                lambda: (client.set("k", data), client.get("k"))
            )
        array = peers.shared_array(MEGABYTE, "u1")
        if array:
            numpy = __import__("numpy")
            given_bytes = numpy.frombuffer(data, "u1")

            def copy():
                array[1][:] = given_bytes
                array[1].tobytes()

            runs["SharedArray"] = measure.repeat(copy)
        manager = peers.manager()
        if manager:
            space = manager.list([b""])
            runs["Manager"] = measure.loop(
                "m[0] = d; m[0]", m=space, d=data
            )
        measure.compare(
            "bulk", "write and read 1 MiB of bytes", runs, given.effort, "us"
        )


def main():
    given = measure.options(__doc__)
    items(given, given.effort.size(100_000, 20_000, 200))
    raw(given)


if __name__ == "__main__":
    main()
