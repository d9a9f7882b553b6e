# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The runtime with a real model and edges of a test: it dispatches, and decides nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from lsst.ts.scriptqueue.bus import BusError
from lsst.ts.scriptqueue.core import QueueModel
from lsst.ts.scriptqueue.core.commands import AddScript, Command, MoveScript, Pause, StopScripts, Target
from lsst.ts.scriptqueue.core.effects import (
    Effect,
    LaunchProcess,
    PublishQueue,
    PublishScript,
    PublishSlots,
    SetTimer,
    TerminateProcess,
)
from lsst.ts.scriptqueue.core.events import LaunchFailed, ProcessExited, ProcessStarted
from lsst.ts.scriptqueue.core.limits import Limits
from lsst.ts.scriptqueue.core.refusals import IllegalTransition, Refused
from lsst.ts.scriptqueue.runtime import Runtime

LOG = logging.getLogger("test")


class SteppedClock:
    """A clock that goes where the test sets it."""

    def __init__(self) -> None:
        self.now_tai = 1000.0

    def tai(self) -> float:
        return self.now_tai


class World:
    """The edges: notes every effect, and launches or not."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.clock = SteppedClock()
        self.runtime = Runtime(QueueModel(1, limits), self.clock, LOG)
        self.seen: list[Effect] = []
        self.told_to_end = asyncio.Event()
        self.dies_when_told = True
        self.runtime.register(
            {
                LaunchProcess: self.seen.append,
                TerminateProcess: self.terminate,
                PublishQueue: self.seen.append,
                PublishSlots: self.seen.append,
                PublishScript: self.seen.append,
            }
        )
        self.progress: list[tuple[float, str]] = []

    def terminate(self, effect: TerminateProcess) -> None:
        self.seen.append(effect)
        self.told_to_end.set()
        if self.dies_when_told:
            self.runtime.post(ProcessExited(self.runtime.now(), effect.index, signal=15))

    def give(self, command: Command) -> asyncio.Future[str]:
        async def progress(timeout_s: float, text: str) -> None:
            self.progress.append((timeout_s, text))

        return self.runtime.give(command, 7, progress)


@asynccontextmanager
async def running(world: World) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(world.runtime.run())
    await world.runtime.started()
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_an_add_is_answered_when_its_process_runs() -> None:
    world = World()
    async with running(world):
        reply = world.give(AddScript(True, "slew.py"))
        await world.runtime.outbox.flush()
        world.runtime.post(ProcessStarted(world.runtime.now(), 100000, 42))
        assert await reply == "100000"
    kinds = [type(effect) for effect in world.seen]
    assert kinds == [PublishQueue, PublishSlots, LaunchProcess, PublishScript]


async def test_a_refusal_is_raised_where_the_command_was_given() -> None:
    world = World()
    async with running(world):
        with pytest.raises(Refused, match="no script 5"):
            await world.give(MoveScript(5, Target()))


async def test_a_launch_that_fails_is_raised_with_its_reason() -> None:
    world = World()
    async with running(world):
        reply = world.give(AddScript(True, "slew.py"))
        world.runtime.post(LaunchFailed(world.runtime.now(), 100000, "no interpreter"))
        with pytest.raises(Refused, match="no interpreter"):
            await reply


async def test_a_command_that_takes_longer_says_so_first() -> None:
    world = World()
    async with running(world):
        add = world.give(AddScript(True, "slew.py"))
        world.runtime.post(ProcessStarted(world.runtime.now(), 100000, 42))
        await add
        await world.give(StopScripts((100000,)))
    [(timeout_s, text)] = world.progress
    assert timeout_s == Limits().kill_s + 1
    assert text


async def test_stamps_never_go_back_when_the_clock_is_stepped() -> None:
    world = World()
    before = world.runtime.now()
    world.clock.now_tai -= 500
    assert world.runtime.now() == before
    world.clock.now_tai += 1000
    assert world.runtime.now() == before + 500


async def test_a_time_limit_comes_back_as_an_event() -> None:
    world = World(Limits(load_s=0.01))
    async with running(world):
        add = world.give(AddScript(True, "slew.py"))
        world.runtime.post(ProcessStarted(world.runtime.now(), 100000, 42))
        await add
        async with asyncio.timeout(10):
            await world.told_to_end.wait()
    assert "not loaded within 0.01 s" in world.runtime.model.story(100000)


async def test_shutting_down_waits_for_every_process() -> None:
    world = World()
    async with running(world):
        add = world.give(AddScript(True, "slew.py"))
        world.runtime.post(ProcessStarted(world.runtime.now(), 100000, 42))
        await add
        assert await world.runtime.shut_down("OFFLINE", 10)
        with pytest.raises(Refused, match="shutting down: OFFLINE"):
            await world.give(Pause())


async def test_shutting_down_is_bounded() -> None:
    world = World()
    world.dies_when_told = False
    async with running(world):
        add = world.give(AddScript(True, "slew.py"))
        world.runtime.post(ProcessStarted(world.runtime.now(), 100000, 42))
        await add
        assert not await world.runtime.shut_down("OFFLINE", 0.01)


async def test_a_write_that_fails_is_logged_and_the_next_goes_out(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    sent: list[str] = []

    async def fail() -> None:
        raise BusError("no network")

    async def succeed() -> None:
        sent.append("second")

    async with running(world):
        world.runtime.outbox.put(fail)
        world.runtime.outbox.put(succeed)
        await world.runtime.outbox.flush()
    assert sent == ["second"]
    assert "could not be written" in caplog.text


async def test_an_event_that_cannot_have_happened_ends_the_runtime_with_the_story() -> None:
    world = World()
    task = asyncio.create_task(world.runtime.run())
    await world.runtime.started()
    reply = world.give(AddScript(True, "slew.py"))
    world.runtime.post(ProcessExited(world.runtime.now(), 100000, 0))
    with pytest.raises(ExceptionGroup) as raised:
        await task
    [error] = raised.value.exceptions
    assert isinstance(error, IllegalTransition)
    assert "added: slew.py" in str(error)
    assert reply.cancelled()


def test_an_effect_has_one_owner() -> None:
    world = World()
    with pytest.raises(ValueError, match=r"two owners: \['SetTimer'\]"):
        world.runtime.register({SetTimer: lambda effect: None})
