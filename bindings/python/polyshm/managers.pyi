# SPDX-License-Identifier: MIT
# The shapes are those of typeshed's multiprocessing/managers.pyi.
from collections.abc import Callable, Iterable
from multiprocessing.context import BaseContext
from types import TracebackType
from typing import Any, Literal, NoReturn, TypeVar, Union

from typing_extensions import Self, TypeAlias

from .shared_memory import ShareableList, SharedMemory

__all__ = ["SharedMemoryManager", "SharedMemoryServer"]

_Address: TypeAlias = Union[str, bytes, tuple[str, int]]
_T = TypeVar("_T", int, float, bool, str, bytes, None)

class SharedMemoryServer:
    def __init__(
        self,
        address: _Address | None,
        authkey: bytes,
        *,
        remote: bool = False,
        md5: bool = True,
        parent: int = 0,
    ) -> None: ...
    @property
    def address(self) -> _Address: ...
    def serve_forever(self) -> NoReturn: ...
    def serve(self) -> None: ...
    def stop(self) -> None: ...

class SharedMemoryManager:
    def __init__(
        self,
        address: _Address | None = None,
        authkey: bytes | None = None,
        serializer: Literal["pickle"] = "pickle",
        ctx: BaseContext | None = None,
        *,
        shutdown_timeout: float = 1.0,
        timeout: float | None = 10.0,
        detached: bool = False,
        md5: bool = True,
        remote: bool = False,
    ) -> None: ...
    @property
    def address(self) -> _Address | None: ...
    @property
    def pid(self) -> int | None: ...
    def start(
        self,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
    ) -> None: ...
    def connect(self) -> None: ...
    def shutdown(self) -> None: ...
    def close(self) -> None: ...
    def join(self, timeout: float | None = None) -> None: ...
    def get_server(self) -> SharedMemoryServer: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...
    def SharedMemory(
        self,
        size: int,
        name: str | None = None,
        *,
        sparse: bool = False,
        mode: int = 0o600,
    ) -> SharedMemory: ...
    def ShareableList(
        self,
        sequence: Iterable[_T],
        name: str | None = None,
        *,
        capacity: int = 0,
        sparse: bool = False,
        mode: int = 0o600,
        timeout: float | None = 1.0,
    ) -> ShareableList[_T]: ...
    def track(self, name: str) -> None: ...
    def release(self, name: str) -> None: ...
    def list_segments(self) -> list[str]: ...
    @classmethod
    def register(cls, typeid: str, *_: Any, **__: Any) -> NoReturn: ...
