# SPDX-License-Identifier: MIT
"""One element read and written, from Python."""

from multiprocessing import shared_memory as stock

import measure
import peers as others

import polyshm

VALUES = {"int": 12345, "float": 2.5, "str of 10": "0123456789"}


def encoded(value):
    return value.encode() if isinstance(value, str) else b"%r" % value


def sides(peers, value, index):
    """{side: (statement that gets, that sets, names)}"""
    values = list(VALUES.values())
    ours, theirs = polyshm.ShareableList(values), stock.ShareableList(values)
    peers.callback(ours.shm.unlink)
    peers.callback(theirs.shm.unlink)
    peers.callback(theirs.shm.close)
    item = f"o[{index}]", f"o[{index}] = v"
    found = {
        measure.OURS: (*item, {"o": ours}),
        measure.STOCK: (*item, {"o": theirs}),
    }
    if isinstance(value, (int, float)):
        kind = "q" if isinstance(value, int) else "d"
        block = polyshm.SharedMemory(create=True, size=80)
        peers.callback(block.unlink)
        found["memoryview"] = ("o[5]", "o[5] = v", {"o": block.view(kind)})
        array = peers.shared_array(10, "i8" if kind == "q" else "f8")
        if array:
            found["SharedArray"] = ("o[5]", "o[5] = v", {"o": array[1]})
    environment = peers.lmdb()
    if environment:
        with environment.begin(write=True) as transaction:
            transaction.put(b"%08d" % index, encoded(value))
        found["LMDB"] = (
            "with o.begin() as t: t.get(k)",
            "with o.begin(write=True) as t: t.put(k, e)",
            {"o": environment, "k": b"%08d" % index, "e": encoded(value)},
        )
    made = peers.ultradict(dict(enumerate(values)), buffer_size=1 << 20)
    if made is not None:
        found["UltraDict"] = (*item, {"o": made})
    manager = peers.manager()
    if manager:
        found["Manager"] = (*item, {"o": manager.list(values)})
    client = peers.redis()
    if client:
        client.set("key", value)
        found["Redis"] = (
            "o.get('key')",
            "o.set('key', v)",
            {"o": client},
        )
    return found


def main():
    given = measure.options(__doc__)
    for index, (kind, value) in enumerate(VALUES.items()):
        with others.Peers(not given.no_peers) as peers:
            found = sides(peers, value, index)
            for place, verb in enumerate(("get", "set")):
                runs = {
                    side: measure.loop(made[place], v=value, **made[2])
                    for side, made in found.items()
                }
                measure.compare(
                    "access",
                    f"{verb} {kind}",
                    runs,
                    given.effort,
                    empty=measure.loop("pass"),
                )
            del found, runs


if __name__ == "__main__":
    main()
