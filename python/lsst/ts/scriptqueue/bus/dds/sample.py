# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages as the C structs that the DDS library writes and reads.

A topic's struct holds its fields in order, aligned as the compiler does it: a
string as a pointer, an array in place. One precompiled struct format packs
or unpacks all fields at once.
"""

from __future__ import annotations

import ctypes
import struct
import time
from collections.abc import Mapping
from typing import Any

from ..contract import FieldType, Message, TopicSpec
from ..shape import MISFIT, STRUCT_CODES, Shape

__all__ = ["SampleFormat", "address_of", "stamp_ns"]

_last_stamp_ns = 0


class SampleFormat:
    """How the messages of one topic lie in memory.

    Parameters
    ----------
    topic
        The topic.

    Attributes
    ----------
    shape
        The check of its messages.
    size
        Bytes of the struct.
    """

    def __init__(self, topic: TopicSpec) -> None:
        self.shape = Shape(topic)
        codes = [STRUCT_CODES.get(field.type, "P") for field in topic.fields]
        layout = "".join(f"{field.count}{code}" for field, code in zip(topic.fields, codes, strict=True))
        # A struct's length is a multiple of its strictest alignment.
        self._struct = struct.Struct(f"@{layout}0{max(codes, key=struct.calcsize)}")
        self.size = self._struct.size
        self._fields = [(field.name, field.type is FieldType.STRING, field.count) for field in topic.fields]

    def pack(self, message: Mapping[str, Any]) -> bytearray:
        """Return a struct followed by the strings it points to.

        The pointers are good as long as the bytearray lives and is not moved;
        so it must not be resized.

        Raises
        ------
        BusError
            If the message does not fit the topic.
        """
        try:
            if len(message) != len(self._fields):
                raise KeyError
            return self._packed(message)
        except MISFIT:
            self.shape.check(message)
            raise

    def _packed(self, message: Mapping[str, Any]) -> bytearray:
        values: list[Any] = []
        texts: list[bytes] = []
        places: list[int] = []
        offset = self.size
        for name, is_text, count in self._fields:
            value = message[name]
            if is_text:
                text = value.encode()
                if b"\0" in text:
                    raise ValueError
                places.append(len(values))
                values.append(offset)
                texts.append(text)
                offset += len(text) + 1
            elif count > 1:
                if len(value) != count:
                    raise ValueError
                values += value
            else:
                values.append(value)
        buffer = bytearray(offset)
        address = address_of(buffer)
        for place in places:
            values[place] += address
        self._struct.pack_into(buffer, 0, *values)
        if texts:
            buffer[self.size : offset - 1] = b"\0".join(texts)
        return buffer

    def unpack(self, address: int) -> Message:
        """Return the message in the struct at an address.

        Raises
        ------
        UnicodeDecodeError
            If a string is not UTF-8.
        """
        string_at = ctypes.string_at
        values = self._struct.unpack(string_at(address, self.size))
        message: Message = {}
        position = 0
        for name, is_text, count in self._fields:
            if is_text:
                pointer = values[position]
                message[name] = string_at(pointer).decode() if pointer else ""
                position += 1
            elif count > 1:
                message[name] = list(values[position : position + count])
                position += count
            else:
                message[name] = values[position]
                position += 1
        return message


def address_of(buffer: bytearray) -> int:
    """Return where a bytearray's contents lie in memory."""
    return ctypes.addressof(ctypes.c_char.from_buffer(buffer))


def stamp_ns() -> int:
    """Return a source time stamp, unix ns; they increase whatever the clock does."""
    global _last_stamp_ns
    _last_stamp_ns = max(time.time_ns(), _last_stamp_ns + 1)
    return _last_stamp_ns
