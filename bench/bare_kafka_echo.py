# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that is a floor: it sends back each message it gets on Kafka, without asyncio."""

from __future__ import annotations

import sys

from bare_kafka import KEY, READY, consumer_of, producer_of


def echo(broker: str, pings: str, pongs: str) -> None:
    consumer = consumer_of(broker, [pings], from_end=True)
    producer = producer_of(broker)
    producer.produce(pongs, READY, KEY, 0)
    while True:
        ping = consumer.poll(3600)
        if ping is not None and ping.error() is None:
            producer.produce(pongs, ping.value(), KEY, 0)
        # What was sent is confirmed, which nobody looks at.
        producer.poll(0)


if __name__ == "__main__":
    echo(*sys.argv[1:4])
