# SPDX-License-Identifier: MIT
"""What polyshm has and stock does not, as typed programs use it. Lines marked
`wrong` are wrong."""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

import polyshm
from polyshm import BlockInfo, Lock, ShareableList, SharedMemory
from polyshm.managers import SharedMemoryManager
from polyshm.shared_memory import ShareableList as TheSame

T = TypeVar("T", int, str)


def blocks() -> None:
    with SharedMemory(create=True, size=80, mode=0o640, track=False) as block:
        number: int = block.view()[0] + block.view("u2", 4)[3]
        level: float = block.view("f8", (2, 5))[0, 1]
        levels: memoryview[float] = block.view(float, shape=2, offset=64)
        anything: Any = block.view("<f8")[0]
        names: dict[str, Any] = block.__array_interface__
        print(number, level, levels, anything, names)
    attached = SharedMemory("name", read_only=True, foreign=True)
    attached.view(1.5)  # wrong
    attached.view("B", "4")  # wrong
    SharedMemory("name", create=True, size=8, mode="rw")  # wrong


class Counters(ShareableList[int]):
    def __init__(self, count: int) -> None:
        super().__init__([0] * count)

    def most(self, start: int) -> int:
        return max(self[start:])


class Pair(ShareableList[T]):
    def __init__(self, first: T, second: T) -> None:
        super().__init__([first, second])


def managers() -> None:
    with SharedMemoryManager(("localhost", 0), b"key", timeout=None) as smm:
        counts = smm.ShareableList([1, 2], "counts", capacity=8)
        total: int = counts.add(0) + len(smm.list_segments())
        smm.release(smm.SharedMemory(total, name="block").name)
        smm.SharedMemory("10")  # wrong
        smm.track(b"block")  # wrong
    server = SharedMemoryManager("/tmp/socket", authkey=b"key").get_server()
    address: str | bytes | tuple[str, int] = server.address
    print(address, smm.pid)
    SharedMemoryManager(authkey="key")  # wrong
    server.serve_forever()


def lists() -> None:
    mixed = ShareableList([0, "nobody", None, 1.5, b"raw"])
    count: int = mixed.add(0, 1)
    mixed[1] = "Python"
    print(f"{mixed[0] + count} visits, the last by {mixed[1].title()}")

    unknown = ShareableList(name="visits")  # nobody knows what is in it
    unknown[0] = unknown[1]

    rates: ShareableList[float] = ShareableList([1, 2, 3])
    rates[0] = 0.5
    levels = ShareableList([1, 2.5])
    levels[0] = 0.5
    applied = ShareableList[int]([1, 2])
    applied[0] = 0.5  # wrong
    low: int = Pair(1, 2)[0]
    Counters(low).most("text")  # wrong
    ShareableList([1, object()])  # wrong

    numbers = ShareableList([1, 2, 3], capacity=64, timeout=None)
    first_two: list[int] = numbers[:2]
    numbers[1:] = (value * 2 for value in numbers)
    numbers[0] = "text"  # wrong
    numbers[:2] = ["a", "b"]  # wrong
    moment: tuple[int, ...] = numbers.snapshot(0, 2)
    swapped: bool = numbers.swap(0, 1, 2)
    same: TheSame[int] = numbers
    print(first_two, moment, swapped, same.capacity(-1), 3 in numbers)
    print(sum(numbers), sorted(numbers), numbers.name)


def together(numbers: ShareableList[int]) -> None:
    with numbers.lock(timeout=2) as lock:
        held: Lock = lock
        if held.recovered:
            numbers[0] = 0
    numbers.timeout = 0.5
    seen = numbers.version(0)
    changed: bool = numbers.wait(0, 1.5, seen=seen)
    numbers.wait("0")  # wrong
    try:
        numbers.close()
    except polyshm.BusyError as error:
        problem: BufferError = error
        print(problem, changed)


async def later(numbers: ShareableList[int]) -> bool:
    changed = await asyncio.gather(numbers.wait_async(0), numbers.wait_async())
    return all(changed)


def outside() -> None:
    every: list[BlockInfo] = polyshm.list_blocks()
    for info in polyshm.blocks():
        print(info.name.upper(), info.size + 1, oct(info.mode))
        print(info.length + 1)  # wrong
        every.append(info)
        name, kind, *_ = info
        print(name.upper(), kind == "list", info[2] + 1)
    processes: list[int] = polyshm.holders(every[0].name)
    removed: int = polyshm.gc(dry_run=True)
    print(processes, removed, polyshm.inspect("name").orphan)
    print(polyshm.backend.upper(), polyshm.__version__.split("."))
