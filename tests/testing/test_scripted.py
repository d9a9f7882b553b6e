# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What only a script on paper can do, and its launcher."""

from __future__ import annotations

import asyncio

import pytest

from lsst.ts.scriptqueue.launch.contract import LaunchError
from lsst.ts.scriptqueue.sal import AckError, ScriptState
from lsst.ts.scriptqueue.sal.errors import AckTimeoutError
from lsst.ts.scriptqueue.testing.scripted import Exit, Hang, Plan, Report, Wait
from lsst.ts.scriptqueue.testing.scripted_launcher import FIRST_PID

from .paper import INDEX, Paper, paper

pytestmark = pytest.mark.virtual_time

S = ScriptState


async def run_script(stage: Paper, index: int = INDEX) -> None:
    commands = stage.remote.commands
    await commands["configure"].set_start(salIndex=index, timeout=1000)
    await commands["setGroupId"].set_start(salIndex=index, groupId="g", timeout=1000)
    await commands["run"].set_start(salIndex=index, timeout=1000)


async def test_a_plan_without_a_word_is_a_script_that_does_well() -> None:
    async with paper() as stage:
        launched = await stage.launch()
        assert launched.pid >= FIRST_PID
        state = await stage.remote.evt_state.next(flush=False, timeout=10)
        assert (state.salIndex, state.state, state.private_origin) == (INDEX, S.UNCONFIGURED, launched.pid)
        assert state.private_identity == f"Script:{INDEX}"
        await run_script(stage)
        exited = await stage.exit()
        assert (exited.launch_id, exited.sal_index, exited.exit_code) == (launched.launch_id, INDEX, 0)
        assert stage.launcher.running == []
        assert [heard.command for heard in stage.launcher.heard] == ["configure", "setGroupId", "run"]


async def test_times_are_kept() -> None:
    async with paper(Plan(loading=(Wait(20),), configuring=(Wait(7),), leaving=(Wait(30),))) as stage:
        began = stage.clock.tai()
        await stage.launch()
        await stage.remote.evt_state.next(flush=False, timeout=100)
        assert stage.clock.tai() - began == pytest.approx(20)
        await run_script(stage)
        assert stage.clock.tai() - began == pytest.approx(28)
        await stage.exit()
        assert stage.clock.tai() - began == pytest.approx(58)


async def test_many_at_once_are_told_apart() -> None:
    count = 100
    async with paper() as stage:
        pids = {(await stage.launch(index=INDEX + number)).pid for number in range(count)}
        assert len(pids) == count
        await asyncio.gather(*(run_script(stage, INDEX + number) for number in range(count)))
        await asyncio.sleep(0)
        assert sorted(exited.sal_index for exited in stage.exits) == [
            INDEX + number for number in range(count)
        ]


async def test_a_script_that_cannot_be_launched() -> None:
    async with paper({"bad.py": Plan(launch_error="no such interpreter")}) as stage:
        with pytest.raises(LaunchError, match="no such interpreter"):
            await stage.launch("bad.py")
        await stage.launch("good.py")
    assert [exited.sal_index for exited in stage.exits] == [INDEX], "of the one that was launched"


async def test_a_command_that_is_refused_or_not_answered() -> None:
    async with paper(Plan(refused={"configure": "not in the mood"}, unanswered={"stop"})) as stage:
        await stage.launch()
        with pytest.raises(AckError, match="Failed: not in the mood"):
            await stage.remote.cmd_configure.set_start(salIndex=INDEX, timeout=1)
        with pytest.raises(AckTimeoutError):
            await stage.remote.cmd_stop.set_start(salIndex=INDEX, timeout=1)
        assert stage.launcher.running == [INDEX]


async def test_a_stop_that_comes_at_once_behind_a_configuration() -> None:
    async with paper() as stage:
        await stage.launch()
        await stage.remote.evt_state.next(flush=False, timeout=10)
        commands = stage.remote.commands
        await asyncio.gather(
            commands["configure"].set_start(salIndex=INDEX, timeout=10),
            commands["stop"].set_start(salIndex=INDEX, timeout=10),
        )
        assert (await stage.exit()).exit_code == 0
        assert stage.remote.evt_state.get().state == S.STOPPED


@pytest.mark.parametrize("how", [Exit(code=3, output="oops"), Exit(signal=9)], ids=["code", "signal"])
async def test_a_process_that_ends_by_itself(how: Exit) -> None:
    async with paper(Plan(running=(Wait(1), how))) as stage:
        await stage.launch()
        with pytest.raises(AckTimeoutError):
            await run_script(stage)
        exited = await stage.exit()
        assert (exited.exit_code, exited.signal, exited.output_tail) == (how.code, how.signal, how.output)
        assert stage.remote.evt_state.get().state == S.RUNNING


async def test_reports_out_of_order() -> None:
    plan = Plan(running=(Report(S.DONE, "early"), Report(S.PAUSED, index=7), Wait(1)))
    async with paper(plan) as stage:
        reports: list[tuple[int, int]] = []
        stage.remote.evt_state.callback = lambda data: reports.append((data.salIndex, data.state))
        await stage.launch()
        await run_script(stage)
        assert reports[3:] == [
            (INDEX, S.RUNNING),
            (INDEX, S.DONE),
            (7, S.PAUSED),
            (INDEX, S.ENDING),
            (INDEX, S.DONE),
        ]


@pytest.mark.parametrize(
    ("term_s", "after_s", "code", "signal"),
    [(0.0, 0.0, 1, None), (3.0, 3.0, 1, None), (10.0, 5.0, None, 9), (None, 5.0, None, 9)],
    ids=["at once", "in time", "too late", "never"],
)
async def test_terminating(
    term_s: float | None, after_s: float, code: int | None, signal: int | None
) -> None:
    async with paper(Plan(loading=(Hang(),), term_s=term_s)) as stage:
        launched = await stage.launch()
        began = stage.clock.tai()
        stage.launcher.terminate(launched.launch_id)
        stage.launcher.terminate(launched.launch_id)
        stage.launcher.terminate("nobody")
        exited = await stage.exit()
        assert stage.clock.tai() - began == pytest.approx(after_s)
        assert (exited.exit_code, exited.signal) == (code, signal)
        assert len(stage.exits) == 1


async def test_an_index_belongs_to_whom_it_was_given_last() -> None:
    async with paper({"old.py": Plan(loading=(Wait(5), Exit(code=0)))}) as stage:
        await stage.launch("old.py", launch_id="old")
        await stage.launch("new.py", launch_id="new")
        assert (await stage.exit()).launch_id == "old"
        await run_script(stage)
        assert (await stage.exit()).launch_id == "new"


async def test_closing_ends_all() -> None:
    async with paper() as stage:
        for number in range(3):
            await stage.launch(index=INDEX + number)
        await stage.launcher.aclose()
        assert len(stage.exits) == 3
        with pytest.raises(LaunchError, match="closed"):
            await stage.launch()
