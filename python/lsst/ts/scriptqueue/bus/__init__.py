# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moving messages between processes: one small contract, several middlewares."""

from .choice import BUS_KINDS, connect, usual_kind
from .contract import (
    Bus,
    BusError,
    FieldSpec,
    FieldType,
    IndexRange,
    Link,
    Message,
    Reading,
    TopicKind,
    TopicSpec,
)

__all__ = [
    "BUS_KINDS",
    "Bus",
    "BusError",
    "FieldSpec",
    "FieldType",
    "IndexRange",
    "Link",
    "Message",
    "Reading",
    "TopicKind",
    "TopicSpec",
    "connect",
    "usual_kind",
]
