# SPDX-License-Identifier: MIT
"""A program that is typed against the standard library's stubs: with the import
changed, and nothing else, it is still right. test_typing.py checks it both ways,
and that the lines marked `wrong` stay wrong."""

from __future__ import annotations

from multiprocessing.shared_memory import ShareableList, SharedMemory
from typing import Generic, TypeVar, cast

T = TypeVar("T", int, float, str)


class Scoreboard:
    def __init__(self, names: list[str], attached: str | None = None) -> None:
        if attached is None:
            self.points: ShareableList[int] = ShareableList([0] * len(names))
        else:
            self.points = ShareableList(name=attached)
        self.names = names

    def score(self, name: str, points: int = 1) -> int:
        position = self.names.index(name)
        self.points[position] += points
        return self.points[position]

    def best(self) -> str:
        everybody = range(len(self.points))
        return self.names[max(everybody, key=self.points.__getitem__)]


class Named(SharedMemory):
    """A subclass with a constructor of its own."""

    def __init__(self, name: str) -> None:
        super().__init__(name, create=True, size=64)

    def text(self) -> str:
        assert self.buf is not None
        return bytes(self.buf).rstrip(b"\0").decode()


class Column(Generic[T]):
    def __init__(self, items: ShareableList[T]) -> None:
        self.items: ShareableList[T] = items

    def first(self) -> T:
        return self.items[0]

    def everywhere(self, value: T) -> None:
        for position in range(len(self.items)):
            self.items[position] = value


def fill(block: SharedMemory, data: bytes) -> memoryview:
    view = cast(memoryview, block.buf)
    view[: len(data)] = data
    return view


def sizes(blocks: list[SharedMemory]) -> dict[str, int]:
    return {block.name: block.size for block in blocks}


def finish(block: SharedMemory) -> None:
    if block.buf is not None:
        block.buf[0] = 0
    block.close()
    block.unlink()


def work() -> None:
    block = SharedMemory(create=True, size=10)
    again = SharedMemory(block.name)
    fill(again, b"howdy")
    sizes([block, again])
    finish(block)

    words = ShareableList(["howdy", "there"], name="words")
    longest: int = max(len(words[i]) for i in range(len(words)))
    words[0] = "x" * longest
    there = words.index("there") + words.count("howdy")
    formats: str = words.format
    print(there, formats, Column(words).first().upper())
    words.shm.close()
    words.shm.unlink()

    floats = ShareableList([1.5, 2.5])
    floats[0] = floats[1] * 2
    attached: ShareableList[float] = ShareableList(name=floats.shm.name)
    total: float = attached[0] + attached[1]
    print(total)


def mistakes(words: ShareableList[str], block: SharedMemory) -> None:
    words[0] = 1  # wrong
    words.index(b"bytes")  # wrong
    number: int = words[0]  # wrong
    SharedMemory(1)  # wrong
    SharedMemory("name", size="large")  # wrong
    ShareableList([object()])  # wrong
    block.name = "another"  # wrong
    block.rename("another")  # wrong
    print(number)
