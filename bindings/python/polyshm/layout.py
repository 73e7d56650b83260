# SPDX-License-Identifier: MIT
"""What stock Python's ShareableList has besides its public names: where things
are in the block. They are for programs that look into it; polyshm's own element
access needs none of them."""

import struct

from . import core

__all__ = ["Layout"]

_ENCODING = "utf8"


class Layout:
    """For a list with a `shm`.

    The block holds, each number in 8 bytes: how many items there are; where each
    begins, and the last one ends, counted from the first one; the items; the
    format of each, for the struct module; and in a byte for each what to do with
    what that module finds. Behind that, polyshm keeps a trailer of its own.
    """

    _types_mapping = {
        int: "q",
        float: "d",
        bool: "xxxxxxx?",
        str: "%ds",
        bytes: "%ds",
        type(None): "xxxxxx?x",
    }
    _alignment = 8
    _back_transforms_mapping = {
        0: lambda value: value,
        1: lambda value: value.rstrip(b"\0").decode(_ENCODING),
        2: lambda value: value.rstrip(b"\0"),
        3: lambda _value: None,
    }

    @staticmethod
    def _extract_recreation_code(value):
        if isinstance(value, str):
            return 1
        if isinstance(value, bytes):
            return 2
        return 3 if value is None else 0

    @property
    def _bytes(self):
        buf = self.shm.buf
        if buf is None:
            raise core.ClosedError(f"the list {self.name!r} has been closed")
        return buf

    @property
    def _list_len(self):
        return len(self)

    @property
    def _allocated_offsets(self):
        return list(
            struct.unpack_from(self._format_size_metainfo, self._bytes, 8)
        )

    @property
    def _format_size_metainfo(self):
        return "q" * (self._list_len + 1)

    @property
    def _format_packing_metainfo(self):
        return "8s" * self._list_len

    @property
    def _format_back_transform_codes(self):
        return "b" * self._list_len

    @property
    def _offset_data_start(self):
        return (self._list_len + 2) * 8

    @property
    def _offset_packing_formats(self):
        (size,) = struct.unpack_from("q", self._bytes, (self._list_len + 1) * 8)
        return self._offset_data_start + size

    @property
    def _offset_back_transform_codes(self):
        return self._offset_packing_formats + self._list_len * 8

    def _check_position(self, position):
        if not 0 <= position < self._list_len:
            raise IndexError("Requested position out of range.")

    def _get_packing_format(self, position):
        if position < 0:
            position += self._list_len
        self._check_position(position)
        start = self._offset_packing_formats + position * 8
        return (
            bytes(self._bytes[start : start + 8])
            .rstrip(b"\0")
            .decode(_ENCODING)
        )

    def _get_back_transform(self, position):
        self._check_position(position)
        code = self._bytes[self._offset_back_transform_codes + position]
        return self._back_transforms_mapping[code]

    @property
    def format(self):
        """The formats of all items, in the struct module's words."""
        start = self._offset_packing_formats
        formats = bytes(self._bytes[start : start + self._list_len * 8])
        return formats.replace(b"\0", b"").decode(_ENCODING)
