# SPDX-License-Identifier: MIT
"""Addresses of managers, as stock Python and as the core writes them."""

import operator
import os

_PREFIXES = "unix:", "tcp:"


def _unrecognized(address, kind):
    return kind(f"address type of {address!r} unrecognized")


def _tcp(host, port):
    port = operator.index(port)
    if ":" in host:
        host = f"[{host}]"
    return f"tcp:{host or '0.0.0.0'}:{port}".encode()


def to_core(address):
    """The core's bytes; None for a fresh one."""
    if not address:
        return None
    if isinstance(address, tuple):
        return _tcp(*address)
    if isinstance(address, str) and address.startswith(_PREFIXES):
        return os.fsencode(address)
    if not isinstance(address, (str, bytes)):
        raise _unrecognized(address, TypeError)
    plain = os.fsencode(address)
    if plain[0] == 0:
        return b"unix:@" + plain[1:]
    if isinstance(address, bytes):
        raise _unrecognized(address, ValueError)
    if plain.startswith(b"@"):
        plain = b"./" + plain  # a path, and not the core's mark
    return b"unix:" + plain


def from_core(text):
    """What stock Python connects to."""
    kind, _, rest = text.partition(b":")
    if kind == b"tcp":
        host, _, port = rest.rpartition(b":")
        return host.decode().strip("[]"), int(port)
    if rest.startswith(b"@"):
        return b"\0" + rest[1:]
    return os.fsdecode(rest)
