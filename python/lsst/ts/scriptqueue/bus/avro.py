# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Avro schema of a topic, as every component of the observatory derives it.

The text is part of the protocol: registries tell schemas apart by it, and
archives keep a hash of it. A field is only ever added, at the end, with its
default, so that readers and writers of other versions get along.
"""

from __future__ import annotations

import json
from typing import Any

from .contract import FieldSpec, FieldType, TopicSpec

__all__ = ["avro_schema", "schema_text"]

_TYPES: dict[FieldType, tuple[str, Any]] = {
    FieldType.BOOLEAN: ("boolean", False),
    FieldType.BYTE: ("int", 0),
    FieldType.SHORT: ("int", 0),
    FieldType.INT: ("int", 0),
    FieldType.LONG: ("int", 0),
    FieldType.UNSIGNED_SHORT: ("int", 0),
    FieldType.LONG_LONG: ("long", 0),
    FieldType.UNSIGNED_INT: ("long", 0),
    FieldType.FLOAT: ("float", 0.0),
    FieldType.DOUBLE: ("double", 0.0),
    FieldType.STRING: ("string", ""),
}


def avro_schema(topic: TopicSpec) -> dict[str, Any]:
    """Return the Avro schema of a topic."""
    return {
        "type": "record",
        "name": topic.name,
        "namespace": f"lsst.sal.{topic.component}",
        "fields": [_field(field) for field in topic.fields],
        "description": topic.description,
    }


def schema_text(topic: TopicSpec) -> str:
    """Return the schema as it is registered: JSON on one line."""
    return json.dumps(avro_schema(topic))


def _field(field: FieldSpec) -> dict[str, Any]:
    avro_type, zero = _TYPES[field.type]
    is_array = field.count > 1
    return {
        "name": field.name,
        "type": {"type": "array", "items": avro_type} if is_array else avro_type,
        "default": [zero] * field.count if is_array else zero,
        "description": field.description,
        "units": field.units,
    }
