# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the same takes on Kafka with its client library alone."""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
import time
from pathlib import Path

from bare_kafka import consumer_of, produce_to_consume, round_trips
from children import Crowd
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic
from figures import REST_S, Readings
from middleware import Middleware

__all__ = ["KafkaFloors"]

#: As many as a script has, and one.
TOPICS = 18


class KafkaFloors:
    """Measures bare clients.

    Parameters
    ----------
    middleware
        Kafka.
    folder
        A temporary folder.
    readings
        Where it goes.
    """

    def __init__(self, middleware: Middleware, folder: Path, readings: Readings) -> None:
        self._readings = readings
        self._broker = middleware.environment["LSST_KAFKA_BROKER_ADDR"]
        self._client: dict[str, str | int | float | bool] = {
            "bootstrap.servers": self._broker,
            "log_level": 2,
        }
        run = secrets.token_hex(6)
        self._topics = [f"bench.{run}.{number}" for number in range(TOPICS)]
        self._plan = folder / "bare_kafka.json"
        self._plan.write_text(json.dumps({"broker": self._broker, "topics": self._topics}))
        self._make_topics()

    async def measure_bare(self, count: int) -> None:
        """Start so many bare processes at once, until the last has seen a message."""
        with Crowd() as crowd:
            began = time.perf_counter()
            for _ in range(count):
                crowd.start([sys.executable, str(Path(__file__).parent / "bare_kafka.py"), str(self._plan)])
            usages = await crowd.ended()
            self._readings.add(f"client_{count}", time.perf_counter() - began)
            self._readings.add("client_cpu", *(usage.cpu_s for usage in usages))

    async def measure_trips(self, count: int) -> None:
        """Send messages one after another."""
        trips = await asyncio.to_thread(produce_to_consume, self._broker, self._topics[0], count)
        # The first ones are those of clients that have just started.
        self._readings.add("trip", *(trip * 1e3 for trip in trips[count // 10 :]))
        self._readings.add("echo", *(trip * 1e3 for trip in await self._rested(count // 10)))

    async def _rested(self, count: int) -> list[float]:
        """Send messages to a process that sends them back, each after a rest (seconds)."""
        pings, pongs = self._topics[:2]
        consumer = consumer_of(self._broker, [pongs], from_end=True)
        with Crowd() as crowd:
            echo = Path(__file__).parent / "bare_kafka_echo.py"
            crowd.start([sys.executable, str(echo), self._broker, pings, pongs])
            trips = await asyncio.to_thread(round_trips, consumer, self._broker, pings, count, REST_S)
        consumer.close()
        return trips

    def remove_topics(self) -> None:
        """Leave the broker as it was."""
        admin = AdminClient(self._client)
        for future in admin.delete_topics(self._topics).values():
            future.result()

    def _make_topics(self) -> None:
        admin = AdminClient(self._client)
        for future in admin.create_topics([NewTopic(name, 1, 1) for name in self._topics]).values():
            future.result()
        producer = Producer(self._client)
        for name in self._topics:
            producer.produce(name, b"first", b"bench", 0)
        if producer.flush(60):
            raise TimeoutError(f"the broker at {self._broker} takes no messages")
