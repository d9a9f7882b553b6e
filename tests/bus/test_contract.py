# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The contract of a bus, sentence by sentence, on every middleware.

That something does not arrive is shown by what was written after it and does:
order holds within a topic and writer.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import traceback
from contextlib import suppress

import pytest

from lsst.ts.scriptqueue.bus import IndexRange, Message, Reading, TopicSpec

from .collector import Collector
from .links import EVERY, a_reader, a_writer
from .networks import Network
from .topics import ACKNOWLEDGEMENT, BARE, COMMAND, EVENT, STATE, TELEMETRY, a_message

WITHOUT_HISTORY = pytest.mark.parametrize(
    "topic", [COMMAND, ACKNOWLEDGEMENT, TELEMETRY], ids=lambda t: t.name
)


async def test_every_type_arrives_as_it_was_written(network: Network) -> None:
    got = Collector()
    written = a_message(
        EVENT,
        salIndex=7,
        private_sndStamp=1.7e9,
        flag=True,
        octet=255,
        small=-32768,
        number=-(2**31),
        large=-(2**63),
        port=65535,
        mask=2**32 - 1,
        ratio=0.25,
        text="naïve ☕ \n",
        salIndices=list(range(400)),
        switches=[True, False, True],
    )
    await a_reader(network.connect(), got, EVENT)
    await (await a_writer(network.connect(), EVENT, index=7)).write(EVENT, written)
    await got.until(lambda got: bool(got.messages))
    assert got.messages == [written]
    assert list(got.messages[0]) == [field.name for field in EVENT.fields]
    assert [type(value) for value in got.messages[0].values()] == [type(value) for value in written.values()]


async def test_fields_are_delivered_in_the_topics_order_whatever_the_writers(network: Network) -> None:
    got = Collector()
    await a_reader(network.connect(), got)
    backwards = dict(reversed(a_message(number=1).items()))
    await (await a_writer(network.connect())).write(STATE, backwards)
    await got.has(1)
    assert list(got.messages[0]) == [field.name for field in STATE.fields]


async def test_open_returns_when_the_latest_event_of_each_index_was_delivered(network: Network) -> None:
    writer = await a_writer(network.connect())
    for number in range(5):
        for index in (1, 2, 300):
            await writer.write(STATE, a_message(salIndex=index, number=number))
    got = Collector()
    await a_reader(network.connect(), got)
    assert sorted((message["salIndex"], message["number"]) for message in got.messages) == [
        (1, 4),
        (2, 4),
        (300, 4),
    ]


async def test_history_is_limited_to_the_indices_wanted(network: Network) -> None:
    writer = await a_writer(network.connect())
    for index in (99, 100, 199, 200):
        await writer.write(STATE, a_message(salIndex=index, number=index))
    got = Collector()
    await a_reader(network.connect(), got, indices=IndexRange(100, 199))
    assert sorted(got.numbers()) == [100, 199]


@WITHOUT_HISTORY
async def test_only_events_have_history(network: Network, topic: TopicSpec) -> None:
    early = Collector()
    await a_reader(network.connect(), early, topic, IndexRange.one(1))
    writer = await a_writer(network.connect(), topic)
    await writer.write(topic, a_message(topic, salIndex=1, number=1))
    await early.has(1)
    late = Collector()
    await a_reader(network.connect(), late, topic, IndexRange.one(1))
    await writer.write(topic, a_message(topic, salIndex=1, number=2))
    await late.has(2)
    assert late.numbers() == [2]


@pytest.mark.parametrize("topic", [STATE, COMMAND, ACKNOWLEDGEMENT, TELEMETRY], ids=lambda t: t.name)
async def test_nothing_is_missed_after_open(network: Network, topic: TopicSpec) -> None:
    writer = await a_writer(network.connect(), topic)
    for number in range(10):
        got = Collector()
        reader = await a_reader(network.connect(), got, topic, IndexRange.one(1))
        await writer.write(topic, a_message(topic, salIndex=1, number=number))
        await got.has(number)
        await reader.aclose()


async def test_a_command_written_at_once_reaches_a_component_that_is_up(network: Network) -> None:
    got = Collector()
    await a_reader(network.connect(), got, COMMAND, IndexRange.one(5))
    for number in range(10):
        link = await a_writer(network.connect(), COMMAND, index=0)
        await link.write(COMMAND, a_message(COMMAND, salIndex=5, number=number))
        await link.aclose()
    await got.has(9)
    assert got.numbers() == list(range(10))


async def test_a_command_that_nobody_reads_is_dropped_silently(network: Network) -> None:
    got = Collector()
    await a_reader(network.connect(), got, COMMAND, IndexRange.one(5))
    link = await a_writer(network.connect(), COMMAND, index=0)
    await link.write(COMMAND, a_message(COMMAND, salIndex=6, number=1))
    await link.write(COMMAND, a_message(COMMAND, salIndex=5, number=2))
    await got.has(2)
    assert got.numbers() == [2]


async def test_a_command_reaches_a_component_that_was_not_up_before(network: Network) -> None:
    link = await a_writer(network.connect(), COMMAND, index=0)
    await link.write(COMMAND, a_message(COMMAND, salIndex=5, number=1))
    got = Collector()
    await a_reader(network.connect(), got, COMMAND, IndexRange.one(5))
    await link.write(COMMAND, a_message(COMMAND, salIndex=5, number=2))
    await got.has(2)
    assert got.numbers() == [2]


async def test_a_client_gets_the_acknowledgement_of_its_first_command(network: Network) -> None:
    component = network.connect()

    def answer(message: Message) -> None:
        answers.create_task(link.write(ACKNOWLEDGEMENT, message))

    link = await component.open(
        index=5, writes=[ACKNOWLEDGEMENT], reads=[Reading(COMMAND, IndexRange.one(5), answer)]
    )
    async with asyncio.TaskGroup() as answers:
        for number in range(10):
            got = Collector()
            client = await network.connect().open(
                index=0, writes=[COMMAND], reads=[Reading(ACKNOWLEDGEMENT, IndexRange.one(5), got)]
            )
            await client.write(COMMAND, a_message(COMMAND, salIndex=5, number=number))
            await got.has(number)
            await client.aclose()


async def test_only_the_indices_wanted_are_delivered(network: Network) -> None:
    got = Collector()
    await a_reader(network.connect(), got, indices=IndexRange(100150, 100199))
    writer = await a_writer(network.connect())
    for index in (1, 100149, 100150, 100199, 100200, 1001500):
        await writer.write(STATE, a_message(salIndex=index, number=index))
    await got.has(100199)
    await writer.write(STATE, a_message(salIndex=100150, number=-1))
    await got.has(-1)
    assert sorted(got.numbers()) == [-1, 100150, 100199]


async def test_a_component_without_an_index_is_read(network: Network) -> None:
    got = Collector()
    writer = await a_writer(network.connect(), BARE, index=0)
    await writer.write(BARE, {"number": 1, "text": ""})
    await a_reader(network.connect(), got, BARE)
    await writer.write(BARE, {"number": 2, "text": ""})
    await got.has(2)
    assert got.numbers() == [1, 2]


@pytest.mark.parametrize("topic", [STATE, COMMAND, ACKNOWLEDGEMENT, TELEMETRY], ids=lambda t: t.name)
async def test_a_burst_arrives_whole_and_in_order(network: Network, topic: TopicSpec) -> None:
    got = Collector()
    await a_reader(network.connect(), got, topic, IndexRange.one(1))
    writer = await a_writer(network.connect(), topic)
    for number in range(1000):
        await writer.write(topic, a_message(topic, salIndex=1, number=number, text="x" * 100))
    await got.has(999)
    assert got.numbers() == list(range(1000))


async def test_all_readers_of_a_topic_get_all(network: Network) -> None:
    collectors = [Collector() for _ in range(3)]
    bus = network.connect()
    await a_reader(bus, collectors[0])
    await a_reader(bus, collectors[1])
    await a_reader(network.connect(), collectors[2])
    writer = await a_writer(network.connect())
    for number in range(10):
        await writer.write(STATE, a_message(salIndex=1, number=number))
    for got in collectors:
        await got.has(9)
        assert got.numbers() == list(range(10))


async def test_a_component_reads_itself(network: Network) -> None:
    got = Collector()
    link = await network.connect().open(index=1, writes=[STATE], reads=[Reading(STATE, EVERY, got)])
    await link.write(STATE, a_message(salIndex=1, number=1))
    await got.has(1)


def callers() -> set[str]:
    """Return the names of the functions that are being called."""
    return {summary.name for summary in traceback.extract_stack()}


async def test_delivery_is_on_the_loop_and_never_inside_a_write(network: Network) -> None:
    threads: set[threading.Thread] = set()
    inside: list[bool] = []
    got = Collector()

    def deliver(message: Message) -> None:
        asyncio.get_running_loop()
        threads.add(threading.current_thread())
        inside.append("write" in callers())
        got(message)

    bus = network.connect()
    link = await bus.open(index=1, writes=[STATE], reads=[Reading(STATE, EVERY, deliver)])
    for number in range(20):
        await link.write(STATE, a_message(salIndex=1, number=number))
    await got.has(19)
    assert threads == {threading.current_thread()}
    assert not any(inside)


async def test_a_reader_that_fails_is_logged_and_stops_nobody(
    network: Network, caplog: pytest.LogCaptureFixture
) -> None:
    got = Collector()

    def fail(message: Message) -> None:
        got(message)
        raise RuntimeError(f"cannot cope with {message['number']}")

    good = Collector()
    reads = [Reading(STATE, EVERY, fail), Reading(TELEMETRY, EVERY, good)]
    link = await network.connect().open(index=1, writes=[STATE, TELEMETRY], reads=reads)
    with caplog.at_level(logging.ERROR):
        for number in range(3):
            await link.write(STATE, a_message(salIndex=1, number=number))
            await link.write(TELEMETRY, a_message(TELEMETRY, salIndex=1, number=number))
        await got.has(2)
        await good.has(2)
    assert got.numbers() == good.numbers() == [0, 1, 2]
    assert [str(record.exc_info[1]) for record in caplog.records if record.exc_info] == [
        f"cannot cope with {number}" for number in range(3)
    ]


async def test_what_was_written_before_closing_arrives(network: Network) -> None:
    got = Collector()
    await a_reader(network.connect(), got)
    bus = network.connect()
    writer = await a_writer(bus)
    for number in range(100):
        await writer.write(STATE, a_message(salIndex=1, number=number))
    await bus.aclose()
    await got.has(99)
    assert got.numbers() == list(range(100))


async def test_a_closed_link_delivers_nothing(network: Network) -> None:
    closed, other = Collector(), Collector()
    reader = await a_reader(network.connect(), closed)
    await a_reader(network.connect(), other)
    writer = await a_writer(network.connect())
    await writer.write(STATE, a_message(salIndex=1, number=1))
    await closed.has(1)
    await writer.write(STATE, a_message(salIndex=1, number=2))
    await reader.aclose()
    before = closed.numbers()
    await writer.write(STATE, a_message(salIndex=1, number=3))
    await other.has(3)
    assert closed.numbers() == before


async def test_closing_again_does_nothing(network: Network) -> None:
    bus = network.connect()
    link = await a_writer(bus)
    await link.aclose()
    await link.aclose()
    await bus.aclose()
    await bus.aclose()


async def test_closing_a_bus_that_was_never_used_does_nothing(network: Network) -> None:
    await network.connect().aclose()


async def test_readers_share_nothing(network: Network) -> None:
    one, two = Collector(), Collector()
    link = await network.connect().open(
        index=1, writes=[EVENT], reads=[Reading(EVENT, EVERY, one), Reading(EVENT, EVERY, two)]
    )
    written = a_message(EVENT, number=1)
    await link.write(EVENT, written)
    written["switches"][0] = True
    await one.has(1)
    await two.has(1)
    one.messages[0]["switches"][1] = True
    assert two.messages[0]["switches"] == [False, False, False]
    late = Collector()
    await a_reader(network.connect(), late, EVENT)
    assert late.messages[0]["switches"] == [False, False, False]


async def test_opening_that_is_cancelled_leaves_a_usable_bus(network: Network) -> None:
    bus = network.connect()
    got = Collector()
    opening = asyncio.create_task(a_reader(bus, got))
    asyncio.get_running_loop().call_soon(opening.cancel)
    # A middleware that need not wait for anybody has opened before it is cancelled.
    with suppress(asyncio.CancelledError):
        await (await opening).aclose()
    again = Collector()
    await a_reader(bus, again)
    writer = await a_writer(bus)
    await writer.write(STATE, a_message(salIndex=1, number=1))
    await again.has(1)
    assert got.numbers() == []


async def test_links_of_one_bus_may_open_together(network: Network) -> None:
    bus = network.connect()
    collectors = [Collector() for _ in range(5)]
    async with asyncio.TaskGroup() as openings:
        for got in collectors:
            openings.create_task(a_reader(bus, got))
    writer = await a_writer(bus)
    await writer.write(STATE, a_message(salIndex=1, number=1))
    for got in collectors:
        await got.has(1)
