# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Others on DDS: Cyclone's own tools, and a client with nothing of ours but the types."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lsst.ts.scriptqueue.bus import IndexRange, Link, Message, Reading
from lsst.ts.scriptqueue.bus.dds.discovery import tool_configuration
from lsst.ts.scriptqueue.bus.dds.topic_type import idl_of

from .collector import PATIENCE_S, Collector
from .networks import DdsNetwork
from .topics import ACKNOWLEDGEMENT, COMMAND, EVENT, STATE, a_message

pytestmark = pytest.mark.system

STRANGER = Path(__file__).with_name("stranger.py")


@pytest.fixture
async def network() -> AsyncIterator[DdsNetwork]:
    network = DdsNetwork()
    yield network
    await network.aclose()


@pytest.fixture
async def commands() -> Collector:
    return Collector()


@pytest.fixture
async def component(network: DdsNetwork, commands: Collector) -> Link:
    """A component of index 5 that acknowledges, with an event to read."""

    def answer(message: Message) -> None:
        commands(message)
        answers.add(asyncio.ensure_future(link.write(ACKNOWLEDGEMENT, message)))

    answers: set[asyncio.Future[None]] = set()
    link = await network.connect().open(
        index=5,
        writes=[ACKNOWLEDGEMENT, STATE, EVENT],
        reads=[Reading(COMMAND, IndexRange.one(5), answer)],
    )
    await link.write(STATE, a_message(salIndex=5, number=123, text="ready ☕"))
    return link


async def run(network: DdsNetwork, *command: str, until: str = "") -> str:
    """Run a program beside the network; with ``until`` it is ended when it has said that."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, **network.environment, "CYCLONEDDS_URI": tool_configuration(), "COLUMNS": "200"},
    )
    assert process.stdout is not None
    said = b""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while chunk := await process.stdout.read(4096):
                said += chunk
                if until and until.encode() in said:
                    process.terminate()
                    break
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return said.decode(errors="replace")


async def run_tool(network: DdsNetwork, name: str, *arguments: str, until: str = "") -> str:
    tool = str(Path(sys.executable).with_name("cyclonedds"))
    domain = network.environment["LSST_DDS_DOMAIN_ID"]
    return await run(network, tool, name, "-i", domain, "--color", "none", *arguments, until=until)


async def test_cyclonedds_ls_lists_topics_and_types(network: DdsNetwork, component: Link) -> None:
    said = await run_tool(network, "ls", "-r", "1s")
    for name in ("Probe_logevent_state", "Probe::logevent_state", "Probe_command_go", "Probe_ackcmd"):
        assert name in said


async def test_cyclonedds_typeof_shows_the_type_that_our_idl_says(
    network: DdsNetwork, component: Link
) -> None:
    said = await run_tool(network, "typeof", "-r", "1s", "Probe_logevent_everything")
    spelled = idl_of([EVENT])
    for ours, the_tools in (("octet octet", "byte octet"), ("boolean", "bool"), ("unsigned short", "short")):
        spelled = spelled.replace(ours, the_tools)
    shown = [line.strip() for line in said.splitlines()]
    for line in spelled.splitlines():
        assert line.strip() in shown, said


async def test_cyclonedds_subscribe_reads_an_event(network: DdsNetwork, component: Link) -> None:
    said = await run_tool(network, "subscribe", "-r", "1s", "Probe_logevent_state", until="ready ☕")
    assert "number=123" in said
    assert "salIndex=5" in said


async def test_a_stranger_reads_an_event_and_is_acknowledged(
    network: DdsNetwork, component: Link, commands: Collector
) -> None:
    said = await run(network, sys.executable, str(STRANGER))
    assert "event 123 ready ☕" in said, said
    assert "acknowledged 77" in said, said
    assert commands.numbers() == [77]


async def test_the_module_prints_the_setting_for_a_shell(network: DdsNetwork) -> None:
    said = await run(network, sys.executable, "-m", "lsst.ts.scriptqueue.bus.dds")
    assert shlex.split(said) == ["export", f"CYCLONEDDS_URI={tool_configuration()}"]
