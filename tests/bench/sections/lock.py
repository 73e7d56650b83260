# SPDX-License-Identifier: MIT
"""A lock taken and given back, and what people use locks for: counting."""

import fcntl
import multiprocessing
import os
import tempfile
from multiprocessing import shared_memory as stock

import crowd
import measure
import peers as others

import polyshm


def locked_file(path):
    """The oldest peer: a lock on a file, by system calls."""
    file = os.open(path, os.O_RDWR)

    def run():
        fcntl.flock(file, fcntl.LOCK_EX)
        fcntl.flock(file, fcntl.LOCK_UN)

    return run


def uncontended(given):
    with others.Peers(not given.no_peers) as peers:
        made = polyshm.ShareableList([0])
        peers.callback(made.shm.unlink)
        lock = multiprocessing.Lock()
        file = peers.enter_context(tempfile.NamedTemporaryFile())
        runs = {
            measure.OURS: measure.loop("s.lock().unlock()", s=made),
            measure.STOCK: measure.loop("l.acquire(); l.release()", l=lock),
            "flock": measure.repeat(locked_file(file.name)),
        }
        posix = peers.posix_ipc()
        if posix:
            semaphore = make_semaphore(posix, peers)
            runs["posix_ipc"] = measure.loop(
                "s.acquire(); s.release()", s=semaphore
            )
        client = peers.redis()
        if client:
            runs["Redis"] = measure.loop(
                "r.set('lock', 1, nx=True, px=9999); r.delete('lock')", r=client
            )
        manager = peers.manager()
        if manager:
            runs["Manager"] = measure.loop(
                "l.acquire(); l.release()", l=manager.Lock()
            )
        measure.compare("lock", "lock and unlock, alone", runs, given.effort)


def make_semaphore(posix, stack, value=1):
    name = f"/polyshm-bench-{os.getpid()}-{os.urandom(4).hex()}"
    semaphore = posix.Semaphore(name, posix.O_CREX, initial_value=value)
    semaphore.unlink()
    stack.callback(semaphore.close)
    return semaphore


def counters(peers):
    """{side: what makes, in its process, a function that adds one}"""
    ours = polyshm.ShareableList([0])
    theirs = stock.ShareableList([0])
    for made in (ours, theirs):
        peers.callback(made.shm.unlink)
        peers.callback(made.shm.close)
    lock = crowd.fork.Lock()

    def count_ours(number, stack):
        return lambda: ours.add(0, 1)

    def count_stock(number, stack):
        def run():
            with lock:
                theirs[0] += 1

        return run

    found = {measure.OURS: count_ours, measure.STOCK: count_stock}
    posix = peers.posix_ipc()
    array = peers.shared_array(1, "i8")
    if posix and array:
        semaphore = make_semaphore(posix, peers)

        def count_array(number, stack):
            def run():
                with semaphore:
                    array[1][0] += 1

            return run

        found["posix_ipc"] = count_array  # its semaphore, and a plain number
    path = peers.lmdb_path()
    if path:

        def count_database(number, stack):
            environment = stack.enter_context(others.open_lmdb(path))

            def run():
                with environment.begin(write=True) as transaction:
                    now = int(transaction.get(b"n", b"0"))
                    transaction.put(b"n", b"%d" % (now + 1))

            return run

        found["LMDB"] = count_database
    made = peers.ultradict({"n": 0}, buffer_size=1 << 20)
    if made is not None:

        def count_dict(number, stack):
            def run():
                with made.lock:
                    made["n"] += 1

            return run

        found["UltraDict"] = count_dict
    socket = peers.redis_socket()
    if socket:

        def count_redis(number, stack):
            client = others.open_redis(socket)
            return lambda: client.incr("n")

        found["Redis"] = count_redis
    return found


def change_both(peers):
    """Two items changed under a lock: what one atomic call cannot do."""
    ours = polyshm.ShareableList([0, 0])
    theirs = stock.ShareableList([0, 0])
    for made in (ours, theirs):
        peers.callback(made.shm.unlink)
        peers.callback(made.shm.close)
    lock = crowd.fork.Lock()

    def body(made, guard):
        def run():
            with guard():
                made[0] += 1
                made[1] -= 1

        return lambda number, stack: run

    return {
        measure.OURS: body(ours, ours.lock),
        measure.STOCK: body(theirs, lambda: lock),
        "flock": lambda number, stack: change_with_file(ours, stack),
    }


def change_with_file(made, stack):
    path = f"/dev/shm/{made.shm.name}"
    file = os.open(path, os.O_RDWR)
    stack.callback(os.close, file)

    def run():
        fcntl.flock(file, fcntl.LOCK_EX)
        made[0] += 1
        made[1] -= 1
        fcntl.flock(file, fcntl.LOCK_UN)

    return run


def contended(given):
    seconds = given.effort.size(0.3, 0.1, 0.01)
    rounds = given.effort.size(5, 3, 1)
    for name, make in (
        ("two processes count in one item", counters),
        ("two processes change two items under a lock", change_both),
    ):
        with others.Peers(not given.no_peers) as peers:
            sides = make(peers)
            found = crowd.rates(sides, 2, seconds, rounds)
            each = {side: [1e9 / one for one in r] for side, r in found.items()}
            measure.row(
                "lock", f"{name}, each change", each, "ns", by="median"
            )
            sides.clear()


def main():
    given = measure.options(__doc__)
    uncontended(given)
    contended(given)


if __name__ == "__main__":
    main()
