# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bus inside one process: for tests, and for a queue that needs no network.

A `MemoryBroker` is the network, a `MemoryBus` one participant's connection to
it. It keeps every rule of the contract and adds none: messages are checked and
copied, arrive through ``loop.call_soon`` in the order they were written in
(whatever their topic), and never before the call that wrote them has returned.
As on Kafka, history does not grow for ever: an index that has not been heard
of for long is forgotten. Nothing here reads a clock, so it also runs on a loop with virtual time.
"""

from __future__ import annotations

import asyncio
import collections
import contextvars
import functools
import logging
from collections.abc import Iterable, Mapping
from typing import Any

from .contract import Bus, BusError, IndexRange, Link, Message, Reading, TopicKind, TopicSpec
from .shape import Shape

__all__ = ["HISTORY_DEPTH", "MemoryBroker", "MemoryBus", "process_broker"]

logger = logging.getLogger(__name__)

#: Of how many indices the latest message of a topic is kept: those last written.
HISTORY_DEPTH = 500


class MemoryBroker:
    """The network that memory buses share."""

    def __init__(self) -> None:
        self._topics: dict[tuple[str, str], _Topic] = {}

    def topic(self, spec: TopicSpec) -> _Topic:
        """Return a topic of the network, made at its first use.

        Raises
        ------
        BusError
            If it is already known with other fields.
        """
        key = (spec.component, spec.name)
        topic = self._topics.get(key)
        if topic is None:
            topic = self._topics[key] = _Topic(spec)
        topic.spec.check_same_fields(spec)
        return topic


@functools.cache
def process_broker() -> MemoryBroker:
    """Return the broker by which all memory buses chosen by name meet."""
    return MemoryBroker()


class MemoryBus(Bus):
    """A connection to a `MemoryBroker`.

    Parameters
    ----------
    broker
        The network to join.
    """

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker
        self._links: set[_MemoryLink] = set()
        self._closed = False

    async def open(
        self,
        *,
        index: int,
        writes: Iterable[TopicSpec],
        reads: Iterable[Reading],
    ) -> Link:
        if self._closed:
            raise BusError("this bus was closed; connect a new one")
        link = _MemoryLink(
            self._links,
            {(spec.component, spec.name): self._broker.topic(spec) for spec in writes},
            [_Reader(self._broker.topic(reading.topic), reading) for reading in reads],
        )
        try:
            await link.join()
        except BaseException:
            await link.aclose()
            raise
        return link

    async def aclose(self) -> None:
        self._closed = True
        for link in list(self._links):
            await link.aclose()


class _MemoryLink(Link):
    def __init__(
        self, siblings: set[_MemoryLink], writes: Mapping[tuple[str, str], _Topic], readers: list[_Reader]
    ) -> None:
        self._siblings = siblings
        self._writes = writes
        self._readers = readers
        self._closed = False

    async def join(self) -> None:
        """Subscribe, and wait until the history has been delivered."""
        self._siblings.add(self)
        for reader in self._readers:
            reader.join()
        delivered = asyncio.Event()
        asyncio.get_running_loop().call_soon(delivered.set)
        await delivered.wait()

    async def write(self, topic: TopicSpec, message: Mapping[str, Any]) -> None:
        if self._closed:
            raise BusError("this link was closed; open a new one")
        try:
            opened = self._writes[topic.component, topic.name]
        except KeyError:
            raise BusError(
                f"{topic.component}.{topic.name} was not opened for writing; name it in `writes` of Bus.open"
            ) from None
        opened.publish(message)

    async def aclose(self) -> None:
        self._closed = True
        self._siblings.discard(self)
        for reader in self._readers:
            reader.leave()


class _Topic:
    """One topic: its history, and its readers by the indices they want."""

    def __init__(self, spec: TopicSpec) -> None:
        self.spec = spec
        self.shape = Shape(spec)
        #: By index, the one that was written longest ago first.
        self.history: collections.OrderedDict[int, Message] = collections.OrderedDict()
        self._by_index: dict[int, list[_Reader]] = {}
        self._by_range: list[_Reader] = []

    def publish(self, message: Mapping[str, Any]) -> None:
        kept = self.shape.snapshot(message)
        index = self.shape.index_of(kept)
        if self.spec.kind is TopicKind.EVENT:
            self.history[index] = kept
            self.history.move_to_end(index)
            if len(self.history) > HISTORY_DEPTH:
                self.history.popitem(last=False)
        for reader in self._by_index.get(index, ()):
            reader.schedule(kept)
        for reader in self._by_range:
            if index in reader.indices:
                reader.schedule(kept)

    def add(self, reader: _Reader) -> None:
        self._place(reader.indices).append(reader)

    def remove(self, reader: _Reader) -> None:
        place = self._place(reader.indices)
        if reader in place:
            place.remove(reader)
        if not place and place is not self._by_range:
            del self._by_index[reader.indices.first]

    def _place(self, indices: IndexRange) -> list[_Reader]:
        if indices.first == indices.last:
            return self._by_index.setdefault(indices.first, [])
        return self._by_range


class _Reader:
    """One reading of one link, on the loop that opened it."""

    __slots__ = ("_closed", "_context", "_deliver", "_loop", "_topic", "indices")

    def __init__(self, topic: _Topic, reading: Reading) -> None:
        self.indices = reading.indices
        self._topic = topic
        self._deliver = reading.deliver
        self._closed = False
        self._loop = asyncio.get_running_loop()
        # The writer's context must not leak into the reader.
        self._context = contextvars.copy_context()

    def join(self) -> None:
        self._topic.add(self)
        for index in sorted(self._topic.history):
            if index in self.indices:
                self.schedule(self._topic.history[index])

    def leave(self) -> None:
        self._closed = True
        self._topic.remove(self)

    def schedule(self, message: Message) -> None:
        self._loop.call_soon(self._hand_over, message, context=self._context)

    def _hand_over(self, message: Message) -> None:
        if self._closed:
            return
        try:
            self._deliver(self._topic.shape.copy(message))
        except Exception:
            spec = self._topic.spec
            logger.exception("%s.%s: the reader of a message failed", spec.component, spec.name)
