# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that is a floor: it assigns the topics of a script and sees its first message.

Only the client library and nothing of ours. Called with a JSON file that says
broker and topics; ends when it has seen a message. Also what such a program
needs to send a number and see it come, for the process that measures.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition

__all__ = ["consumer_of", "produce_to_consume"]

_LIMIT_S = 60.0


def consumer_of(broker: str, topics: Sequence[str], *, from_end: bool) -> Any:
    """Return a consumer of topics, assigned by hand."""
    consumer = Consumer(
        {
            "bootstrap.servers": broker,
            "group.id": "bench",
            "enable.auto.commit": False,
            "fetch.wait.max.ms": 100,
        }
    )
    partitions = [TopicPartition(topic, 0, -1) for topic in topics]
    ends = consumer.offsets_for_times(partitions, timeout=_LIMIT_S)
    for end in ends:
        end.offset = end.offset if from_end else max(0, end.offset - 1)
    consumer.assign(ends)
    return consumer


def produce_to_consume(broker: str, topic: str, count: int) -> list[float]:
    """Return how long each of so many messages took from producer to consumer, in one process (seconds)."""
    consumer = consumer_of(broker, [topic], from_end=True)
    producer = Producer({"bootstrap.servers": broker, "linger.ms": 0, "acks": -1})
    trips = []
    for number in range(count):
        sent = time.perf_counter()
        producer.produce(topic, b"%d" % number, b"bench", 0)
        while (got := consumer.poll(_LIMIT_S)) is not None and got.value() != b"%d" % number:
            pass
        if got is None:
            raise TimeoutError(f"a message did not come within {_LIMIT_S} s")
        trips.append(time.perf_counter() - sent)
        producer.poll(0)
    consumer.close()
    producer.flush(_LIMIT_S)
    return trips


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
