# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages of one topic to bytes and back.

What was written with another schema is read by Avro's rules of resolution:
fields we do not know are left out, fields it lacks take our default.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

from fastavro import parse_schema, schemaless_reader, schemaless_writer
from fastavro.schema import SchemaParseException

from ..avro import schema_text
from ..contract import Message, TopicSpec
from ..shape import Shape
from .framing import HEADER_SIZE, header

__all__ = ["BAD_BYTES", "Codec", "SchemaError"]

#: What decoding raises for bytes that are no message of the schema.
BAD_BYTES = (EOFError, IndexError, KeyError, TypeError, ValueError, OverflowError, MemoryError)


class SchemaError(ValueError):
    """A schema that cannot be used for a topic; the text says why."""


class Codec:
    """The bytes of one topic.

    Parameters
    ----------
    topic
        The topic.

    Attributes
    ----------
    topic
        As given.
    text
        Its schema as it is registered.
    shape
        What its messages look like.
    """

    def __init__(self, topic: TopicSpec) -> None:
        self.topic = topic
        self.text = schema_text(topic)
        self.shape = Shape(topic)
        self._schema = _parse(self.text)
        self._writers: dict[int, Any] = {}

    def encode(self, schema_id: int, message: Mapping[str, Any]) -> bytes:
        """Return the bytes of a message.

        Raises
        ------
        BusError
            If the message does not fit the topic.
        """
        self.shape.check(message)
        output = io.BytesIO()
        output.write(header(schema_id))
        schemaless_writer(output, self._schema, message)
        return output.getvalue()

    def learn(self, schema_id: int, text: str) -> None:
        """Take in a schema that messages of this topic are written with.

        Raises
        ------
        SchemaError
            If it is none.
        """
        self._writers[schema_id] = None if text == self.text else _parse(text)

    def knows(self, schema_id: int) -> bool:
        """Has a schema been taken in?"""
        return schema_id in self._writers

    def leads_with_index(self, schema_id: int) -> bool:
        """Is the SAL index the first field of a record written so?"""
        writer = self._writers[schema_id] or self._schema
        fields = writer.get("fields") if isinstance(writer, dict) else None
        if not fields:
            return False
        return fields[0]["name"] == "salIndex" and fields[0]["type"] in ("int", "long")

    def decode(self, schema_id: int, value: bytes) -> Message:
        """Return the message in a value; its schema has been taken in.

        Raises
        ------
        BAD_BYTES
            If it cannot be read.
        """
        source = io.BytesIO(value)
        source.seek(HEADER_SIZE)
        writer = self._writers[schema_id]
        if writer is None:
            message: Any = schemaless_reader(source, self._schema, None)
            return message  # type: ignore[no-any-return]
        message = schemaless_reader(source, writer, self._schema)
        # Fields in our order, and lists that are not the schema's own default.
        return self.shape.copy(message)


def _parse(text: str) -> Any:
    try:
        return parse_schema(json.loads(text))
    except (ValueError, SchemaParseException, KeyError, TypeError, AttributeError) as error:
        raise SchemaError(f"a schema that cannot be parsed: {error}") from error
