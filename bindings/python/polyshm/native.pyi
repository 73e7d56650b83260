# SPDX-License-Identifier: MIT
import os
from collections.abc import Callable
from types import TracebackType
from typing import Any, Protocol, type_check_only

from .shared_memory import ShareableList

__all__ = ["Library", "at", "available", "callback", "callbacks", "errno", "load"]

available: bool
callbacks: bool

# What bind() and callback() make; their classes have no public names.
@type_check_only
class _Function(Protocol):
    @property
    def __name__(self) -> str: ...
    @property
    def signature(self) -> str: ...
    def __call__(self, *arguments: Any) -> Any: ...

@type_check_only
class _Callback(Protocol):
    @property
    def address(self) -> int: ...
    def free(self) -> None: ...
    def __enter__(self) -> _Callback: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...

class Library:
    path: str | bytes | os.PathLike[Any] | None
    def __init__(self, path: str | bytes | os.PathLike[Any] | None) -> None: ...
    def bind(
        self,
        symbol: str,
        signature: str,
        *,
        lock: ShareableList[Any] | None = None,
        timeout: float | None = None,
        threads: bool = True,
    ) -> _Function: ...
    def symbol(self, symbol: str) -> int: ...

def load(path: str | bytes | os.PathLike[Any] | None = None) -> Library: ...
def at(
    address: int,
    signature: str,
    *,
    lock: ShareableList[Any] | None = None,
    timeout: float | None = None,
    threads: bool = True,
) -> _Function: ...
def callback(signature: str, function: Callable[..., Any]) -> _Callback: ...
def errno() -> int: ...
