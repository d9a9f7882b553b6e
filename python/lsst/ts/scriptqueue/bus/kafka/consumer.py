# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What this process reads: one consumer, in a thread of its own.

Partitions are assigned by hand, from offsets that are known before, so that
nothing is missed and no group is joined. From the first wish on only the
thread touches the consumer; wishes reach it through a queue. What has been read is handed to the event loop
in batches, and only a few are under way at a time: a loop that is busy makes
the broker keep the rest. So there is no buffer here that could overflow; what
the broker removes before it was read is told as an error.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import queue
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from confluent_kafka import Consumer as Client
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from ..contract import Message
from .ends import ends_if_all_there
from .faults import PASSING, Faults
from .schemas import KnownSchemas
from .settings import Settings
from .stream import SchemaWanted, Stream, Tap

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
    # What is not there must be told, and not passed over.
    "auto.offset.reset": "error",
    "allow.auto.create.topics": False,
    "fetch.wait.max.ms": 100,
    "fetch.error.backoff.ms": 20,
    "topic.metadata.refresh.fast.interval.ms": 50,
    "queued.max.messages.kbytes": 16384,
    # A loop that is blocked for long makes the thread wait; that must not end the reading.
    "max.poll.interval.ms": 86_400_000,
}
#: How long the broker is waited for when a topic's bounds are asked for (seconds).
_BOUNDS_LIMIT_S = 2.0

#: The next offset is not one that the broker has.
_OUT_OF_RANGE = frozenset({KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE})


def _nothing() -> None:
    """The wish that only wakes."""


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

    def __init__(self, settings: Settings, schemas: KnownSchemas) -> None:
        self._loop = asyncio.get_running_loop()
        self._schemas = schemas
        self._faults = Faults(settings.broker, logging.DEBUG)
        own = {"error_cb": self._faults.note}
        parts = (_SETTINGS, settings.common, settings.consumer, own)
        self._client = settings.make(lambda conf: Client(conf, logger=logger), *parts)
        self._streams: dict[str, Stream] = {}
        self._wishes: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._room = threading.Semaphore(_BATCHES_UNDER_WAY)
        self._stopping = threading.Event()
        self._complained: set[tuple[str, int]] = set()
        self._thread = threading.Thread(target=self._run, name="kafka-consumer", daemon=True)
        self._thread.start()

    def look(self, names: Collection[str], stop: threading.Event, limit_s: float) -> Mapping[str, int] | None:
        """Return how far topics have come, as `ends_if_all_there`; before the first `attach`. Blocks."""
        return ends_if_all_there(self._client, names, self._faults, stop, limit_s)

    def attach(self, taps: Sequence[Tap]) -> None:
        """Begin to read."""
        self._wishes.put(functools.partial(self._attach, taps))

    def detach(self, taps: Sequence[Tap]) -> None:
        """End reading; nothing more is delivered from now on."""
        for tap in taps:
            tap.is_closed = True
            tap.refuse("this link was closed; open a new one")
        self._wishes.put(functools.partial(self._detach, taps))

    def close(self) -> None:
        """End reading. Idempotent.

        The library's client cannot be woken, so the thread ends by itself, a
        pulse later. Nobody waits for that: the broker keeps nothing of a
        reader, and to wait would make the end of every script longer.
        """
        self._stopping.set()
        self._room.release()
        self._wishes.put(_nothing)

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._serve_wishes()
                self._read()
        except Exception:
            # A loop that has ended takes nothing more, and need not.
            if not self._stopping.is_set():
                logger.exception("the Kafka consumer failed; nothing is read any more")
        finally:
            self._client.close()
            del self._client

    def _serve_wishes(self) -> None:
        # The library cannot be woken while it reads; with nothing to read, the wish itself wakes.
        while not self._wishes.empty() or not self._streams:
            self._wishes.get()()
            if self._stopping.is_set():
                return

    def _read(self) -> None:
        first = self._client.poll(_PULSE_S)
        if first is None:
            return
        news: list[tuple[Tap, Message | None]] = []
        for received in [first, *self._client.consume(_BATCH, 0)]:
            stream = self._streams.get(received.topic() or "")
            if received.error() is not None:
                news += self._heed(stream, received)
            elif stream is not None and not stream.is_standing:
                try:
                    news += stream.receive(received.offset() or 0, received.value())
                except SchemaWanted as wanted:
                    self._stand(stream, received.offset() or 0, wanted.schema_id)
        self._faults.answered()
        if news:
            self._hand_over(news)

    def _heed(self, stream: Stream | None, received: Any) -> Iterable[tuple[Tap, Message | None]]:
        """Do what is to be done about an error; return what is to be delivered."""
        error, offset = received.error(), received.offset() or 0
        if error.code() == KafkaError._PARTITION_EOF:
            return stream.reach(offset) if stream is not None and not stream.is_standing else ()
        if stream is not None and error.code() in _OUT_OF_RANGE:
            self._find_place(stream)
            return ()
        if stream is not None and error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
            why = f"topic {stream.name} cannot be read: {error.str()}; we need to be allowed to READ it"
            for tap in stream.taps:
                self._loop.call_soon_threadsafe(tap.refuse, why)
        self._complain(received.topic() or "", error)
        return ()

    def _stand(self, stream: Stream, offset: int, schema_id: int) -> None:
        """Read no more of a topic until a schema is known; the others go on."""
        stream.is_standing = True
        stream.position = offset
        self._client.incremental_unassign([TopicPartition(stream.name, 0)])
        go_on = functools.partial(self._go_on, stream)
        self._schemas.when_known(schema_id, lambda: self._wishes.put(go_on))

    def _go_on(self, stream: Stream) -> None:
        if self._streams.get(stream.name) is stream:
            stream.is_standing = False
            self._client.incremental_assign([TopicPartition(stream.name, 0, stream.position)])

    def _find_place(self, stream: Stream) -> None:
        """The broker does not have what comes next: find out what it has, and go on."""
        partition = TopicPartition(stream.name, 0)
        try:
            first, end = self._client.get_watermark_offsets(partition, timeout=_BOUNDS_LIMIT_S)
        except KafkaException:
            # Asking again leads here again.
            pass
        else:
            stream.find_place(first, end)
        self._client.incremental_unassign([partition])
        self._client.incremental_assign([TopicPartition(stream.name, 0, stream.position)])

    def _hand_over(self, news: list[tuple[Tap, Message | None]]) -> None:
        self._room.acquire()
        if not self._stopping.is_set():
            with contextlib.suppress(RuntimeError):  # The loop ended this moment.
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
        self._faults.begin_to_tell()
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
        streams = [self._streams[name] for name in starts]
        again = [
            TopicPartition(stream.name, 0)
            for stream in streams
            if stream.position >= 0 and not stream.is_standing
        ]
        if again:
            self._client.incremental_unassign(again)
        for stream in streams:
            stream.position = starts[stream.name]
        begun = [
            TopicPartition(stream.name, 0, stream.position) for stream in streams if not stream.is_standing
        ]
        if begun:
            self._client.incremental_assign(begun)

    def _detach(self, taps: Sequence[Tap]) -> None:
        idle = []
        for tap in taps:
            stream = self._streams.get(tap.name)
            if stream is None or tap not in stream.taps:
                continue
            stream.taps.remove(tap)
            if not stream.taps:
                if not stream.is_standing:
                    idle.append(TopicPartition(tap.name, 0))
                del self._streams[tap.name]
        if idle:
            self._client.incremental_unassign(idle)

    def _complain(self, topic: str, error: Any) -> None:
        if error.code() in PASSING or error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            return
        if (topic, error.code()) in self._complained:
            return
        self._complained.add((topic, error.code()))
        logger.error("%s cannot be read: %s", topic or "Kafka", error.str())
