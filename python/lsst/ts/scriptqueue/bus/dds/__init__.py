# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bus on Eclipse Cyclone DDS.

From the bottom up: `library` is the C library; `sample` and `topic_type` are
messages and topics in its terms; `partition`, `qos` and `discovery` are what
we ask of it; `domain` and `participant` are this process's place in it;
`reader` and `writer` are one topic each; `answering`, `presence` and
`settling` make sure that nothing is lost while processes find each other;
`link` and `bus` keep the contract.
"""

from .bus import DdsBus

__all__ = ["DdsBus"]
