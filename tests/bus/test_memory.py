# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the memory bus promises beyond the contract."""

from __future__ import annotations

import asyncio
import contextvars

import pytest

from lsst.ts.scriptqueue.bus import BusError, IndexRange, Message, Reading
from lsst.ts.scriptqueue.bus.memory import HISTORY_DEPTH, MemoryBroker, MemoryBus

from .topics import COMMAND, EVENT, STATE, a_message


async def test_order_holds_across_topics() -> None:
    bus = MemoryBus(MemoryBroker())
    got: list[Message] = []
    every = IndexRange.every()
    link = await bus.open(
        index=1,
        writes=[STATE, COMMAND],
        reads=[Reading(STATE, every, got.append), Reading(COMMAND, IndexRange.one(1), got.append)],
    )
    for number in range(10):
        await link.write((STATE, COMMAND)[number % 2], a_message(salIndex=1, number=number))
    await asyncio.sleep(0)
    assert [message["number"] for message in got] == list(range(10))
    await bus.aclose()


async def test_nobody_shares_a_list() -> None:
    bus = MemoryBus(MemoryBroker())
    got: list[Message] = []
    link = await bus.open(
        index=1,
        writes=[EVENT],
        reads=[Reading(EVENT, IndexRange.every(), got.append) for _ in range(2)],
    )
    written = a_message(EVENT, salIndex=1)
    await link.write(EVENT, written)
    written["switches"][0] = True
    await asyncio.sleep(0)
    got[0]["switches"][1] = True
    assert got[1]["switches"] == [False, False, False]
    await bus.aclose()


async def test_the_writers_context_does_not_reach_the_reader() -> None:
    who = contextvars.ContextVar("who", default="reader")
    seen: list[str] = []
    bus = MemoryBus(MemoryBroker())
    link = await bus.open(
        index=1, writes=[STATE], reads=[Reading(STATE, IndexRange.every(), lambda _: seen.append(who.get()))]
    )
    who.set("writer")
    await link.write(STATE, a_message())
    await asyncio.sleep(0)
    assert seen == ["reader"]
    await bus.aclose()


async def test_two_definitions_of_a_topic_are_refused() -> None:
    broker = MemoryBroker()
    await MemoryBus(broker).open(index=1, writes=[STATE], reads=[])
    other = type(STATE)(STATE.component, STATE.name, STATE.kind, STATE.fields[:1])
    with pytest.raises(BusError, match="open with other fields"):
        await MemoryBus(broker).open(index=2, writes=[other], reads=[])


async def test_history_is_of_the_indices_last_written() -> None:
    bus = MemoryBus(MemoryBroker())
    writer = await bus.open(index=0, writes=[STATE], reads=[])
    for index in (1, *range(2, HISTORY_DEPTH + 1), 1, HISTORY_DEPTH + 1):
        await writer.write(STATE, a_message(salIndex=index))
    got: list[Message] = []
    await bus.open(index=0, writes=[], reads=[Reading(STATE, IndexRange.every(), got.append)])
    assert [message["salIndex"] for message in got] == [1, *range(3, HISTORY_DEPTH + 2)]
    await bus.aclose()
