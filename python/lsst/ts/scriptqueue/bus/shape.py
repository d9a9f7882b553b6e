# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a message of a topic must look like, and the check that it does.

Every implementation refuses the same messages with the same words, so that a
mistake shows in a test on the memory bus and not first on a real middleware.
Checking is cheap: numbers are packed by one precompiled struct; only a
message that does not fit is looked at field by field.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

from .contract import BusError, FieldSpec, FieldType, Message, TopicSpec

__all__ = ["MISFIT", "STRUCT_CODES", "Shape"]

#: struct code of each numeric SAL type; they also are the ranges allowed.
STRUCT_CODES: Mapping[FieldType, str] = {
    FieldType.BOOLEAN: "?",
    FieldType.BYTE: "B",
    FieldType.SHORT: "h",
    FieldType.INT: "i",
    FieldType.LONG: "i",
    FieldType.LONG_LONG: "q",
    FieldType.UNSIGNED_SHORT: "H",
    FieldType.UNSIGNED_INT: "I",
    FieldType.FLOAT: "f",
    FieldType.DOUBLE: "d",
}

#: What packing raises for a message that does not fit.
MISFIT = (KeyError, TypeError, AttributeError, ValueError, OverflowError, struct.error)


class Shape:
    """The shape of one topic's messages.

    Parameters
    ----------
    topic
        The topic.

    Attributes
    ----------
    names
        Field names in wire order.
    arrays
        Names of the array fields.
    indexed
        Does the topic have a ``salIndex``?
    """

    __slots__ = ("_array_checks", "_numbers", "_pack", "_strings", "arrays", "indexed", "names", "topic")

    def __init__(self, topic: TopicSpec) -> None:
        self.topic = topic
        self.names = tuple(field.name for field in topic.fields)
        self.indexed = "salIndex" in self.names
        wide = [field for field in topic.fields if field.count > 1]
        if any(field.type is FieldType.STRING for field in wide):
            raise BusError(f"{topic.component}.{topic.name}: a string field cannot be an array")
        self.arrays = tuple(field.name for field in wide)
        self._array_checks = tuple(
            (field.name, struct.Struct(f"={field.count}{STRUCT_CODES[field.type]}").pack) for field in wide
        )
        single = [field for field in topic.fields if field.count == 1]
        self._strings = tuple(field.name for field in single if field.type is FieldType.STRING)
        numbers = [field for field in single if field.type is not FieldType.STRING]
        self._numbers = tuple(field.name for field in numbers)
        self._pack = struct.Struct("=" + "".join(STRUCT_CODES[field.type] for field in numbers)).pack

    def snapshot(self, message: Mapping[str, Any]) -> Message:
        """Check a message and copy it, fields in wire order, lists renewed.

        Raises
        ------
        BusError
            If the message does not fit; the text names the field.
        """
        self.check(message)
        return self.copy(message)

    def copy(self, message: Mapping[str, Any]) -> Message:
        """Copy a message that is known to fit."""
        copied = {name: message[name] for name in self.names}
        for name in self.arrays:
            copied[name] = list(copied[name])
        return copied

    def check(self, message: Mapping[str, Any]) -> None:
        """Check a message.

        Raises
        ------
        BusError
            If the message does not fit; the text names the field.
        """
        try:
            fits = len(message) == len(self.names)
            self._pack(*[message[name] for name in self._numbers])
            for name, pack in self._array_checks:
                pack(*message[name])
            for name in self._strings:
                text = message[name]
                text.encode()
                fits = fits and "\0" not in text
        except MISFIT:
            fits = False
        if not fits:
            raise BusError(f"{self.topic.component}.{self.topic.name}: {self._misfit(message)}")

    def index_of(self, message: Mapping[str, Any]) -> int:
        """Return the SAL index a message is routed by; 0 if not indexed."""
        return int(message["salIndex"]) if self.indexed else 0

    def _misfit(self, message: Mapping[str, Any]) -> str:
        missing = [name for name in self.names if name not in message]
        if missing:
            return f"the message lacks {', '.join(missing)}"
        extra = [name for name in message if name not in self.names]
        if extra:
            return f"the topic has no field {', '.join(extra)}; its fields are {', '.join(self.names)}"
        for field in self.topic.fields:
            fault = _fault(field, message[field.name])
            if fault:
                return f"{field.name} {fault}, not {message[field.name]!r:.80}"
        return "the message does not fit the topic"


def _fault(field: FieldSpec, value: object) -> str:
    if field.type is FieldType.STRING:
        if not isinstance(value, str):
            return "must be text"
        try:
            value.encode()
        except UnicodeError:
            return "must be text that UTF-8 can encode"
        return "must be text without NUL characters" if "\0" in value else ""
    if field.count > 1 and not isinstance(value, list | tuple):
        return "must be a list"
    elements = value if isinstance(value, list | tuple) else (value,)
    try:
        struct.pack(f"={field.count}{STRUCT_CODES[field.type]}", *elements)
    except MISFIT:
        many = f"{field.count} values" if field.count > 1 else "one value"
        return f"must be {many} of type {field.type.value}"
    return ""
