# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time limits of the whole component, in virtual time."""

from __future__ import annotations

import asyncio
import pathlib
from dataclasses import replace

import pytest

from lsst.ts.scriptqueue.core.limits import Limits
from lsst.ts.scriptqueue.sal import AckError, ScriptProcessState, ScriptState, State
from lsst.ts.scriptqueue.testing.scripted import Plan, Wait

from .stage import PLANS, Buses, Stage, a_stage
from .test_serial_queue import DONE, how

pytestmark = pytest.mark.virtual_time


def now() -> float:
    return asyncio.get_running_loop().time()


@pytest.mark.parametrize(
    ("path", "limit_s", "ending", "reason"),
    [
        (
            "loads_for_ever.py",
            300,
            (ScriptProcessState.LOADFAILED, ScriptState.UNKNOWN),
            "not loaded within 300 s",
        ),
        (
            "configures_for_ever.py",
            60,
            (ScriptProcessState.CONFIGURE_FAILED, ScriptState.UNCONFIGURED),
            "not configured within 60 s",
        ),
        (
            "silent_about_group_id.py",
            20,
            (ScriptProcessState.TERMINATED, ScriptState.CONFIGURED),
            "no answer within 10 s",
        ),
    ],
)
async def test_a_script_that_does_not_get_on_is_ended_and_the_next_runs(
    stage: Stage, path: str, limit_s: float, ending: tuple[int, int], reason: str
) -> None:
    start = now()
    stuck = await stage.add(path)
    following = await stage.add("quick.py")
    async with asyncio.timeout(1000):
        while stuck not in stage.past:
            await stage.queue.evt_heartbeat.next(flush=True)
    assert limit_s <= now() - start < limit_s + 3
    assert how(await stage.gone(stuck)) == ending
    assert reason in stage.model.reason(stuck)
    assert how(await stage.gone(following)) == DONE


async def test_a_stubborn_script_is_killed_after_the_stop_limit(stage: Stage) -> None:
    index = await stage.add("stubborn.py")
    await stage.current(index)
    following = await stage.add("quick.py")
    start = now()
    # The client would give up after 10 s, if the queue did not say how long it takes.
    padded = [index] + [0] * 399
    ack = await stage.queue.cmd_stopScripts.set_start(timeout=10, length=1, salIndices=padded)
    assert ack.result == "Done"
    assert 60 <= now() - start <= 66
    assert how(await stage.gone(index)) == (ScriptProcessState.TERMINATED, ScriptState.RUNNING)
    assert how(await stage.gone(following)) == DONE


async def test_a_script_that_does_not_exit_is_ended_while_the_next_one_runs(stage: Stage) -> None:
    lingering = await stage.add("lingers.py")
    following = await stage.add("quick.py")
    await stage.gone(following)
    assert stage.shown[lingering].timestampProcessEnd == 0
    assert how(stage.shown[lingering]) == (ScriptProcessState.RUNNING, ScriptState.DONE)
    async with asyncio.timeout(100):
        while stage.shown[lingering].timestampProcessEnd == 0:
            await stage.queue.evt_heartbeat.next(flush=True)
    last = stage.shown[lingering]
    assert how(last) == DONE
    assert 30 <= last.timestampProcessEnd - last.timestampRunStart < 33


async def test_shutting_down_ends_everything_in_bounded_time(buses: Buses, tmp_path: pathlib.Path) -> None:
    async with a_stage(buses, tmp_path) as stage:
        stubborn = await stage.add("stubborn.py")
        await stage.current(stubborn)
        for _ in range(5):
            await stage.add("quick.py")
        start = now()
    assert now() - start < 12
    assert stage.launcher.running == []
    assert stage.model.queue.waiting == ()


async def test_leaving_enabled_starts_nothing_more(buses: Buses, tmp_path: pathlib.Path) -> None:
    plans = {**PLANS, "long.py": replace(Plan(), running=(Wait(100),))}
    async with a_stage(buses, tmp_path, plans=plans) as stage:
        current = await stage.add("long.py")
        await stage.current(current)
        waiting = await stage.add("quick.py")
        await stage.command("disable")
        async with asyncio.timeout(200):
            while current not in stage.past:
                await stage.queue.evt_heartbeat.next(flush=True)
        assert how(stage.shown[current]) == DONE
        assert stage.waiting == [waiting]
        assert not stage.last_queue.enabled
        with pytest.raises(AckError, match="not allowed in state"):
            await stage.add("quick.py")
        await stage.command("pause")
        await stage.command("enable")
        await stage.command("resume")
        assert how(await stage.gone(waiting)) == DONE


async def test_a_night_of_twenty_scripts(buses: Buses, tmp_path: pathlib.Path) -> None:
    plans = {"slew.py": Plan(running=(Wait(60),), metadata={"duration": 60})}
    async with a_stage(buses, tmp_path, plans=plans, limits=Limits(history=20)) as stage:
        start = now()
        for _ in range(20):
            await stage.add("slew.py")
        async with asyncio.timeout(3000):
            while len(stage.past) < 20:
                await stage.queue.evt_heartbeat.next(flush=True)
        assert 1200 <= now() - start < 1210


async def test_states_are_told_after_what_they_mean_for_the_queue(
    buses: Buses, tmp_path: pathlib.Path
) -> None:
    async with a_stage(buses, tmp_path, initial_state=State.STANDBY) as stage:
        states: list[tuple[int, bool]] = []

        def state_reported(data: object) -> None:
            states.append((data.summaryState, stage.last_queue.enabled))  # type: ignore[attr-defined]

        stage.queue.evt_summaryState.callback = state_reported
        for command in ("start", "enable", "disable"):
            await stage.command(command)
        assert states[-3:] == [(State.DISABLED, False), (State.ENABLED, True), (State.DISABLED, False)]
        available = stage.queue.evt_availableScripts.get()
        assert available.standard.split(":") == sorted(PLANS)
