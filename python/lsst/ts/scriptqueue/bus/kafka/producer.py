# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What this process writes: one producer, and a thread that hears what became of it.

A write is over when the broker has confirmed it, however long the broker is
away meanwhile, up to `MESSAGE_LIMIT_S`. Order is kept and nothing is written
twice, because the producer is idempotent: that is so unless the number of
confirmations was set to something that does not allow it, or the broker
forbids it, which is said. Then one request is under way at a time, which
keeps the order; but a message whose confirmation was lost with the
connection is written again.

The library ends a producer whose place in the broker's books is lost. A new
one takes over then. What the old one had not been told of is failed, because
nobody can tell whether it was written; only if the broker has forbidden
idempotence has nothing been written, and all of it is handed to the new one.

The thread sleeps when nothing is under way.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka import Producer as Client

from ..contract import BusError
from .faults import Faults
from .settings import Settings

__all__ = ["FLUSH_S", "MESSAGE_LIMIT_S", "Producer"]

logger = logging.getLogger(__name__)

#: How long closing waits for what is under way.
FLUSH_S = 5.0

#: How long a message waits for a broker that is away.
MESSAGE_LIMIT_S = 300

#: Writes that wait longer than this are worth a warning, and again so often (seconds).
_LONG_S = 3.0
_SAY_EVERY_S = 10.0

_PULSE_S = 0.1
_INTRODUCTION_S = 1.0
_SETTINGS = {
    "linger.ms": 0,
    "allow.auto.create.topics": False,
    "message.timeout.ms": MESSAGE_LIMIT_S * 1000,
    "topic.metadata.refresh.fast.interval.ms": 50,
    "retry.backoff.ms": 50,
    "queue.buffering.max.messages": 10_000,
}
#: What a broker says that does not let us be idempotent.
_FORBIDDEN = frozenset({KafkaError.CLUSTER_AUTHORIZATION_FAILED, KafkaError.UNSUPPORTED_VERSION})


@dataclass(frozen=True, slots=True)
class _Write:
    """A message that the broker has not confirmed yet."""

    topic: str
    key: bytes
    value: bytes
    confirmed: asyncio.Future[None]
    begun_at: float = field(default_factory=time.monotonic)


class Producer:
    """All that this process writes.

    Parameters
    ----------
    settings
        The connection.
    connect
        Makes the library's producer from its settings.

    Raises
    ------
    BusError
        If the settings cannot be used.
    """

    def __init__(self, settings: Settings, connect: Callable[..., Any] = Client) -> None:
        self._loop = asyncio.get_running_loop()
        self._settings = settings
        self._connect = connect
        self._faults = Faults(settings.broker, logging.DEBUG)
        self._fatal: Any = None
        self._is_forbidden = False
        self._client = self._new_client()
        self._change = threading.Condition()
        self._writes: dict[int, _Write] = {}
        self._last_number = 0
        self._said_at = 0.0
        self._stop_at: float | None = None
        self._door = asyncio.Lock()
        self._room = asyncio.Event()
        self._ended = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="kafka-producer", daemon=True)
        self._thread.start()

    def introduce(self, topic: str) -> None:
        """Get the number that an idempotent producer needs before its first message; blocks.

        The library asks for it whenever an answer about topics comes in, if
        it has a connection at that time, and else only half a second later.
        The first answer makes it connect, so there have to be two.

        Parameters
        ----------
        topic
            Some topic that is there.
        """
        with contextlib.suppress(KafkaException):
            for _ in range(2):
                self._client.list_topics(topic, _INTRODUCTION_S)
        self._client.poll(0)
        self._faults.begin_to_tell()

    async def write(self, topic: str, key: bytes, value: bytes) -> None:
        """Write a message, and wait until the broker has it.

        Raises
        ------
        BusError
            If the broker does not take it.
        """
        write = _Write(topic, key, value, self._loop.create_future())
        # Where there is no room, who came first is let in first.
        async with self._door:
            while not self._begin(write):
                self._room.clear()
                await self._room.wait()
        await write.confirmed

    async def aclose(self) -> None:
        """Wait a bounded time for what is under way, and end. Idempotent."""
        with self._change:
            if self._stop_at is None:
                self._stop_at = time.monotonic() + FLUSH_S
            self._change.notify()
        await self._ended.wait()
        self._thread.join()

    def _new_client(self) -> Any:
        own = delivery(self._settings, is_forbidden=self._is_forbidden) | {"error_cb": self._note}
        parts = (_SETTINGS, self._settings.common, self._settings.producer, own)
        return self._settings.make(lambda conf: self._connect(conf, logger=logger), *parts)

    def _note(self, error: Any) -> None:
        self._faults.note(error)
        if error.fatal():
            self._fatal = error

    def _begin(self, write: _Write) -> bool:
        """Hand a message to the client; False if it has no room."""
        with self._change:
            number = self._last_number + 1
            if self._fatal is None:
                try:
                    self._produce(number, write)
                except BufferError:
                    return False
                except KafkaException as error:
                    # A producer that has ended fails everything; its successor takes what waits.
                    if not error.args[0].fatal() and error.args[0].code() != KafkaError._FATAL:
                        raise BusError(f"{write.topic}: {error.args[0].str()}") from error
            self._last_number = number
            self._writes[number] = write
            self._change.notify()
        return True

    def _produce(self, number: int, write: _Write) -> None:
        client = self._client

        def report(error: Any, _: object) -> None:
            self._report(client, number, error)

        client.produce(write.topic, write.value, write.key or None, partition=0, on_delivery=report)

    def _report(self, client: Any, number: int, error: Any) -> None:
        """Take what became of a message; in the thread."""
        with self._change:
            if client is not self._client or (error is not None and self._is_ended(error)):
                return
            write = self._writes.pop(number)
        if error is None:
            self._faults.answered()
        self._loop.call_soon_threadsafe(self._settle, write, error)

    def _is_ended(self, error: Any) -> bool:
        """Does a message fail because the producer has ended? Its successor sees to it."""
        return self._fatal is not None or error.fatal() or error.code() == KafkaError._FATAL

    def _settle(self, write: _Write, error: Any) -> None:
        self._room.set()
        if write.confirmed.done():
            return
        if error is None:
            write.confirmed.set_result(None)
        elif error.code() == KafkaError._MSG_TIMED_OUT:
            write.confirmed.set_exception(
                BusError(f"{write.topic}: {self._faults.away()}; the message was given up")
            )
        elif error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
            write.confirmed.set_exception(
                BusError(f"{write.topic}: the broker does not allow us to write it: {error.str()}")
            )
        else:
            write.confirmed.set_exception(
                BusError(f"{write.topic}: the broker refuses the message: {error.str()}")
            )

    def _run(self) -> None:
        try:
            while self._goes_on():
                self._client.flush(_PULSE_S)
                if self._fatal is not None:
                    self._renew(self._fatal)
                self._tell_waiting()
        except Exception:
            logger.exception("the Kafka producer failed; nothing is written any more")
        finally:
            self._give_up()
            del self._client
            self._loop.call_soon_threadsafe(self._ended.set)

    def _give_up(self) -> None:
        """Have whoever waits for a confirmation told that there will be none."""
        self._client.purge()
        # What was sent already is reported a moment later, by another thread of the library.
        self._client.flush(_PULSE_S)
        with self._change:
            left, self._writes = self._writes, {}
        for write in left.values():
            self._loop.call_soon_threadsafe(self._settle, write, KafkaError(KafkaError._PURGE_INFLIGHT))

    def _goes_on(self) -> bool:
        """Sleep while nothing is under way; False when it is time to end."""
        with self._change:
            while not self._writes and self._stop_at is None:
                self._change.wait()
            if self._stop_at is None:
                return True
            return bool(self._writes) and time.monotonic() < self._stop_at

    def _renew(self, fatal: Any) -> None:
        """Let a new client take over from one that has ended."""
        self._is_forbidden |= fatal.code() in _FORBIDDEN
        if self._is_forbidden:
            logger.warning(
                "Kafka at %s does not allow an idempotent producer (%s); writing goes on without: "
                "should a connection break, messages may be written twice",
                self._settings.broker,
                fatal.str(),
            )
        else:
            logger.error("the Kafka producer had to be replaced: %s", fatal.str())
        with self._change:
            self._client = self._new_client()
            self._fatal = None
            if self._is_forbidden:
                for number, write in self._writes.items():
                    self._produce(number, write)
                return
            failed, self._writes = self._writes, {}
        for write in failed.values():
            self._loop.call_soon_threadsafe(self._settle, write, fatal)

    def _tell_waiting(self) -> None:
        """Say that writes wait, and that they no longer do."""
        now = time.monotonic()
        with self._change:
            oldest = next(iter(self._writes.values()), None)
            count = len(self._writes)
        if oldest is None or now - oldest.begun_at < _LONG_S:
            if self._said_at:
                logger.warning("Kafka at %s takes messages again", self._settings.broker)
            self._said_at = 0.0
        elif now - self._said_at >= _SAY_EVERY_S:
            self._said_at = now
            logger.warning(
                "%s; %d messages wait, the oldest for %.0f s",
                self._faults.away(),
                count,
                now - oldest.begun_at,
            )


def delivery(settings: Settings, *, is_forbidden: bool = False) -> dict[str, Any]:
    """Return how messages are confirmed.

    Parameters
    ----------
    settings
        The connection; what the files say comes first.
    is_forbidden
        Does the broker not allow to be idempotent?
    """
    said = {**settings.common, **settings.producer}
    acks = said.get("acks", said.get("request.required.acks", settings.acks))
    is_idempotent = said.get("enable.idempotence", True)
    if (
        str(acks).lower() not in ("none", "-1", "all")
        or str(is_idempotent).lower() == "false"
        or is_forbidden
    ):
        return {"acks": -1 if acks is None else acks, "enable.idempotence": False, "max.in.flight": 1}
    return {"acks": -1, "enable.idempotence": True}
