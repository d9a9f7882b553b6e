# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A CSC is alone: it locks, listens before it speaks, and complains later."""

from __future__ import annotations

import asyncio
import dataclasses
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lsst.ts.scriptqueue.sal import BaseCsc, Domain, Remote, State
from lsst.ts.scriptqueue.sal.clock import SystemClock
from lsst.ts.scriptqueue.sal.csc import DUPLICATE_WATCH_S, MAX_AHEAD_S
from lsst.ts.scriptqueue.sal.endpoint import Phase
from lsst.ts.scriptqueue.sal.errors import DuplicateError
from lsst.ts.scriptqueue.sal.leap_seconds import read_leap_seconds

from .telling import Telling
from .world import SOON_S, World, settled


@pytest.fixture
async def csc(world: World) -> AsyncIterator[Telling]:
    async with Telling(world.domain()) as csc:
        yield csc


async def test_command_that_comes_during_the_start_waits_for_its_end(world: World) -> None:
    async with Remote(world.domain(), "ScriptQueue", 1) as remote, asyncio.TaskGroup() as group:
        csc = Telling(world.domain(), duplicate_watch_s=DUPLICATE_WATCH_S)
        start = csc.start_task
        await settled()
        command = group.create_task(remote.cmd_start.start(timeout=SOON_S))
        await settled()
        assert not start.done()
        assert not command.done()
        await start
        assert (await command).result == "Done"
        assert csc.story.index("handle STANDBY") < csc.story.index("begin_start STANDBY")
        await csc.close()


async def test_nothing_is_written_while_it_listens_for_another(world: World) -> None:
    async with Remote(world.domain(), "ScriptQueue", 1) as remote:
        csc = Telling(world.domain(), duplicate_watch_s=DUPLICATE_WATCH_S)
        start = csc.start_task
        await settled()
        csc.log.info("here I come")
        await asyncio.wait({start}, timeout=DUPLICATE_WATCH_S - 0.1)
        assert not start.done()
        assert [name for name, event in remote.events.items() if event.has_data] == []
        await start
        await settled()
        assert remote.evt_logMessage.get().message == "here I come"
        await csc.close()


async def test_second_csc_refuses_to_start_and_disturbs_nobody(world: World, csc: Telling) -> None:
    async with Remote(world.domain(), "ScriptQueue", 1) as remote:
        seen = [event.nqueued for event in remote.events.values()]
        second = Telling(world.domain(), duplicate_watch_s=DUPLICATE_WATCH_S)
        start = second.start_task
        await settled()
        ack = await remote.cmd_start.start(timeout=SOON_S)
        assert ack.private_origin == csc.domain.origin
        with pytest.raises(
            DuplicateError,
            match=rf"ScriptQueue:1 runs already: its heartbeat comes from process {csc.domain.origin}",
        ):
            await start
        assert second.phase is Phase.CLOSED
        assert second.story == []
        assert isinstance(second.done_task.exception(), DuplicateError)
        assert seen
        assert {event.get().private_origin for event in remote.events.values() if event.has_data} == {
            csc.domain.origin
        }


async def test_heartbeat_of_a_session_that_has_ended_is_no_duplicate(world: World) -> None:
    async with Telling(world.domain()):
        await settled()
    async with Telling(world.domain(), duplicate_watch_s=DUPLICATE_WATCH_S) as csc:
        assert csc.summary_state is State.STANDBY


@pytest.mark.parametrize(
    ("ahead_s", "is_followed"),
    [
        (-60.0, False),
        (60.0, True),
        (3600.0, True),
        (MAX_AHEAD_S - 60.0, True),
        (MAX_AHEAD_S + 60.0, False),
        (1e9, False),
    ],
)
async def test_stamps_go_on_after_those_of_an_earlier_one_unless_its_clock_was_wrong_by_far(
    world: World, ahead_s: float, is_followed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    world.clock.step_s = ahead_s
    async with Telling(world.domain()) as earlier:
        await settled()
        last_tai = earlier.domain.stamper.stamp()
    world.clock.step_s = 0.0
    began_tai = world.clock.tai()
    async with Telling(world.domain(), duplicate_watch_s=DUPLICATE_WATCH_S) as csc:
        stamp = csc.domain.stamper.stamp()
        assert (stamp > last_tai) == (is_followed or ahead_s < 0)
        assert (stamp < world.clock.tai() + 1.0) == (not is_followed)
        assert stamp > began_tai
    assert ("days ahead of the clock of this machine" in caplog.text) == (ahead_s > MAX_AHEAD_S)


async def test_heartbeat_of_another_index_is_no_duplicate(world: World, csc: Telling) -> None:
    other = BaseCsc(world.domain(), "ScriptQueue", 2)
    async with other:
        assert other.summary_state is State.STANDBY


async def test_another_one_that_started_at_the_same_time_is_told_once(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    async with Telling(world.domain()), Telling(world.domain()) as second:
        await settled()
        heartbeats = Remote(world.domain(), "ScriptQueue", 1, include=["heartbeat"])
        async with heartbeats:
            for _ in range(4):
                await heartbeats.evt_heartbeat.next(flush=False, timeout=SOON_S)
    told = [record.getMessage() for record in caplog.records if "is alive" in record.getMessage()]
    assert len(told) == 2
    assert (
        f"another ScriptQueue:1 is alive: process {second.domain.origin} (ScriptQueue:1); stop one of the two"
        in told
    )


@pytest.mark.parametrize("expires_utc", [0.0, 4e9])
async def test_expired_table_of_leap_seconds_is_told(
    world: World, expires_utc: float, caplog: pytest.LogCaptureFixture
) -> None:
    table = dataclasses.replace(read_leap_seconds(), expires_utc=expires_utc)
    async with (
        Domain(world.bus(), clock=SystemClock(table)) as domain,
        Telling(domain),
    ):
        await settled()
    assert ("the table of leap seconds has expired" in caplog.text) == (expires_utc == 0.0)


async def test_lock_refuses_a_second_one_on_the_machine(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "state" / "below"
    async with Telling(world.domain(), state_directory=folder):
        second = Telling(world.domain(), state_directory=folder)
        with pytest.raises(
            DuplicateError,
            match=rf"runs already on this machine: process {os.getpid()} holds .*ScriptQueue-1.lock",
        ):
            await second.start_task
    async with Telling(world.domain(), state_directory=folder) as third:
        assert third.summary_state is State.STANDBY


async def test_lock_is_free_again_after_a_start_that_failed(
    world: World, tmp_path: Path, csc: Telling
) -> None:
    failed = Telling(world.domain(), state_directory=tmp_path, duplicate_watch_s=DUPLICATE_WATCH_S)
    with pytest.raises(DuplicateError, match="heartbeat"):
        await failed.start_task
    async with Telling(world.domain(), state_directory=tmp_path) as third:
        assert third.phase is Phase.OPEN
