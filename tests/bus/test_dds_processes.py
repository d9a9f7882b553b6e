# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""DDS between real processes: late, slow, stopped and killed ones."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack

import pytest

from lsst.ts.scriptqueue.bus import IndexRange, Reading
from lsst.ts.scriptqueue.bus.dds.discovery import LEAF_PLACES, places

from .collector import Collector
from .networks import DdsNetwork
from .onlooker import count_wakeups, wait_until_participants
from .peers import PeerProcess, peers
from .topics import ACKNOWLEDGEMENT, COMMAND, STATE, a_message

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
        stopped.stop()
        # 4 MB, eight times what Cyclone DDS by default allows to be unacknowledged. A write that
        # had to wait for an acknowledgement would fail.
        for number in range(2000):
            await link.write(STATE, a_message(salIndex=1, number=number, text="x" * 2000))
        await awake.got("STATE").has(1999)
        stopped.go_on()
        await stopped.got("STATE").has(1999)
        assert awake.got("STATE").numbers() == list(range(2000))
        assert stopped.got("STATE").numbers() == list(range(2000))


async def a_client_is_answered(peer: PeerProcess, number: int) -> None:
    await peer.open(writes=["COMMAND"], reads=[("ACKNOWLEDGEMENT", 5, 5)])
    await peer.write("COMMAND", a_message(COMMAND, salIndex=5, number=number))
    await peer.got("ACKNOWLEDGEMENT").has(number)


@pytest.mark.parametrize("rounds", [3, pytest.param(17, marks=pytest.mark.long)])
async def test_fresh_clients_are_obeyed_and_answered_at_once(network: DdsNetwork, rounds: int) -> None:
    async with peers(network.environment, "leaf") as [script]:
        await script.open(5, writes=["ACKNOWLEDGEMENT"], reads=[("COMMAND", 5, 5)], echo=True)
        for number in range(rounds):
            async with peers(network.environment, "hub", "hub", "hub") as clients:
                async with asyncio.TaskGroup() as group:
                    for place, client in enumerate(clients):
                        group.create_task(a_client_is_answered(client, 3 * number + place))
        assert sorted(script.got("COMMAND").numbers()) == list(range(3 * rounds))


@pytest.mark.parametrize("count", [20, pytest.param(100, marks=[pytest.mark.long, pytest.mark.timeout(180)])])
async def test_a_hub_finds_all_leaves_and_they_find_no_other_leaf(network: DdsNetwork, count: int) -> None:
    hub = network.connect()
    states = Collector()
    link = await hub.open(
        index=0, writes=[COMMAND], reads=[Reading(STATE, IndexRange(100000, 199999), states)]
    )
    async with peers(network.environment, *["leaf"] * count) as leaves:
        async with asyncio.TaskGroup() as openings:
            for place, leaf in enumerate(leaves):
                index = 100000 + place
                openings.create_task(
                    leaf.open(index, writes=["STATE"], reads=[("COMMAND", index, index)]), name=str(index)
                )
        for place, leaf in enumerate(leaves):
            await leaf.write("STATE", a_message(salIndex=100000 + place, number=place))
        await states.until(lambda states: len(states.messages) == count)
        assert sorted(states.numbers()) == list(range(count))

        for place, leaf in enumerate(leaves):
            await link.write(COMMAND, a_message(COMMAND, salIndex=100000 + place, number=place))
            await leaf.got("COMMAND").has(place)
            assert leaf.got("COMMAND").numbers() == [place]

        # A hub that comes now must know them all at once.
        late = Collector()
        await network.connect().open(
            index=0, writes=(), reads=[Reading(STATE, IndexRange(100000, 199999), late)]
        )
        with_place = min(count, LEAF_PLACES)
        assert len(set(late.numbers())) >= with_place
        await late.until(lambda late: len(set(late.numbers())) == count)
        assert {await leaf.count_participants() for leaf in leaves} == {1 + 2}


async def test_a_leaf_that_finds_no_place_is_found_all_the_same(
    network: DdsNetwork, capfd: pytest.CaptureFixture[str]
) -> None:
    with ExitStack() as sockets:
        for port in places("leaf", int(network.environment["LSST_DDS_DOMAIN_ID"])):
            taken = sockets.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            taken.bind(("127.0.0.1", port))
        async with peers(network.environment, "hub", "leaf") as [hub, leaf]:
            await hub.open(reads=[("STATE", 1, 1)])
            await leaf.open(1, writes=["STATE"])
            await leaf.write("STATE", a_message(salIndex=1, number=1))
            await hub.got("STATE").has(1)
    assert capfd.readouterr().err == ""


async def test_a_command_for_one_script_does_not_wake_another(network: DdsNetwork) -> None:
    async with peers(network.environment, "leaf", "leaf") as [busy, idle]:
        for index, peer in ((1, busy), (2, idle)):
            await peer.open(index, writes=["ACKNOWLEDGEMENT"], reads=[("COMMAND", index, index)])
        link = await network.connect().open(
            index=0, writes=[COMMAND], reads=[Reading(ACKNOWLEDGEMENT, EVERY, Collector())]
        )
        await link.write(COMMAND, a_message(COMMAND, salIndex=2, number=-1))
        await idle.got("COMMAND").has(-1)
        before = count_wakeups(idle.pid)
        for number in range(300):
            await link.write(COMMAND, a_message(COMMAND, salIndex=1, number=number))
            await busy.got("COMMAND").has(number)
        assert count_wakeups(idle.pid) - before < 100
        assert idle.got("COMMAND").numbers() == [-1]


async def test_a_killed_writer_takes_its_history_along_and_nobody_stumbles(network: DdsNetwork) -> None:
    async with peers(network.environment, "leaf", "leaf") as [killed, other]:
        got = Collector()
        link = await network.connect().open(index=0, writes=[], reads=[Reading(STATE, EVERY, got)])
        for index, peer in ((1, killed), (2, other)):
            await peer.open(index, writes=["STATE"])
            await peer.write("STATE", a_message(salIndex=index, number=index))
        await got.has(1)
        await got.has(2)
        killed.kill()
        await killed.aclose()
        late = Collector()
        await network.connect().open(index=0, writes=(), reads=[Reading(STATE, EVERY, late)])
        await late.has(2)
        await other.write("STATE", a_message(salIndex=2, number=3))
        await got.has(3)
        await link.aclose()
        assert got.numbers() == [1, 2, 3]


async def test_a_component_that_was_killed_is_obeyed_and_heard_when_it_is_back(network: DdsNetwork) -> None:
    answers, states = Collector(), Collector()
    reads = [Reading(ACKNOWLEDGEMENT, IndexRange.one(5), answers), Reading(STATE, EVERY, states)]
    client = await network.connect().open(index=0, writes=[COMMAND], reads=reads)
    async with peers(network.environment, "leaf", "leaf", "leaf") as lives:
        for number, life in enumerate(lives):
            # Nobody has noticed yet that the one before has gone.
            await life.open(5, writes=["ACKNOWLEDGEMENT", "STATE"], reads=[("COMMAND", 5, 5)], echo=True)
            await client.write(COMMAND, a_message(COMMAND, salIndex=5, number=number))
            await answers.has(number)
            await life.write("STATE", a_message(salIndex=5, number=number))
            await states.has(number)
            life.kill()
            await life.aclose()
    await client.aclose()
    assert answers.numbers() == states.numbers() == [0, 1, 2]


async def test_a_client_that_was_killed_is_answered_when_it_is_back(network: DdsNetwork) -> None:
    async with peers(network.environment, "leaf", "hub", "hub", "hub") as [component, *lives]:
        await component.open(5, writes=["ACKNOWLEDGEMENT"], reads=[("COMMAND", 5, 5)], echo=True)
        for number, life in enumerate(lives):
            await a_client_is_answered(life, number)
            life.kill()
            await life.aclose()
        assert component.got("COMMAND").numbers() == [0, 1, 2]


@pytest.mark.long
async def test_a_reader_that_was_given_up_has_the_latest_when_it_goes_on(network: DdsNetwork) -> None:
    async with peers(network.environment, "hub") as [stopped]:
        await stopped.open(5, writes=["ACKNOWLEDGEMENT"], reads=[("STATE", 1, 2), ("COMMAND", 5, 5)])
        bus = network.connect()
        link = await bus.open(index=1, writes=[STATE, COMMAND], reads=())
        for index in (1, 2):
            await link.write(STATE, a_message(salIndex=index, number=index))
        await stopped.got("STATE").has(2)
        stopped.stop()
        wait_until_participants(bus, 1, timeout_s=30)
        await link.write(STATE, a_message(salIndex=1, number=3))
        stopped.go_on()
        await stopped.got("STATE").has(3)
        await link.write(COMMAND, a_message(COMMAND, salIndex=5, number=4))
        await stopped.got("COMMAND").has(4)
        assert stopped.got("STATE").numbers() == [1, 2, 3]
