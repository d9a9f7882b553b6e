# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What surrounds the Avro record of a message, and its key.

A value is a zero byte, the id of the writer's schema in four bytes, highest
first, and the record. The key names the component, the index of who writes,
and the topic; telemetry has none.
"""

from __future__ import annotations

import struct

from ..contract import TopicKind, TopicSpec

__all__ = ["HEADER_SIZE", "FramingError", "header", "leading_int", "message_key", "schema_id_of"]

_HEADER = struct.Struct(">bI")
HEADER_SIZE = _HEADER.size


class FramingError(ValueError):
    """Bytes that are no message; the text says why."""


def header(schema_id: int) -> bytes:
    """Return what precedes a record written with a schema."""
    return _HEADER.pack(0, schema_id)


def schema_id_of(value: bytes | None) -> int:
    """Return the id of the schema a value was written with.

    Raises
    ------
    FramingError
        If it does not begin as a message does.
    """
    if value is None or len(value) < HEADER_SIZE:
        raise FramingError(f"a value of {len(value or b'')} bytes; a message has at least {HEADER_SIZE}")
    magic, schema_id = _HEADER.unpack_from(value)
    if magic != 0:
        raise FramingError(f"a value that begins with {magic}; a message begins with 0")
    return int(schema_id)


def leading_int(value: bytes) -> int:
    """Return the record's first field, which must be an Avro int.

    Raises
    ------
    FramingError
        If the value ends within it.
    """
    result = shift = 0
    for byte in value[HEADER_SIZE : HEADER_SIZE + 10]:
        result |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return (result >> 1) ^ -(result & 1)
    raise FramingError("a value that ends within its first field")


def message_key(topic: TopicSpec, index: int) -> bytes:
    """Return the key of what a component with this index writes."""
    if topic.kind is TopicKind.TELEMETRY:
        return b""
    is_indexed = any(field.name == "salIndex" for field in topic.fields)
    index_part = f' "index": {index},' if is_indexed else ""
    return f'{{ "name": "{topic.component}",{index_part} "topic": "{topic.name}" }}'.encode()
