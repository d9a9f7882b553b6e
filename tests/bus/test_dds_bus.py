# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the DDS bus promises beyond the contract, within one process."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, suppress

import pytest

from lsst.ts.scriptqueue.bus import (
    BusError,
    FieldSpec,
    FieldType,
    IndexRange,
    Link,
    Reading,
    TopicSpec,
    connect,
)
from lsst.ts.scriptqueue.bus.dds import settling
from lsst.ts.scriptqueue.bus.dds.discovery import HUB_PLACES, configuration, places
from lsst.ts.scriptqueue.bus.dds.library import dds
from lsst.ts.scriptqueue.bus.dds.link import DdsLink
from lsst.ts.scriptqueue.bus.dds.sample import SampleFormat, address_of

from .collector import PATIENCE_S, Collector
from .networks import DdsNetwork
from .peers import ROOT
from .topics import ACKNOWLEDGEMENT, COMMAND, STATE, a_message

pytestmark = pytest.mark.system

EVERY = IndexRange.every()


@pytest.fixture
async def network() -> AsyncIterator[DdsNetwork]:
    network = DdsNetwork()
    yield network
    await network.aclose()


@pytest.fixture
def no_place_left(network: DdsNetwork) -> Iterator[None]:
    """Have all places of hubs taken."""
    with ExitStack() as sockets:
        for port in places("hub", int(network.environment["LSST_DDS_DOMAIN_ID"])):
            taken = sockets.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            # Somebody of another run may be in that domain, and then it is taken, too.
            with suppress(OSError):
                taken.bind(("127.0.0.1", port))
        yield


@pytest.mark.usefixtures("no_place_left")
async def test_a_hub_that_finds_no_place_says_so(network: DdsNetwork) -> None:
    with pytest.raises(BusError, match=f"all {HUB_PLACES} places .* are taken; end a client, or choose"):
        await network.connect().open(index=0, writes=(), reads=())


async def test_somebody_who_does_not_answer_is_not_waited_for_long(network: DdsNetwork) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
        mute.bind(("127.0.0.1", places("hub", int(network.environment["LSST_DDS_DOMAIN_ID"]))[7]))
        start = time.monotonic()
        await network.connect().open(index=0, writes=(), reads=[Reading(STATE, EVERY, Collector())])
        assert settling.QUIET_S <= time.monotonic() - start < settling.PATIENCE_S


async def test_on_an_idle_machine_opening_waits_for_nobody(network: DdsNetwork) -> None:
    start = time.monotonic()
    await network.connect().open(index=0, writes=[COMMAND], reads=[Reading(STATE, EVERY, Collector())])
    assert time.monotonic() - start < settling.QUIET_S


async def test_a_hub_cannot_follow_a_leaf_in_one_process(network: DdsNetwork) -> None:
    leaf = connect("dds", network.environment, leaf=True)
    try:
        await leaf.open(index=5, writes=(), reads=())
        with pytest.raises(
            BusError, match=r"already, as a leaf .* connect with the same, or hubs before leaves"
        ):
            await network.connect().open(index=0, writes=(), reads=())
    finally:
        await leaf.aclose()


async def test_two_subnames_do_not_meet(network: DdsNetwork) -> None:
    other = connect("dds", network.environment | {"LSST_TOPIC_SUBNAME": "other"})
    here, there = Collector(), Collector()
    try:
        link = await network.connect().open(index=1, writes=[STATE], reads=[Reading(STATE, EVERY, here)])
        stranger = await other.open(index=1, writes=[STATE], reads=[Reading(STATE, EVERY, there)])
        await link.write(STATE, a_message(salIndex=1, number=1))
        await stranger.write(STATE, a_message(salIndex=1, number=2))
        await here.has(1)
        await there.has(2)
        assert (here.numbers(), there.numbers()) == ([1], [2])
    finally:
        await other.aclose()


async def test_cyclonedds_uri_replaces_the_configuration(network: DdsNetwork) -> None:
    network.environment["CYCLONEDDS_URI"] = configuration("hub", 50)
    got = Collector()
    link = await network.connect().open(index=1, writes=[STATE], reads=[Reading(STATE, EVERY, got)])
    await link.write(STATE, a_message(salIndex=1, number=1))
    await got.has(1)
    with pytest.raises(BusError, match="connect with the same"):
        await connect("dds", network.environment | {"CYCLONEDDS_URI": ""}).open(index=0, writes=(), reads=())


async def test_a_cyclonedds_uri_that_makes_no_sense_is_refused(
    network: DdsNetwork, capfd: pytest.CaptureFixture[str]
) -> None:
    network.environment["CYCLONEDDS_URI"] = "<CycloneDDS><Domain><Nonsense/></Domain></CycloneDDS>"
    with pytest.raises(BusError, match="does not accept CYCLONEDDS_URI='<CycloneDDS>"):
        await network.connect().open(index=0, writes=(), reads=())


async def test_a_bus_belongs_to_one_loop(network: DdsNetwork) -> None:
    bus = network.connect()
    await bus.open(index=0, writes=(), reads=())

    def elsewhere() -> None:
        with pytest.raises(BusError, match="belongs to another event loop; connect one bus per loop"):
            asyncio.run(bus.open(index=0, writes=(), reads=()))

    await asyncio.to_thread(elsewhere)


async def a_writer_with(network: DdsNetwork, *topics: TopicSpec, index: int = 1) -> DdsLink:
    link = await network.connect().open(index=index, writes=topics, reads=())
    assert isinstance(link, DdsLink)
    return link


def write_raw(link: DdsLink, spec: TopicSpec, packed: bytearray) -> None:
    """Write a sample whatever it holds, as a program without our checks might."""
    link._writer(spec, link._index).write(packed)


async def test_text_that_is_not_utf_8_is_skipped_and_reported_once(
    network: DdsNetwork, caplog: pytest.LogCaptureFixture
) -> None:
    got = Collector()
    await network.connect().open(index=0, writes=(), reads=[Reading(STATE, EVERY, got)])
    link = await a_writer_with(network, STATE)
    for number in (1, 2):
        packed = SampleFormat(STATE).pack(a_message(salIndex=1, number=number, text="spoilt"))
        packed[packed.index(b"spoilt")] = 0xFF
        write_raw(link, STATE, packed)
    await link.write(STATE, a_message(salIndex=1, number=3))
    await got.has(3)
    assert got.numbers() == [3]
    assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == [
        "Probe.logevent_state: skipped a message with text that is not UTF-8"
    ]


async def test_instances_disposed_of_are_no_messages(
    network: DdsNetwork, caplog: pytest.LogCaptureFixture
) -> None:
    got = Collector()
    await network.connect().open(index=0, writes=(), reads=[Reading(STATE, EVERY, got)])
    link = await a_writer_with(network, STATE)
    await link.write(STATE, a_message(salIndex=1, number=1))
    packed = SampleFormat(STATE).pack(a_message(salIndex=1))
    assert dds.dds_dispose(link._writer(STATE, 1).entity, address_of(packed)) == 0
    await link.write(STATE, a_message(salIndex=1, number=2))
    await got.has(2)
    assert got.numbers() == [1, 2]
    assert not caplog.records


async def test_fields_that_were_added_later_do_not_keep_apart(network: DdsNetwork) -> None:
    newer = TopicSpec(
        STATE.component,
        STATE.name,
        STATE.kind,
        (*STATE.fields, FieldSpec("remark", FieldType.STRING), FieldSpec("level", FieldType.DOUBLE)),
    )
    old, new = Collector(), Collector()
    await network.connect().open(index=0, writes=(), reads=[Reading(STATE, EVERY, old)])
    await network.connect().open(index=0, writes=(), reads=[Reading(newer, EVERY, new)])
    link = await a_writer_with(network, newer)
    await link.write(newer, a_message(newer, salIndex=1, number=1, remark="new", level=2.5))
    await old.has(1)
    await new.has(1)
    assert old.messages == [a_message(STATE, salIndex=1, number=1)]
    link = await a_writer_with(network, STATE, index=2)
    await link.write(STATE, a_message(STATE, salIndex=2, number=2))
    await new.has(2)
    assert new.messages[1] == a_message(newer, salIndex=2, number=2)


async def test_writers_to_components_that_have_gone_are_closed(
    network: DdsNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lsst.ts.scriptqueue.bus.dds.link.SWEEP_S", 0.0)
    link = await a_writer_with(network, COMMAND, index=0)
    for index in range(1, 21):
        got = Collector()
        component = await network.connect().open(
            index=index, writes=(), reads=[Reading(COMMAND, IndexRange.one(index), got)]
        )
        await link.write(COMMAND, a_message(COMMAND, salIndex=index, number=index))
        await got.has(index)
        await component.aclose()
    stays = Collector()
    await network.connect().open(index=99, writes=(), reads=[Reading(COMMAND, IndexRange.one(99), stays)])
    await link.write(COMMAND, a_message(COMMAND, salIndex=99, number=99))
    await stays.has(99)
    assert {writer.index for writer in link._writers.values()} == {99}


async def test_after_its_first_command_a_component_is_known_to_all_others(network: DdsNetwork) -> None:
    other = dataclasses.replace(COMMAND, name="command_other")
    link = await a_writer_with(network, COMMAND, other, STATE, index=0)
    got = Collector()
    await network.connect().open(index=5, writes=(), reads=[Reading(COMMAND, IndexRange.one(5), got)])
    await link.write(COMMAND, a_message(COMMAND, salIndex=5, number=1))
    await got.has(1)
    written = {writer.spec.name for writer in link._writers.values() if writer.index == 5}
    assert written == {COMMAND.name, other.name}


async def test_commands_that_wait_for_the_same_component_wait_each_for_its_own_time(
    network: DdsNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lsst.ts.scriptqueue.bus.dds.link.COMMAND_PATIENCE_S", 0.05)
    link = await a_writer_with(network, COMMAND, index=0)
    impatient = asyncio.create_task(link.write(COMMAND, a_message(COMMAND, salIndex=5, number=1)))
    await asyncio.sleep(0)
    monkeypatch.setattr("lsst.ts.scriptqueue.bus.dds.link.COMMAND_PATIENCE_S", PATIENCE_S)
    patient = asyncio.create_task(link.write(COMMAND, a_message(COMMAND, salIndex=5, number=2)))
    await impatient
    got = Collector()
    await network.connect().open(index=5, writes=(), reads=[Reading(COMMAND, IndexRange.one(5), got)])
    await patient
    await got.has(2)
    assert got.numbers() == [2]


async def test_the_first_commands_wait_in_order_for_a_way_back(network: DdsNetwork) -> None:
    got = Collector()
    await network.connect().open(
        index=5, writes=[ACKNOWLEDGEMENT], reads=[Reading(COMMAND, IndexRange.one(5), got)]
    )
    deaf = await a_writer_with(network, COMMAND, index=0)
    for number in range(3):
        await deaf.write(COMMAND, a_message(COMMAND, salIndex=5, number=number))
    client: Link = await network.connect().open(
        index=0, writes=[COMMAND], reads=[Reading(ACKNOWLEDGEMENT, EVERY, Collector())]
    )
    await client.write(COMMAND, a_message(COMMAND, salIndex=5, number=10))
    await got.has(10)
    assert got.numbers() == [10]
    await got.has(2)
    assert got.numbers() == [10, 0, 1, 2]


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        ("await bus.aclose()", 0),
        ("pass", 0),
        ("sys.exit(3)", 3),
        ("os.kill(os.getpid(), signal.SIGTERM); await asyncio.Event().wait()", -15),
        ("os._exit(4)", 4),
    ],
)
async def test_a_process_ends_as_it_likes(network: DdsNetwork, ending: str, code: int) -> None:
    program = f"""
import asyncio, os, signal, sys
from lsst.ts.scriptqueue.bus import IndexRange, Reading, connect
from tests.bus.topics import COMMAND, STATE, a_message

async def main():
    global bus, link
    bus = connect("dds", leaf=True)
    link = await bus.open(
        index=5, writes=[STATE], reads=[Reading(COMMAND, IndexRange.one(5), print)]
    )
    await link.write(STATE, a_message(salIndex=5, number=1))
    {ending}

asyncio.run(main())
"""
    got = Collector()
    await network.connect().open(index=0, writes=(), reads=[Reading(STATE, EVERY, got)])
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        program,
        cwd=ROOT,
        env={**os.environ, **network.environment},
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(PATIENCE_S):
        _, complaints = await process.communicate()
    assert (process.returncode, complaints) == (code, b"")
    await got.has(1)
