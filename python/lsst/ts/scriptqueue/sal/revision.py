# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The revision code of a topic: a short hash of its definition.

Archives keep it with each message. It is computed as deployed components do
it, over the Avro schema of the topic as indented JSON; since the schema holds
the descriptions, which are our own words, the codes differ from theirs.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from ..bus.contract import FieldSpec, FieldType, TopicSpec
from .records import record_class

__all__ = ["avro_schema", "revision_code"]

_AVRO_TYPES = {
    FieldType.BOOLEAN: "boolean",
    FieldType.BYTE: "int",
    FieldType.SHORT: "int",
    FieldType.INT: "int",
    FieldType.LONG: "int",
    FieldType.UNSIGNED_SHORT: "int",
    FieldType.LONG_LONG: "long",
    FieldType.UNSIGNED_INT: "long",
    FieldType.FLOAT: "float",
    FieldType.DOUBLE: "double",
    FieldType.STRING: "string",
}


def avro_schema(topic: TopicSpec) -> dict[str, Any]:
    """Return the Avro schema of a topic."""
    defaults = record_class(topic).default_message()
    return {
        "type": "record",
        "name": topic.name,
        "namespace": f"lsst.sal.{topic.component}",
        "fields": [
            {
                "name": field.name,
                "type": _avro_type(field),
                "default": defaults[field.name],
                "description": field.description,
                "units": field.units,
            }
            for field in topic.fields
        ],
        "description": topic.description,
    }


def revision_code(topic: TopicSpec) -> str:
    """Return the revision code of a topic, eight hexadecimal digits."""
    text = json.dumps(avro_schema(topic), indent=4)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:8]


def _avro_type(field: FieldSpec) -> Any:
    item = _AVRO_TYPES[field.type]
    return item if field.count == 1 else {"type": "array", "items": item}
