# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that is a floor: it assigns the topics of a script and sees its first message.

Only the client library and nothing of ours. Called with a JSON file that says
broker and topics; ends when it has seen a message. Also what such programs
need to send messages and see them come, for the process that measures.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition

__all__ = ["KEY", "READY", "consumer_of", "produce_to_consume", "producer_of", "round_trips"]

_LIMIT_S = 60.0

#: The key of all messages, and what one who echoes says first.
KEY, READY = b"bench", b"ready"


def consumer_of(broker: str, topics: Sequence[str], *, from_end: bool) -> Any:
    """Return a consumer of topics, assigned by hand."""
    consumer = Consumer(
        {
            "bootstrap.servers": broker,
            "group.id": "bench",
            "enable.auto.commit": False,
            "fetch.wait.max.ms": 100,
            "socket.nagle.disable": True,
        }
    )
    partitions = [TopicPartition(topic, 0, -1) for topic in topics]
    ends = consumer.offsets_for_times(partitions, timeout=_LIMIT_S)
    for end in ends:
        end.offset = end.offset if from_end else max(0, end.offset - 1)
    consumer.assign(ends)
    return consumer


def producer_of(broker: str) -> Any:
    """Return a producer that sends at once."""
    return Producer({"bootstrap.servers": broker, "linger.ms": 0, "acks": -1, "socket.nagle.disable": True})


def produce_to_consume(broker: str, topic: str, count: int) -> list[float]:
    """Return how long each of so many messages took from producer to consumer, in one process (seconds)."""
    consumer, producer = consumer_of(broker, [topic], from_end=True), producer_of(broker)
    trips = _trips(consumer, producer, topic, count)
    consumer.close()
    producer.flush(_LIMIT_S)
    return trips


def round_trips(consumer: Any, broker: str, topic: str, count: int, rest_s: float) -> list[float]:
    """Return how long each of so many messages took to a process that sends it back (seconds).

    Parameters
    ----------
    consumer
        Hears what comes back, and that the process is ready.
    broker
        Where the broker is.
    topic
        What the process hears.
    count
        How many.
    rest_s
        How long nothing is sent before each (seconds).
    """
    producer = producer_of(broker)
    _await(consumer, READY)
    trips = _trips(consumer, producer, topic, count, rest_s)
    producer.flush(_LIMIT_S)
    return trips


def _trips(consumer: Any, producer: Any, topic: str, count: int, rest_s: float = 0.0) -> list[float]:
    trips = []
    for number in range(count):
        if rest_s:
            # Nothing comes; the processor goes to sleep as it does before a command.
            consumer.poll(rest_s)
        sent = time.perf_counter()
        producer.produce(topic, b"%d" % number, KEY, 0)
        _await(consumer, b"%d" % number)
        trips.append(time.perf_counter() - sent)
        producer.poll(0)
    return trips


def _await(consumer: Any, value: bytes) -> None:
    while (got := consumer.poll(_LIMIT_S)) is not None and got.value() != value:
        pass
    if got is None:
        raise TimeoutError(f"a message did not come within {_LIMIT_S} s")


def main() -> None:
    with open(sys.argv[1]) as file:
        plan = json.load(file)
    consumer = consumer_of(plan["broker"], plan["topics"], from_end=False)
    if consumer.poll(_LIMIT_S) is None:
        sys.exit("no message")
    # What it takes to end is not what is measured.
    os._exit(0)


if __name__ == "__main__":
    main()
