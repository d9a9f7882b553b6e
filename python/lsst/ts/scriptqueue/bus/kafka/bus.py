# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bus on Kafka: what the links of one process share.

What this process already knows is not asked again, and what others of its
kind will need can be handed down to them. What is not urgent is looked at
when everything runs.

A broker works on one request of a connection after another. So that a command
does not wait behind all that is just being published, a process that writes
both has two producers: one for commands, one for the rest.
"""

from __future__ import annotations

import asyncio
import enum
import logging
import math
import os
import sys
import threading
import time
from collections.abc import Collection, Coroutine, Iterable, Mapping
from typing import Any

from ..contract import Bus, BusError, Link, Reading, TopicKind, TopicSpec
from .blocking import in_thread
from .catalogue import Catalogue
from .consumer import Consumer
from .framing import message_key
from .handed_down import VARIABLE, handed_down
from .link import KafkaLink, Outlet
from .opening import Found, Opening, Wish
from .producer import Producer
from .registry import Registry
from .schema_ids import SchemaIds, by_subject
from .schemas import KnownSchemas
from .settings import Settings
from .stream import Tap

__all__ = ["KafkaBus"]

logger = logging.getLogger(__name__)

#: How long one thread keeps the interpreter when another wants it (seconds).
_SWITCH_S = 0.0005

#: How old what is handed down may be before it is compared with the registry (seconds).
_CHECK_EVERY_S = 60.0

#: How long the registry is waited for then (seconds).
_CHECK_LIMIT_S = 3.0


class _Lane(enum.Enum):
    """What a producer is for."""

    COMMANDS = enum.auto()
    NEWS = enum.auto()


class KafkaBus(Bus):
    """A connection of this process to Kafka; made at the first ``open``.

    Parameters
    ----------
    environ
        Where the ``LSST_KAFKA_`` variables, ``LSST_SCHEMA_REGISTRY_URL`` and
        ``LSST_TOPIC_SUBNAME`` are read from.
    leaf
        Is this a script, whose topics the queue has looked at already?

    Raises
    ------
    BusError
        If the environment makes no sense.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ, *, leaf: bool = False) -> None:
        # The threads of the clients need the interpreter often and briefly; a busy
        # loop would make them wait 5 ms each time.
        sys.setswitchinterval(min(sys.getswitchinterval(), _SWITCH_S))
        self._is_leaf = leaf
        self._settings = Settings.from_environment(environ)
        registry = Registry(self._settings.registry)
        self._schemas = KnownSchemas(registry)
        self._schema_ids = SchemaIds(registry, self._settings.registry, environ.get(VARIABLE, ""))
        self._catalogue = Catalogue(self._settings)
        self._producers: dict[_Lane, Producer] = {}
        self._consumer: Consumer | None = None
        self._beginning = asyncio.Lock()
        self._links: set[KafkaLink] = set()
        self._checks: set[asyncio.Task[None]] = set()
        self._ids_checked_at = -math.inf
        self._is_closed = False

    async def open(
        self,
        *,
        index: int,
        writes: Iterable[TopicSpec],
        reads: Iterable[Reading],
    ) -> Link:
        written, readings = list(writes), list(reads)
        catalogue = self._catalogue
        ends = await self._prepare(written, [reading.topic for reading in readings])
        taps = [
            Tap(name, catalogue.codec(reading.topic), reading, ends[name])
            for reading in readings
            for name in [catalogue.name(reading.topic)]
        ]
        outlets = {
            (spec.component, spec.name): Outlet(
                catalogue.name(spec),
                catalogue.codec(spec),
                message_key(spec, index),
                self._producers[self._lane(spec)],
            )
            for spec in written
        }
        link = KafkaLink(self._consumer, outlets, catalogue.ids, taps, self._links.discard)
        self._links.add(link)
        try:
            await self._catch_up(taps)
        except BaseException:
            await link.aclose()
            raise
        if not self._is_leaf and any(spec.kind is TopicKind.EVENT for spec in written):
            self._check_policies(catalogue.by_name([*written, *(reading.topic for reading in readings)]))
        return link

    async def hand_down(self, topics: Iterable[TopicSpec]) -> Mapping[str, str]:
        specs = list(topics)
        if self._catalogue.unknown(specs):
            await self._prepare_for_others(specs)
        elif time.monotonic() > self._ids_checked_at + _CHECK_EVERY_S:
            self._ids_checked_at = time.monotonic()
            self._begin_check("kafka schema ids", self._check_ids(specs))
        texts = self._catalogue.texts(specs)
        ids = by_subject({name: self._catalogue.ids[name] for name in texts})
        return {VARIABLE: handed_down(self._settings.registry, by_subject(texts), ids)}

    async def aclose(self) -> None:
        self._is_closed = True
        for check in self._checks:
            check.cancel()
        if self._checks:
            await asyncio.wait(self._checks)
        for link in list(self._links):
            await link.aclose()
        await asyncio.gather(*(producer.aclose() for producer in self._producers.values()))
        self._schemas.close()
        if self._consumer is not None:
            self._consumer.close()
        if self._schemas.is_asking:
            await in_thread(lambda stop: self._schemas.join())

    async def _prepare(
        self, written: Collection[TopicSpec], read: Collection[TopicSpec]
    ) -> Mapping[str, int]:
        """See that topics are there, schemas registered and we connected; return the ends of what is read."""
        if not self._is_connected(written, read):
            async with self._beginning:
                if not self._is_connected(written, read):
                    return await self._connect(written, read)
        return (await self._ask(self._wish(written, read))).ends

    async def _prepare_for_others(self, specs: Collection[TopicSpec]) -> None:
        """See that topics are there and schemas registered, and that they may be written and read."""
        topics = self._catalogue.by_name(specs)
        names = frozenset(topics)
        self._ids_checked_at = time.monotonic()
        await self._ask(Wish(topics, frozenset(), names, names, self._catalogue.unknown(specs), {}))
        self._check_policies(topics)

    def _is_connected(self, written: Collection[TopicSpec], read: Collection[TopicSpec]) -> bool:
        return not (read and self._consumer is None) and not self._missing(written)

    def _missing(self, written: Collection[TopicSpec]) -> frozenset[_Lane]:
        """The lanes that have no producer yet."""
        return frozenset(map(self._lane, written)) - self._producers.keys()

    def _lane(self, topic: TopicSpec) -> _Lane:
        # A script commands little, and a producer costs it time to start.
        is_command = topic.kind is TopicKind.COMMAND and not self._is_leaf
        return _Lane.COMMANDS if is_command else _Lane.NEWS

    async def _connect(
        self, written: Collection[TopicSpec], read: Collection[TopicSpec]
    ) -> Mapping[str, int]:
        """As `_prepare`, and make the clients that are still missing; one opening at a time does that."""
        consumer: Consumer | None = None
        producers: dict[_Lane, Producer] = {}
        try:
            # Who needs to know what is allowed has to ask with another client.
            if read and self._consumer is None and self._is_leaf:
                consumer = Consumer(self._settings, self._schemas)
            for lane in self._missing(written):
                producers[lane] = Producer(self._settings)
            found = await self._ask(self._wish(written, read), consumer, producers.values())
            if consumer is not None and not found.is_all_there:
                consumer.close()
                consumer = None
            if read and self._consumer is None:
                self._consumer, consumer = consumer or Consumer(self._settings, self._schemas), None
            self._producers |= producers
            producers = {}
        finally:
            if consumer is not None:
                consumer.close()
            for producer in producers.values():
                await producer.aclose()
        return found.ends

    def _wish(self, written: Collection[TopicSpec], read: Collection[TopicSpec]) -> Wish:
        writes, reads = self._catalogue.by_name(written), self._catalogue.by_name(read)
        # What the queue may do its scripts may do, and the queue has asked.
        nothing: frozenset[str] = frozenset()
        return Wish(
            topics=reads | writes,
            ends=frozenset(reads),
            may_read=nothing if self._is_leaf else frozenset(reads),
            may_write=nothing if self._is_leaf else frozenset(writes),
            written=self._catalogue.unknown(written),
            read=self._catalogue.unknown(read),
        )

    async def _ask(
        self, wish: Wish, consumer: Consumer | None = None, producers: Collection[Producer] = ()
    ) -> Found:
        self._check_open()
        opening = Opening(self._settings, self._schema_ids, wish, consumer, producers)
        found = await in_thread(opening.carry_out)
        self._check_open()
        self._catalogue.learn(found.ids)
        return found

    def _check_open(self) -> None:
        if self._is_closed:
            raise BusError("this bus was closed; connect a new one")

    async def _catch_up(self, taps: list[Tap]) -> None:
        if self._consumer is None or not taps:
            return
        self._consumer.attach(taps)
        try:
            async with asyncio.timeout(self._settings.start_limit_s):
                for tap in taps:
                    await tap.caught_up
        except TimeoutError:
            late = ", ".join(tap.name for tap in taps if not tap.caught_up.done())
            who = f"the broker at {self._settings.broker}"
            if self._schemas.is_asking:
                who = f"the schema registry at {self._settings.registry}, or {who},"
            raise BusError(
                f"{who} gave no history within {self._settings.start_limit_s:g} s: {late}"
            ) from None

    def _begin_check(self, name: str, check: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(check, name=name)
        self._checks.add(task)
        task.add_done_callback(self._checks.discard)

    def _check_policies(self, topics: Mapping[str, TopicSpec]) -> None:
        def look(stop: threading.Event) -> None:
            # A large import, which scripts do without.
            from .policies import check_policies

            check_policies(self._settings, topics, stop)

        self._begin_check("Kafka policies", in_thread(look))

    async def _check_ids(self, specs: Collection[TopicSpec]) -> None:
        """See whether the registry still is the one it was, and if not, tell it all again."""
        try:
            ids = await self._register(self._catalogue.texts(specs))
            if all(self._catalogue.ids[name] == number for name, number in ids.items()):
                return
            logger.warning("the schema registry has changed; all schemas are registered again")
            self._catalogue.learn(await self._register(self._catalogue.known()))
        except BusError as error:
            logger.warning("schema ids could not be checked: %s", error)

    async def _register(self, texts: Mapping[str, str]) -> dict[str, int]:
        return await in_thread(lambda _: self._schema_ids.register(texts, _CHECK_LIMIT_S))
