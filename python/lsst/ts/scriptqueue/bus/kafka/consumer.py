# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What this process reads: one consumer, in a thread of its own.

Partitions are assigned by hand, from offsets that are known before, so that
nothing is missed and no group is joined. Only the thread touches the consumer;
wishes reach it through a queue. What has been read is handed to the event loop
in batches, and only a few are under way at a time: a loop that is busy makes
the broker keep the rest.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import queue
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from confluent_kafka import Consumer as Client
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from ..contract import BusError, Message
from .faults import Faults
from .settings import Settings
from .stream import Schemas, Stream, Tap

__all__ = ["Consumer"]

logger = logging.getLogger(__name__)

#: How long a wish may wait for the thread (seconds); also its idle pulse.
_PULSE_S = 0.05
_BATCH = 200
_BATCHES_UNDER_WAY = 4

_SETTINGS = {
    # It must have a name, which no broker hears of: nothing is committed or joined.
    "group.id": "ts_scriptqueue",
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "enable.partition.eof": True,
    "auto.offset.reset": "earliest",
    "allow.auto.create.topics": False,
    "fetch.wait.max.ms": 100,
    "fetch.error.backoff.ms": 20,
    "topic.metadata.refresh.fast.interval.ms": 50,
    "queued.max.messages.kbytes": 16384,
}
#: What passes: a topic that was created this moment, a broker that is away.
_PASSING = frozenset(
    {
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError._TRANSPORT,
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError._TIMED_OUT,
    }
)


class Consumer:
    """All that this process reads.

    Parameters
    ----------
    settings
        The connection.
    schemas
        Where schemas of others are found.

    Raises
    ------
    BusError
        If the settings cannot be used.
    """

    def __init__(self, settings: Settings, schemas: Schemas) -> None:
        self._loop = asyncio.get_running_loop()
        self._schemas = schemas
        self._faults = Faults(settings.broker)
        own = {"error_cb": self._faults.note}
        try:
            self._client = Client(
                settings.client(_SETTINGS, settings.common, settings.consumer, own), logger=logger
            )
        except KafkaException as error:
            raise BusError(f"these Kafka settings cannot be used: {error.args[0].str()}") from error
        self._streams: dict[str, Stream] = {}
        self._wishes: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._room = threading.Semaphore(_BATCHES_UNDER_WAY)
        self._stopping = threading.Event()
        self._ended = asyncio.Event()
        self._complained: set[tuple[str, int]] = set()
        self._thread = threading.Thread(target=self._run, name="kafka-consumer", daemon=True)
        self._thread.start()

    def attach(self, taps: Sequence[Tap]) -> None:
        """Begin to read."""
        self._wishes.put(functools.partial(self._attach, taps))

    def detach(self, taps: Sequence[Tap]) -> None:
        """End reading; nothing more is delivered from now on."""
        for tap in taps:
            tap.is_closed = True
            if not tap.caught_up.done():
                tap.caught_up.set_exception(BusError("this link was closed; open a new one"))
                # Whoever opened it may have stopped waiting.
                tap.caught_up.exception()
        self._wishes.put(functools.partial(self._detach, taps))

    async def aclose(self) -> None:
        """End the thread. Idempotent."""
        self._stopping.set()
        self._room.release()
        await self._ended.wait()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._serve_wishes()
                self._read()
        except Exception:
            logger.exception("the Kafka consumer failed; nothing is read any more")
        finally:
            self._client.close()
            del self._client
            self._loop.call_soon_threadsafe(self._ended.set)

    def _serve_wishes(self) -> None:
        while not self._wishes.empty():
            self._wishes.get()()

    def _read(self) -> None:
        first = self._client.poll(_PULSE_S)
        if first is None:
            return
        batch = [first, *self._client.consume(_BATCH, 0)]
        news: list[tuple[Tap, Message | None]] = []
        for received in batch:
            stream = self._streams.get(received.topic() or "")
            error = received.error()
            if error is not None:
                if error.code() == KafkaError._PARTITION_EOF and stream is not None:
                    news += stream.reach(received.offset() or 0)
                else:
                    self._complain(received.topic() or "", error)
            elif stream is not None:
                news += stream.receive(received.offset() or 0, received.value())
        if news:
            self._hand_over(news)

    def _hand_over(self, news: list[tuple[Tap, Message | None]]) -> None:
        self._room.acquire()
        if not self._stopping.is_set():
            self._loop.call_soon_threadsafe(self._deliver, news)

    def _deliver(self, news: Iterable[tuple[Tap, Message | None]]) -> None:
        self._room.release()
        for tap, message in news:
            if tap.is_closed:
                continue
            if message is None:
                if not tap.caught_up.done():
                    tap.caught_up.set_result(None)
                continue
            try:
                tap.reading.deliver(message)
            except Exception:
                spec = tap.reading.topic
                logger.exception("%s.%s: the reader of a message failed", spec.component, spec.name)

    def _attach(self, taps: Sequence[Tap]) -> None:
        starts: dict[str, int] = {}
        for tap in taps:
            if tap.is_closed:
                continue
            stream = self._streams.get(tap.name)
            if stream is None:
                stream = self._streams[tap.name] = Stream(tap.name, tap.codec, self._schemas)
            stream.taps.append(tap)
            if stream.position < 0 or tap.start < stream.position:
                starts[tap.name] = min(tap.start, starts.get(tap.name, tap.start))
        if not starts:
            return
        again = [TopicPartition(name, 0) for name in starts if self._streams[name].position >= 0]
        if again:
            self._client.incremental_unassign(again)
        for name, start in starts.items():
            self._streams[name].position = start
        self._client.incremental_assign([TopicPartition(name, 0, start) for name, start in starts.items()])

    def _detach(self, taps: Sequence[Tap]) -> None:
        idle = []
        for tap in taps:
            stream = self._streams.get(tap.name)
            if stream is None or tap not in stream.taps:
                continue
            stream.taps.remove(tap)
            if not stream.taps:
                idle.append(TopicPartition(tap.name, 0))
                del self._streams[tap.name]
        if idle:
            self._client.incremental_unassign(idle)

    def _complain(self, topic: str, error: Any) -> None:
        if error.code() in _PASSING or (topic, error.code()) in self._complained:
            return
        self._complained.add((topic, error.code()))
        logger.error("%s cannot be read: %s", topic or "Kafka", error.str())
