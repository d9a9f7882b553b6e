# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What this process writes: one producer, and a thread that hears what became of it.

A write is over when the broker has confirmed it. Order is kept and nothing is
written twice, because the producer is idempotent, unless the number of
confirmations was set to something that does not allow that; then one request
is under way at a time. The thread sleeps when nothing is under way.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka import Producer as Client

from ..contract import BusError
from .faults import Faults
from .settings import Settings

__all__ = ["FLUSH_S", "Producer"]

logger = logging.getLogger(__name__)

#: How long closing waits for what is under way.
FLUSH_S = 5.0

_PULSE_S = 0.1
_SETTINGS = {
    "linger.ms": 0,
    "allow.auto.create.topics": False,
    "message.timeout.ms": 120_000,
    "topic.metadata.refresh.fast.interval.ms": 50,
    "retry.backoff.ms": 50,
    "queue.buffering.max.messages": 10_000,
}


class Producer:
    """All that this process writes.

    Parameters
    ----------
    settings
        The connection.

    Raises
    ------
    BusError
        If the settings cannot be used.
    """

    def __init__(self, settings: Settings) -> None:
        self._loop = asyncio.get_running_loop()
        self._broker = settings.broker
        self._faults = Faults(settings.broker)
        own = _delivery(settings.acks) | {"error_cb": self._faults.note}
        try:
            self._client = Client(
                settings.client(_SETTINGS, own, settings.common, settings.producer), logger=logger
            )
        except KafkaException as error:
            raise BusError(f"these Kafka settings cannot be used: {error.args[0].str()}") from error
        self._change = threading.Condition()
        self._under_way = 0
        self._stop_at: float | None = None
        self._room = asyncio.Event()
        self._ended = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="kafka-producer", daemon=True)
        self._thread.start()

    async def write(self, topic: str, key: bytes, value: bytes) -> None:
        """Write a message, and wait until the broker has it.

        Raises
        ------
        BusError
            If the broker does not take it.
        """
        confirmed: asyncio.Future[None] = self._loop.create_future()
        while not self._begin(topic, key, value, confirmed):
            self._room.clear()
            await self._room.wait()
        await confirmed

    async def aclose(self) -> None:
        """Wait a bounded time for what is under way, and end. Idempotent."""
        with self._change:
            if self._stop_at is None:
                self._stop_at = time.monotonic() + FLUSH_S
            self._change.notify()
        await self._ended.wait()
        self._thread.join()

    def _begin(self, topic: str, key: bytes, value: bytes, confirmed: asyncio.Future[None]) -> bool:
        """Hand a message to the client; False if it has no room."""

        def report(error: Any, _: object) -> None:
            self._loop.call_soon_threadsafe(self._settle, confirmed, topic, error)

        with self._change:
            try:
                self._client.produce(topic, value, key or None, partition=0, on_delivery=report)
            except BufferError:
                return False
            except KafkaException as error:
                raise BusError(f"{topic}: {error.args[0].str()}") from error
            self._under_way += 1
            self._change.notify()
        return True

    def _settle(self, confirmed: asyncio.Future[None], topic: str, error: Any) -> None:
        with self._change:
            self._under_way -= 1
            self._change.notify()
        self._room.set()
        if confirmed.done():
            return
        if error is None:
            confirmed.set_result(None)
        elif error.code() == KafkaError._MSG_TIMED_OUT:
            confirmed.set_exception(BusError(f"{topic}: {self._faults.away()}; the message was given up"))
        else:
            confirmed.set_exception(BusError(f"{topic}: the broker refuses the message: {error.str()}"))

    def _run(self) -> None:
        client = self._client
        try:
            while self._goes_on():
                client.poll(_PULSE_S)
        except Exception:
            logger.exception("the Kafka producer failed; nothing is written any more")
        finally:
            client.purge()
            client.poll(0)
            del self._client, client
            self._loop.call_soon_threadsafe(self._ended.set)

    def _goes_on(self) -> bool:
        """Sleep while nothing is under way; False when it is time to end."""
        with self._change:
            while self._under_way == 0 and self._stop_at is None:
                self._change.wait()
            if self._stop_at is None:
                return True
            return self._under_way > 0 and time.monotonic() < self._stop_at


def _delivery(acks: int | None) -> dict[str, Any]:
    if acks is None or acks == -1:
        return {"acks": -1, "enable.idempotence": True}
    return {"acks": acks, "enable.idempotence": False, "max.in.flight": 1}
