# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A broker that stops, dies or stands still while it is used."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from lsst.ts.scriptqueue.bus import Bus, BusError, Link, Reading, connect

from ...own_broker import OUTAGES, OUTAGES_AND_LONG, OwnBroker
from ..collector import Collector
from ..links import EVERY
from ..topics import COMMAND, STATE, a_message

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

#: Longer than a broker that is there ever takes, and shorter than anybody's patience (seconds).
OUTAGE_S = 2.0

LATE = 60.0


@pytest.fixture
async def bus(own_broker: OwnBroker) -> AsyncIterator[Bus]:
    bus = connect("kafka", own_broker.environment)
    yield bus
    await own_broker.come_back()
    await bus.aclose()


async def write_all(link: Link, numbers: range) -> list[asyncio.Task[None]]:
    """Begin to write, in order."""
    return [
        asyncio.create_task(link.write(topic, a_message(topic, number=number)))
        for number in numbers
        for topic in (STATE, COMMAND)
    ]


@pytest.mark.parametrize("how", OUTAGES_AND_LONG)
async def test_nothing_is_lost_or_doubled_and_order_is_kept(
    bus: Bus, own_broker: OwnBroker, how: str
) -> None:
    got = {topic: Collector() for topic in (STATE, COMMAND)}
    reads = [Reading(topic, EVERY, collector) for topic, collector in got.items()]
    link = await bus.open(index=1, writes=[STATE, COMMAND], reads=reads)
    await asyncio.gather(*await write_all(link, range(5)))
    under_way = await write_all(link, range(5, 10))
    await own_broker.go(how)
    waiting = await write_all(link, range(10, 30))
    done, _ = await asyncio.wait(waiting, timeout=OUTAGE_S)
    assert not done
    await own_broker.come_back()
    async with asyncio.timeout(LATE):
        await asyncio.gather(*under_way, *waiting)
    await link.write(STATE, a_message(number=30))
    for topic, collector in got.items():
        await collector.until(lambda got: 29 in got.numbers(), LATE)
        assert collector.numbers()[:30] == list(range(30)), topic.name
    late = Collector()
    await bus.open(index=0, writes=(), reads=[Reading(STATE, EVERY, late)])
    assert late.numbers() == [30]


async def test_who_opens_meanwhile_waits(bus: Bus, own_broker: OwnBroker) -> None:
    await own_broker.go("away")
    got = Collector()
    opening = asyncio.create_task(bus.open(index=1, writes=[STATE], reads=[Reading(STATE, EVERY, got)]))
    assert not (await asyncio.wait([opening], timeout=OUTAGE_S))[0]
    await own_broker.come_back()
    link = await asyncio.wait_for(opening, LATE)
    await link.write(STATE, a_message(number=1))
    await got.has(1)


async def test_waiting_is_told_and_its_end(
    bus: Bus, own_broker: OwnBroker, caplog: pytest.LogCaptureFixture
) -> None:
    told, over = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    class Watch(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            for words, event in (("1 messages wait, the oldest for", told), ("takes messages again", over)):
                if words in record.getMessage():
                    loop.call_soon_threadsafe(event.set)

    watch = Watch()
    logging.getLogger("lsst.ts.scriptqueue.bus.kafka").addHandler(watch)
    try:
        link = await bus.open(index=1, writes=[STATE], reads=())
        await own_broker.go("pause")
        writing = asyncio.create_task(link.write(STATE, a_message(number=1)))
        async with asyncio.timeout(LATE):
            await told.wait()
            await own_broker.come_back()
            await writing
            await over.wait()
    finally:
        logging.getLogger("lsst.ts.scriptqueue.bus.kafka").removeHandler(watch)


async def test_closing_does_not_wait_for_a_broker_that_is_away(
    own_broker: OwnBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lsst.ts.scriptqueue.bus.kafka.producer.FLUSH_S", 0.5)
    bus = connect("kafka", own_broker.environment)
    got = Collector()
    link = await bus.open(index=1, writes=[STATE], reads=[Reading(STATE, EVERY, got)])
    await own_broker.go("pause")
    writing = asyncio.create_task(link.write(STATE, a_message(number=1)))
    async with asyncio.timeout(LATE):
        assert not (await asyncio.wait([writing], timeout=0.1))[0]
        await bus.aclose()
        with pytest.raises(BusError, match="logevent_state"):
            await writing


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("how", OUTAGES)
async def test_a_minute_away(bus: Bus, own_broker: OwnBroker, how: str) -> None:
    got = Collector()
    link = await bus.open(index=1, writes=[COMMAND], reads=[Reading(COMMAND, EVERY, got)])
    await link.write(COMMAND, a_message(COMMAND, number=0))
    await own_broker.go(how)
    writing = [
        asyncio.create_task(link.write(COMMAND, a_message(COMMAND, number=number))) for number in range(1, 60)
    ]
    assert not (await asyncio.wait(writing, timeout=60.0))[0]
    await own_broker.come_back()
    async with asyncio.timeout(LATE):
        await asyncio.gather(*writing)
    await got.until(lambda got: 59 in got.numbers(), LATE)
    assert got.numbers() == list(range(60))
