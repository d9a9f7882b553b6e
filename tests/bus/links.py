# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Links that only write, or only read."""

from __future__ import annotations

from lsst.ts.scriptqueue.bus import Bus, IndexRange, Link, Reading, TopicSpec

from .collector import Collector
from .topics import STATE

__all__ = ["EVERY", "a_reader", "a_writer"]

EVERY = IndexRange.every()


async def a_writer(bus: Bus, *topics: TopicSpec, index: int = 1) -> Link:
    """Open a link that writes topics, `STATE` if none are given."""
    return await bus.open(index=index, writes=topics or (STATE,), reads=())


async def a_reader(
    bus: Bus, collector: Collector, topic: TopicSpec = STATE, indices: IndexRange = EVERY
) -> Link:
    """Open a link that reads a topic."""
    return await bus.open(index=0, writes=(), reads=[Reading(topic, indices, collector)])
