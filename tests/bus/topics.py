# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small topics for the tests of the bus, made by hand, and their messages."""

from __future__ import annotations

from typing import Any

from lsst.ts.scriptqueue.bus import FieldSpec, FieldType, Message, TopicKind, TopicSpec

INDEX = FieldSpec("salIndex", FieldType.INT)

#: One field of every type, and arrays.
EVENT = TopicSpec(
    "Probe",
    "logevent_everything",
    TopicKind.EVENT,
    (
        INDEX,
        FieldSpec("private_sndStamp", FieldType.DOUBLE, units="second"),
        FieldSpec("flag", FieldType.BOOLEAN),
        FieldSpec("octet", FieldType.BYTE),
        FieldSpec("small", FieldType.SHORT),
        FieldSpec("number", FieldType.LONG),
        FieldSpec("large", FieldType.LONG_LONG),
        FieldSpec("port", FieldType.UNSIGNED_SHORT),
        FieldSpec("mask", FieldType.UNSIGNED_INT),
        FieldSpec("ratio", FieldType.FLOAT),
        FieldSpec("text", FieldType.STRING),
        FieldSpec("salIndices", FieldType.INT, count=400),
        FieldSpec("switches", FieldType.BOOLEAN, count=3),
    ),
    "An event with one field of every kind.",
)

STATE = TopicSpec(
    "Probe",
    "logevent_state",
    TopicKind.EVENT,
    (INDEX, FieldSpec("number", FieldType.LONG), FieldSpec("text", FieldType.STRING)),
    "A small event.",
)

COMMAND = TopicSpec(
    "Probe",
    "command_go",
    TopicKind.COMMAND,
    (INDEX, FieldSpec("number", FieldType.LONG), FieldSpec("text", FieldType.STRING)),
    "A command.",
)

ACKNOWLEDGEMENT = TopicSpec(
    "Probe",
    "ackcmd",
    TopicKind.ACKNOWLEDGEMENT,
    (INDEX, FieldSpec("number", FieldType.LONG), FieldSpec("text", FieldType.STRING)),
    "An acknowledgement.",
)

TELEMETRY = TopicSpec(
    "Probe",
    "position",
    TopicKind.TELEMETRY,
    (INDEX, FieldSpec("number", FieldType.LONG), FieldSpec("text", FieldType.STRING)),
    "Telemetry.",
)

#: A component that is not indexed has no ``salIndex``.
BARE = TopicSpec(
    "Lonely",
    "logevent_state",
    TopicKind.EVENT,
    (FieldSpec("number", FieldType.LONG), FieldSpec("text", FieldType.STRING)),
    "An event without an index.",
)

ALL = (EVENT, STATE, COMMAND, ACKNOWLEDGEMENT, TELEMETRY)


def a_message(topic: TopicSpec = STATE, **changes: Any) -> Message:
    """Return a message of a topic, zero but for what is given."""
    zero: dict[FieldType, Any] = {
        FieldType.BOOLEAN: False,
        FieldType.FLOAT: 0.0,
        FieldType.DOUBLE: 0.0,
        FieldType.STRING: "",
    }
    message: Message = {}
    for field in topic.fields:
        value = zero.get(field.type, 0)
        message[field.name] = [value] * field.count if field.count > 1 else value
    return message | changes
