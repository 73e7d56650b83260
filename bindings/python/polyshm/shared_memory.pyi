# SPDX-License-Identifier: MIT
# The shapes are those of typeshed's multiprocessing/shared_memory.pyi, so that a
# program that is typed against the standard library's stays so. What is written in
# C says here what it does, for editors.
from collections.abc import Coroutine, Iterable, Iterator
from types import GenericAlias, TracebackType
from typing import (
    Any,
    Generic,
    Literal,
    Protocol,
    SupportsIndex,
    TypeVar,
    Union,
    overload,
)

from typing_extensions import Self, TypeAlias

from .core import Lock

__all__ = ["SharedMemory", "ShareableList"]

_Item: TypeAlias = Union[int, float, bool, str, bytes, None]

# A list that is attached, or made of unlike items, is ShareableList[Any] unless
# it is said to be something else: its user knows which item is what.
_T = TypeVar("_T", int, float, bool, str, bytes, None)

_Str: TypeAlias = str
_Shape: TypeAlias = SupportsIndex | Iterable[SupportsIndex] | None

class _DType(Protocol):  # as numpy.dtype
    @property
    def str(self) -> _Str: ...

_IntType: TypeAlias = (
    type[int]
    | Literal["b", "B", "h", "H", "i", "I", "l", "L", "q", "Q", "n", "N"]
    | Literal["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"]
    | Literal["int8", "int16", "int32", "int64"]
    | Literal["uint8", "uint16", "uint32", "uint64"]
)
_FloatType: TypeAlias = (
    type[float]
    | Literal["f", "d", "f4", "f8", "float32", "float64"]
)

class SharedMemory:
    def __init__(
        self,
        name: str | None = None,
        create: bool = False,
        size: int = 0,
        *,
        track: bool | None = None,
        read_only: bool = False,
        sparse: bool = False,
        mode: int | None = None,
        foreign: bool = False,
    ) -> None: ...
    def __del__(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...
    # None once it is closed, which few want to be asked about at each use.
    @property
    def buf(self) -> memoryview | Any: ...
    @property
    def name(self) -> str: ...
    @property
    def size(self) -> int: ...
    @overload
    def view(
        self, dtype: _IntType = "B", shape: _Shape = None, offset: int = 0
    ) -> memoryview[int]: ...
    @overload
    def view(
        self, dtype: _FloatType, shape: _Shape = None, offset: int = 0
    ) -> memoryview[float]: ...
    @overload
    def view(
        self,
        dtype: str | type[Any] | _DType,
        shape: _Shape = None,
        offset: int = 0,
    ) -> memoryview[Any]: ...
    @property
    def __array_interface__(self) -> dict[str, Any]: ...
    def close(self) -> None: ...
    def unlink(self) -> None: ...

class ShareableList(Generic[_T]):
    @overload
    def __init__(
        self: ShareableList[Any],
        sequence: None = None,
        *,
        name: str | None = None,
        capacity: int = 0,
        track: bool | None = None,
        read_only: bool = False,
        sparse: bool = False,
        mode: int = 0o600,
        foreign: bool = False,
        timeout: float | None = 1.0,
    ) -> None: ...
    @overload
    def __init__(
        self,
        sequence: Iterable[_T],
        *,
        name: str | None = None,
        capacity: int = 0,
        track: bool | None = None,
        read_only: bool = False,
        sparse: bool = False,
        mode: int = 0o600,
        foreign: bool = False,
        timeout: float | None = 1.0,
    ) -> None: ...
    @overload
    def __init__(
        self: ShareableList[Any],
        sequence: Iterable[_Item],
        *,
        name: str | None = None,
        capacity: int = 0,
        track: bool | None = None,
        read_only: bool = False,
        sparse: bool = False,
        mode: int = 0o600,
        foreign: bool = False,
        timeout: float | None = 1.0,
    ) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...
    @property
    def shm(self) -> SharedMemory: ...
    @property
    def name(self) -> str: ...
    @property
    def format(self) -> str: ...
    @property
    def timeout(self) -> float | None: ...
    @timeout.setter
    def timeout(self, seconds: float | None, /) -> None: ...
    def __len__(self) -> int: ...
    @overload
    def __getitem__(self, position: SupportsIndex, /) -> _T: ...
    @overload
    def __getitem__(self, positions: slice, /) -> list[_T]: ...
    @overload
    def __setitem__(self, position: SupportsIndex, value: _T, /) -> None: ...
    @overload
    def __setitem__(self, positions: slice, values: Iterable[_T], /) -> None: ...
    def __iter__(self) -> Iterator[_T]: ...
    def __contains__(self, value: object, /) -> bool: ...
    def index(self, value: _T) -> int:
        """The index of the first item that equals value; ValueError if none does."""
    def count(self, value: _T) -> int:
        """How many items equal value."""
    def capacity(self, index: SupportsIndex) -> int: ...
    def add(self, index: SupportsIndex, delta: SupportsIndex = 1) -> int:
        """Add to an int item in one step and return the sum."""
    def swap(
        self,
        index: SupportsIndex,
        expected: SupportsIndex,
        desired: SupportsIndex,
    ) -> bool:
        """Replace an int item in one step, if it still is `expected`."""
    def snapshot(
        self,
        start: SupportsIndex | None = 0,
        stop: SupportsIndex | None = None,
    ) -> tuple[_T, ...]:
        """The items from start to stop as they all were at one moment."""
    def version(self, index: SupportsIndex | None = None) -> int:
        """A number that changes whenever a polyshm process changes the item, or
        without an index any item."""
    def wait(
        self,
        index: SupportsIndex | None = None,
        timeout: float | None = None,
        *,
        seen: int | None = None,
    ) -> bool:
        """Sleep until the item, or without an index any item, is changed by a
        polyshm process, since version() answered `seen` or since the call; False
        if the timeout, in seconds, is over."""
    def wait_async(
        self,
        index: SupportsIndex | None = None,
        timeout: float | None = None,
        *,
        seen: int | None = None,
    ) -> Coroutine[Any, Any, bool]: ...
    def lock(self, timeout: float | None = None) -> Lock:
        """Take the list's lock and return the Lock that stands for it. TimeoutError
        after `timeout` seconds."""
    def close(self) -> None: ...
    def unlink(self) -> None: ...
    def __class_getitem__(cls, item: Any, /) -> GenericAlias: ...
