# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bus on Kafka: what the links of one process share.

Opening asks the registry and the broker at the same time, for all topics in as
few calls as there can be; what this process already knows is not asked again.
A broker or registry that is away is waited for, and that is said.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections.abc import Iterable, Mapping

from ..contract import Bus, BusError, Link, Reading, TopicKind, TopicSpec
from .blocking import Interrupted, in_thread
from .codec import Codec
from .consumer import Consumer
from .faults import BrokerAway
from .framing import message_key
from .link import KafkaLink, Outlet
from .policies import check_policies
from .producer import Producer
from .registry import Registry, RegistryAway
from .schemas import KnownSchemas
from .settings import Settings
from .stream import Tap
from .topics import TopicIsNew, prepare

__all__ = ["KafkaBus"]

logger = logging.getLogger(__name__)

_SAY_EVERY_S = 10.0
_TRY_EVERY_S = 0.5
_ANSWER_S = 1.0
_TRY_AGAIN_S = 0.03


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
        self._is_leaf = leaf
        self._checks: set[asyncio.Task[None]] = set()
        self._settings = Settings.from_environment(environ)
        self._registry = Registry(self._settings.registry)
        self._schemas = KnownSchemas(self._registry)
        self._codecs: dict[tuple[str, str], Codec] = {}
        self._ids: dict[str, int] = {}
        self._producer: Producer | None = None
        self._consumer: Consumer | None = None
        self._links: set[KafkaLink] = set()
        self._is_closed = False

    async def open(
        self,
        *,
        index: int,
        writes: Iterable[TopicSpec],
        reads: Iterable[Reading],
    ) -> Link:
        if self._is_closed:
            raise BusError("this bus was closed; connect a new one")
        written, readings = list(writes), list(reads)
        codecs = {self._name(spec): self._codec(spec) for spec in written}
        read_codecs = {self._name(reading.topic): self._codec(reading.topic) for reading in readings}
        subjects = {name: codec.text for name, codec in codecs.items() if name not in self._ids}
        topics = {name: codec.topic for name, codec in (codecs | read_codecs).items()}
        # What the queue may do its scripts may do; the broker takes its time to say that.
        writable = None if self._is_leaf else frozenset(codecs)
        wish = _Wish(self._settings, self._registry, subjects, topics, frozenset(read_codecs), writable)
        ends, ids = await in_thread(wish.fulfil)
        if self._is_closed:
            raise BusError("this bus was closed; connect a new one")
        self._ids |= ids
        for name, codec in codecs.items():
            codec.learn(self._ids[name], codec.text)
        taps = [
            Tap(name, self._codec(reading.topic), reading, ends[name])
            for reading in readings
            for name in [self._name(reading.topic)]
        ]
        if written and self._producer is None:
            self._producer = Producer(self._settings)
        if taps and self._consumer is None:
            self._consumer = Consumer(self._settings, self._schemas)
        outlets = {
            (spec.component, spec.name): Outlet(
                self._name(spec),
                self._codec(spec),
                self._ids[self._name(spec)],
                message_key(spec, index),
            )
            for spec in written
        }
        link = KafkaLink(self._producer, self._consumer, outlets, taps, self._links.discard)
        self._links.add(link)
        try:
            await self._catch_up(taps)
        except BaseException:
            await link.aclose()
            raise
        if not self._is_leaf and any(spec.kind is TopicKind.EVENT for spec in written):
            self._check_policies(topics)
        return link

    async def aclose(self) -> None:
        self._is_closed = True
        for check in self._checks:
            check.cancel()
        if self._checks:
            await asyncio.wait(self._checks)
        for link in list(self._links):
            await link.aclose()
        if self._producer is not None:
            await self._producer.aclose()
        self._schemas.close()
        if self._consumer is not None:
            self._consumer.close()
        if self._schemas.is_asking:
            await in_thread(lambda stop: self._schemas.join())

    def _check_policies(self, topics: Mapping[str, TopicSpec]) -> None:
        check = asyncio.create_task(
            in_thread(lambda stop: check_policies(self._settings, topics, stop)), name="Kafka policies"
        )
        self._checks.add(check)
        check.add_done_callback(self._checks.discard)

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

    def _name(self, spec: TopicSpec) -> str:
        return self._settings.topic_name(spec)

    def _codec(self, spec: TopicSpec) -> Codec:
        key = (spec.component, spec.name)
        codec = self._codecs.get(key)
        if codec is None:
            codec = self._codecs[key] = Codec(spec)
        elif codec.topic is not spec and codec.topic.fields != spec.fields:
            raise BusError(f"{spec.component}.{spec.name} is open with other fields; use one definition")
        return codec


class _Wish:
    """What an opening asks of registry and broker; in a thread."""

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        schemas: Mapping[str, str],
        topics: Mapping[str, TopicSpec],
        reads: frozenset[str],
        writes: frozenset[str] | None,
    ) -> None:
        self._settings = settings
        self._registry = registry
        self._schemas = schemas
        self._topics = topics
        self._reads = reads
        self._writes = writes

    def fulfil(self, stop: threading.Event) -> tuple[dict[str, int], dict[str, int]]:
        """Return the ends of the topics read, and the ids of the schemas written."""
        began_at = said_at = time.monotonic()
        while True:
            left_s = self._settings.start_limit_s - (time.monotonic() - began_at)
            try:
                # Even the shortest limit leaves a broker that is there the time to answer.
                return self._try(stop, min(max(left_s, _ANSWER_S), _SAY_EVERY_S))
            except (BrokerAway, RegistryAway) as error:
                now = time.monotonic()
                if now - began_at >= self._settings.start_limit_s:
                    raise BusError(f"{error} (waited {self._settings.start_limit_s:g} s)") from error
                if now - said_at >= _SAY_EVERY_S:
                    said_at = now
                    logger.warning("waiting: %s", error)
                pause_s = _TRY_AGAIN_S if isinstance(error, TopicIsNew) else _TRY_EVERY_S
            if stop.wait(pause_s):
                raise Interrupted

    def _try(self, stop: threading.Event, limit_s: float) -> tuple[dict[str, int], dict[str, int]]:
        ids: dict[str, int] = {}
        faults: list[BusError] = []

        def register() -> None:
            try:
                found = self._registry.register(
                    {f"{name}-value": text for name, text in self._schemas.items()}, limit_s
                )
            except BusError as error:
                faults.append(error)
            else:
                ids.update({subject.removesuffix("-value"): number for subject, number in found.items()})

        registering = threading.Thread(target=register, name="kafka-register")
        registering.start()
        try:
            ends = prepare(self._settings, self._topics, self._reads, self._writes, stop, limit_s)
        finally:
            registering.join()
        if faults:
            raise faults[0]
        return ends, ids
