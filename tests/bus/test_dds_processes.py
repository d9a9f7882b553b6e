# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""DDS between real processes: late, slow, stopped and killed ones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from lsst.ts.scriptqueue.bus import IndexRange, Reading

from .collector import Collector
from .networks import DdsNetwork
from .peers import peers
from .topics import STATE, a_message

pytestmark = pytest.mark.system

EVERY = IndexRange.every()


@pytest.fixture
async def network() -> AsyncIterator[DdsNetwork]:
    network = DdsNetwork()
    yield network
    await network.aclose()


async def test_a_late_reader_has_the_latest_of_200_indices_when_it_is_open(network: DdsNetwork) -> None:
    async with peers(network.environment, "hub") as [writer]:
        await writer.open(writes=["STATE"])
        for index in range(1, 201):
            await writer.burst("STATE", a_message(salIndex=index), 1, 3)
        got = Collector()
        await network.connect().open(index=0, writes=(), reads=[Reading(STATE, EVERY, got)])
        assert sorted((m["salIndex"], m["number"]) for m in got.messages) == [(i, 3) for i in range(1, 201)]


async def test_a_burst_to_a_reader_whose_event_loop_is_blocked_arrives_whole(network: DdsNetwork) -> None:
    async with peers(network.environment, "hub") as [reader]:
        await reader.open(reads=[("STATE", 1, 1)])
        link = await network.connect().open(index=1, writes=[STATE], reads=())
        await reader.block()
        for number in range(2000):
            await link.write(STATE, a_message(salIndex=1, number=number, text="x" * 500))
        await reader.unblock()
        await reader.got("STATE").has(1999)
        assert reader.got("STATE").numbers() == list(range(2000))


async def test_a_stopped_reader_blocks_no_writer_and_misses_nothing(network: DdsNetwork) -> None:
    async with peers(network.environment, "hub", "hub") as [stopped, awake]:
        await stopped.open(reads=[("STATE", 1, 1)])
        await awake.open(reads=[("STATE", 1, 1)])
        link = await network.connect().open(index=1, writes=[STATE], reads=())
        loop = asyncio.get_running_loop()
        stopped.stop()
        longest_s = 0.0
        # 4 MB, eight times what Cyclone DDS by default allows to be unacknowledged.
        for number in range(2000):
            start = loop.time()
            await link.write(STATE, a_message(salIndex=1, number=number, text="x" * 2000))
            longest_s = max(longest_s, loop.time() - start)
        await awake.got("STATE").has(1999)
        stopped.go_on()
        await stopped.got("STATE").has(1999)
        assert longest_s < 0.25
        assert awake.got("STATE").numbers() == list(range(2000))
        assert stopped.got("STATE").numbers() == list(range(2000))
