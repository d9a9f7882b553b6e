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

from ..bus.avro import avro_schema
from ..bus.contract import TopicSpec

__all__ = ["avro_schema", "revision_code"]


def revision_code(topic: TopicSpec) -> str:
    """Return the revision code of a topic, eight hexadecimal digits."""
    text = json.dumps(avro_schema(topic), indent=4)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:8]
