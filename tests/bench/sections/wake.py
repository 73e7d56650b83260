# SPDX-License-Identifier: MIT
"""Waking another process and being woken by its answer: there and back."""

import collections
import ctypes
import os

import crowd
import measure
import peers as others

import polyshm

SIZE = 100  # bytes of a message

# What a side has: how the child's answering is made, and how the asker's
# asking is made, once the child is there.
Side = collections.namedtuple("Side", "answer ask")


def ours(peers, message):
    """Slot 0 is for those who ask, slot 1 for those who answer."""
    start = 0 if message is None else message
    made = polyshm.ShareableList([start, start])
    peers.callback(made.shm.unlink)
    peers.callback(made.shm.close)

    def give(slot):
        if message is None:
            made.add(slot, 1)
        else:
            made[slot] = message

    def answer(stack):
        seen = made.version(0)

        def run():
            nonlocal seen
            made.wait(0, seen=seen)
            seen = made.version(0)
            made[0]
            give(1)

        return run

    def ask():
        seen = made.version(1)
        give(0)
        made.wait(1, seen=seen)
        made[1]

    return Side(answer, lambda stack: ask)


def pipe(peers, message):
    mine, other = crowd.fork.Pipe()
    data = b"x" if message is None else message.encode()

    def answer(stack):
        return lambda: other.send_bytes(other.recv_bytes())

    def ask():
        mine.send_bytes(data)
        mine.recv_bytes()

    return Side(answer, lambda stack: ask)


def queue(peers, message):
    there, back = crowd.fork.SimpleQueue(), crowd.fork.SimpleQueue()

    def ask():
        there.put(message)
        back.get()

    return Side(lambda stack: lambda: back.put(there.get()), lambda stack: ask)


def semaphores(there, back):
    def answer():
        there.acquire()
        back.release()

    def ask():
        there.release()
        back.acquire()

    return Side(lambda stack: answer, lambda stack: ask)


def stock_semaphores(peers, message):
    return semaphores(crowd.fork.Semaphore(0), crowd.fork.Semaphore(0))


def posix_semaphores(peers, message):
    posix = peers.posix_ipc()
    if not posix:
        return None
    names = [f"/polyshm-bench-{os.getpid()}-{word}" for word in ("there", "back")]
    made = [
        posix.Semaphore(name, posix.O_CREX, initial_value=0) for name in names
    ]
    for one in made:
        one.unlink()
    return semaphores(*made)


def redis(peers, message):
    socket = peers.redis_socket()
    if not socket:
        return None
    data = b"x" if message is None else message.encode()

    def answer(stack):
        client = others.open_redis(socket)
        return lambda: client.rpush("back", client.blpop("there")[1])

    def prepare(stack):
        client = others.open_redis(socket)
        stack.callback(client.close)

        def ask():
            client.rpush("there", data)
            client.blpop("back")

        return ask

    return Side(answer, prepare)


class Iceoryx:
    """One end of two events, and of two channels if there are messages."""

    def __init__(self, module, configuration, asks, message):
        self.module = module
        self.message = message
        self.node = (
            module.NodeBuilder.new()
            .config(configuration)
            .create(module.ServiceType.Ipc)
        )
        sends, hears = ("there", "back") if asks else ("back", "there")
        self.notifier = self.event(sends).notifier_builder().create()
        self.listener = self.event(hears).listener_builder().create()
        if message is not None:
            self.publisher = (
                self.channel(sends)
                .publisher_builder()
                .initial_max_slice_len(SIZE)
                .create()
            )
            self.subscriber = self.channel(hears).subscriber_builder().create()

    def event(self, name):
        name = self.module.ServiceName.new(name)
        return self.node.service_builder(name).event().open_or_create()

    def channel(self, name):
        name = self.module.ServiceName.new(name)
        kind = self.module.Slice[ctypes.c_uint8]
        builder = self.node.service_builder(name).publish_subscribe(kind)
        return builder.open_or_create()

    def send(self):
        if self.message is not None:
            sample = self.publisher.loan_slice_uninit(SIZE)
            ctypes.memmove(sample.payload_ptr, self.message, SIZE)
            sample.assume_init().send()
        self.notifier.notify()

    def receive(self):
        while not self.listener.blocking_wait():
            pass
        if self.message is not None:
            ctypes.string_at(self.subscriber.receive().payload_ptr, SIZE)


def iceoryx2(peers, message):
    made = peers.iceoryx2()
    if not made:
        return None
    data = None if message is None else message.encode()

    def answer(stack):
        end = Iceoryx(*made, False, data)

        def run():
            end.receive()
            end.send()

        return run

    def prepare(stack):
        end = Iceoryx(*made, True, data)

        def ask():
            end.send()
            end.receive()

        return ask

    return Side(answer, prepare)


def start(peers, make, message):
    """Start who answers; give what asks."""
    made = make(peers, message)
    if made is None:
        return None
    child = crowd.Answerer(made.answer)
    peers.callback(child.end)
    return made.ask(peers)


def play(given, name, message, makers):
    with others.Peers(not given.no_peers) as peers:
        runs = {}
        for side, make in makers.items():
            if side in (measure.OURS, measure.STOCK):
                ask = start(peers, make, message)
            else:
                ask = peers.ready(
                    side, lambda make=make: start(peers, make, message)
                )
            if ask is not None:
                runs[side] = measure.repeat(ask)
        measure.compare(
            "wake", name, runs, given.effort, "us", by="median"
        )


def main():
    given = measure.options(__doc__)
    play(
        given,
        "wake another process, be woken",
        None,
        {
            measure.OURS: ours,
            measure.STOCK: stock_semaphores,
            "Pipe": pipe,
            "posix_ipc": posix_semaphores,
            "iceoryx2": iceoryx2,
            "Redis": redis,
        },
    )
    play(
        given,
        f"a message of {SIZE} bytes, and one back",
        "m" * SIZE,
        {
            measure.OURS: ours,
            measure.STOCK: pipe,
            "SimpleQueue": queue,
            "iceoryx2": iceoryx2,
            "Redis": redis,
        },
    )


if __name__ == "__main__":
    main()
