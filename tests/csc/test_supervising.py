# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the queue observes of its scripts, and what clients see of it."""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from lsst.ts.scriptqueue.core.events import Event, ScriptFellSilent
from lsst.ts.scriptqueue.core.limits import Limits, Reaction, Supervision
from lsst.ts.scriptqueue.csc.supervising import LOOK_S
from lsst.ts.scriptqueue.launch.contract import MemoryKill, Vitals
from lsst.ts.scriptqueue.sal import ScriptProcessState, ScriptState
from lsst.ts.scriptqueue.testing import pass_time
from lsst.ts.scriptqueue.testing.scripted import Exit, Hang, Plan, Wait

from .stage import Buses, Stage, a_stage

pytestmark = pytest.mark.virtual_time

PLANS = {
    "long.py": Plan(running=(Hang(),), metadata={"duration": 100.0}),
    "deaf.py": Plan(running=(Hang(),), unanswered=("stop",)),
    "eats_memory.py": Plan(running=(Wait(1.0), Exit(signal=9, memory_kill=MemoryKill.CERTAIN))),
}
STOPPED = Vitals(is_stopped=True, memory_bytes=30_000_000, cpu_s=1.5)
RUNS = Vitals(is_stopped=False, memory_bytes=40_000_000, cpu_s=2.5)


@contextlib.asynccontextmanager
async def a_watched_stage(buses: Buses, path: pathlib.Path, **supervision: Any) -> AsyncIterator[Stage]:
    limits = Limits(supervision=Supervision(**supervision))
    async with a_stage(buses, path, limits=limits, plans=PLANS) as stage:
        # By its own heartbeat the queue knows that it hears.
        await stage.queue.evt_heartbeat.next(flush=True, timeout=10)
        yield stage


@contextlib.asynccontextmanager
async def beating(stage: Stage, index: int) -> AsyncIterator[None]:
    """Let a script send its heartbeats."""

    async def beat() -> None:
        while True:
            await stage.launcher.beat(index)
            await pass_time(5.0)

    task = asyncio.get_running_loop().create_task(beat())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


async def concern(stage: Stage, index: int, words: str) -> str:
    """Wait until a script is shown with a concern that begins so; "" for none."""

    def is_so() -> bool:
        shown = stage.shown[index].concern
        return shown.startswith(words) if words else not shown

    await stage.until(f"{words!r} of {index}", is_so)
    return str(stage.shown[index].concern)


async def test_a_script_that_sends_no_heartbeats_any_more_is_shown_and_left_alone(
    buses: Buses, tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with a_watched_stage(buses, tmp_path) as stage:
        index = await stage.add("long.py")
        await stage.reached(index, ScriptState.RUNNING)
        async with beating(stage, index):
            await pass_time(100.0)
            assert stage.shown[index].concern == ""
        shown = await concern(stage, index, "silent since ")
        await pass_time(100.0)
        assert stage.shown[index].concern == shown, "it says since when"
        assert stage.shown[index].scriptState == ScriptState.RUNNING
        assert [record.levelname for record in caplog.records if shown in record.message] == ["WARNING"]
        async with beating(stage, index):
            await concern(stage, index, "")
        assert f"script {index} (long.py): is heard again" in caplog.text


async def test_one_that_has_never_sent_a_heartbeat_is_not_missed(
    buses: Buses, tmp_path: pathlib.Path
) -> None:
    async with a_watched_stage(buses, tmp_path) as stage:
        index = await stage.add("deaf.py")
        await stage.reached(index, ScriptState.RUNNING)
        await pass_time(200.0)
        assert stage.shown[index].concern == ""


async def test_while_nothing_can_be_heard_nobody_is_silent(
    buses: Buses, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_watched_stage(buses, tmp_path, on_silence=Reaction.TERMINATE) as stage:
        index = await stage.add("deaf.py")
        await stage.reached(index, ScriptState.RUNNING)
        await stage.launcher.beat(index)
        monkeypatch.setattr(stage.csc._runtime, "middleware_works", lambda age_s: None)
        await pass_time(500.0)
        view = stage.model.script(index)
        assert (view.script_state.name, view.concern) == ("RUNNING", "")
        monkeypatch.undo()
        await stage.until("failed", lambda: stage.shown[index].scriptState == ScriptState.FAILED)


async def test_a_process_that_is_stopped_is_shown_until_it_goes_on(
    buses: Buses, tmp_path: pathlib.Path
) -> None:
    async with a_watched_stage(buses, tmp_path) as stage:
        index = await stage.add("long.py")
        waits = await stage.add("long.py")
        await stage.reached(waits, ScriptState.CONFIGURED)
        await stage.reached(index, ScriptState.RUNNING)
        for each in (index, waits):
            stage.launcher.vitals[each] = STOPPED
            shown = await concern(stage, each, "its process is stopped since ")
            assert shown.endswith(f"kill -CONT {stage.model.processes()[each].pid}")
        stage.launcher.vitals[index] = RUNS
        await concern(stage, index, "")
        assert stage.shown[waits].concern


async def test_when_a_process_goes_on_its_heartbeats_are_waited_for_anew(
    buses: Buses, tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with a_watched_stage(buses, tmp_path) as stage:
        index = await stage.add("long.py")
        await stage.reached(index, ScriptState.RUNNING)
        await stage.launcher.beat(index)
        stage.launcher.vitals[index] = STOPPED
        await concern(stage, index, "its process is stopped since ")
        await pass_time(100.0)
        stage.launcher.vitals[index] = RUNS
        await concern(stage, index, "")
        await pass_time(25.0)
        assert stage.shown[index].concern == "", "it has its whole time"
        async with beating(stage, index):
            await pass_time(20.0)
        assert "silent since" not in caplog.text
        assert "is heard again" not in caplog.text
        assert "its process goes on, and its heartbeats are waited for anew" in caplog.text
        await concern(stage, index, "silent since ")


@pytest.mark.parametrize("reaction", list(Reaction))
async def test_a_script_that_runs_for_too_long(
    buses: Buses, tmp_path: pathlib.Path, reaction: Reaction
) -> None:
    async with a_watched_stage(buses, tmp_path, on_overtime=reaction) as stage:
        index = await stage.add("long.py")
        await stage.reached(index, ScriptState.RUNNING)
        await pass_time(290.0)
        assert stage.shown[index].concern == ""
        if reaction is Reaction.SHOW:
            shown = await concern(stage, index, "overdue since ")
            assert shown.endswith(" and expected to take 100 s")
            await pass_time(1000.0)
            assert index not in stage.past
        elif reaction is Reaction.STOP:
            last = await stage.gone(index)
            assert (last.processState, last.scriptState) == (ScriptProcessState.DONE, ScriptState.STOPPED)
            assert "overdue since " in last.exitReason
            assert stage.last_queue.running
        else:
            await stage.until("failed", lambda: stage.shown[index].scriptState == ScriptState.FAILED)
            assert "overdue since " in stage.shown[index].exitReason
            await stage.until("paused", lambda: not stage.last_queue.running)
            assert stage.last_queue.currentSalIndex == index


async def test_what_memory_a_script_uses_is_told_with_what_is_told_anyway(
    buses: Buses, tmp_path: pathlib.Path
) -> None:
    async with a_watched_stage(buses, tmp_path) as stage:
        index = await stage.add("long.py")
        await stage.reached(index, ScriptState.RUNNING)
        stage.launcher.vitals[index] = RUNS
        await pass_time(2 * LOOK_S)
        told = len(stage.seen("script"))
        await pass_time(60.0)
        assert len(stage.seen("script")) == told, "nothing is written for its sake"
        await stage.command("showScript", scriptSalIndex=index)
        await stage.until("told again", lambda: len(stage.seen("script")) == told + 1)
        assert (stage.shown[index].memory, stage.shown[index].cpuTime) == (RUNS.memory_bytes, RUNS.cpu_s)
        await stage.stop([index])
        last = await stage.gone(index)
        assert last.memory == RUNS.memory_bytes, "as last seen"


async def test_a_script_that_the_kernel_has_ended_says_so(buses: Buses, tmp_path: pathlib.Path) -> None:
    async with a_watched_stage(buses, tmp_path) as stage:
        index = await stage.add("eats_memory.py")
        await stage.until("failed", lambda: bool(stage.shown.get(index) and stage.shown[index].exitReason))
        assert stage.shown[index].exitReason == (
            "its process ended by itself with signal SIGKILL: the kernel ended it because memory ran out"
        )


async def test_the_queue_is_told_of_changes_only(
    buses: Buses, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_watched_stage(buses, tmp_path) as stage:
        index = await stage.add("deaf.py")
        await stage.reached(index, ScriptState.RUNNING)
        told: list[Event] = []
        post = stage.csc._runtime.post

        def note(event: Event) -> None:
            told.append(event)
            post(event)

        monkeypatch.setattr(stage.csc._runtime, "post", note)
        async with beating(stage, index):
            await pass_time(200.0)
        assert told == []
        await pass_time(200.0)
        assert [type(event) for event in told] == [ScriptFellSilent]
