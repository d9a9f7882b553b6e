# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checkpoints: counted, paused and stopped at by the whole of their name."""

from __future__ import annotations

import asyncio

import pytest

from lsst.ts.scriptqueue.sal import AckError, ScriptState
from lsst.ts.scriptqueue.testing import script_case

from .subject import Subject

pytestmark = pytest.mark.virtual_time

S = ScriptState

CONFIG = {"checkpoints": ["slew", "slewed", "expose"]}


@pytest.mark.parametrize(
    ("expression", "pauses_at"),
    [
        ("slew", ["slew"]),
        ("slew.*", ["slew", "slewed"]),
        (".*", ["slew", "slewed", "expose"]),
        ("", []),
        ("lew", []),
        ("slewed|expose", ["slewed", "expose"]),
    ],
)
async def test_pausing(expression: str, pauses_at: list[str]) -> None:
    async with script_case(Subject) as case:
        await case.configure(CONFIG, pauseCheckpoint=expression)
        await case.start_run()
        for name in pauses_at:
            await case.wait_for_checkpoint(name)
            assert case.state is S.PAUSED
            assert case.script.state.lastCheckpoint == name
            await case.resume()
            assert case.states[-1] is S.RUNNING
        assert await case.end() is S.DONE
        assert case.states.count(S.PAUSED) == len(pauses_at)
        assert case.script.num_checkpoints == case.script.state.numCheckpoints == 3


@pytest.mark.parametrize(
    ("expression", "passed"),
    [("slew", ["slew"]), ("expose", ["slew", "slewed", "expose"]), (".*ed", ["slew", "slewed"])],
)
async def test_stopping(expression: str, passed: list[str]) -> None:
    async with script_case(Subject) as case:
        await case.configure(CONFIG, stopCheckpoint=expression, pauseCheckpoint=expression)
        assert await case.run() is S.STOPPED
        assert case.checkpoints == passed
        assert S.PAUSED not in case.states
        assert case.reason == f"stopped at checkpoint {passed[-1]!r}"
        assert case.script.exit_code == 0


async def test_a_checkpoint_without_a_name() -> None:
    async with script_case(Subject) as case:
        await case.configure({"checkpoints": [""]})
        assert await case.run() is S.DONE, "a blank expression means none"
    async with script_case(Subject) as case:
        await case.configure({"checkpoints": [""]}, stopCheckpoint=".*")
        assert await case.run() is S.STOPPED


async def test_a_checkpoint_in_a_task_group_stops_the_whole_script() -> None:
    class Parallel(Subject):
        async def run(self) -> None:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.go_on.wait())
                group.create_task(self.checkpoint("inside"))

    async with script_case(Parallel) as case:
        await case.configure(stopCheckpoint="inside")
        assert await case.run() is S.STOPPED


async def test_while_it_is_paused_no_other_part_passes_a_checkpoint() -> None:
    class Parallel(Subject):
        async def run(self) -> None:
            await asyncio.gather(self.checkpoint("one"), self.checkpoint("two"), self.checkpoint("three"))

    async with script_case(Parallel) as case:
        await case.configure(pauseCheckpoint="one|two")
        await case.start_run()
        for name in ("one", "two"):
            await case.wait_for_checkpoint(name)
            assert case.state is S.PAUSED
            assert case.checkpoints[-1] == name
            await case.resume()
        assert await case.end() is S.DONE
        assert case.checkpoints == ["one", "two", "three"]


async def test_only_run_has_checkpoints() -> None:
    class Early(Subject):
        async def configure(self, config: object) -> None:
            await self.checkpoint("too early")

    async with script_case(Early) as case:
        with pytest.raises(AckError, match="in state UNCONFIGURED instead of RUNNING"):
            await case.configure()


async def test_they_can_be_changed_while_it_runs() -> None:
    async with script_case(Subject) as case:
        await case.configure(CONFIG, pauseCheckpoint=".*")
        await case.start_run()
        await case.wait_for(S.PAUSED)
        await case.remote.cmd_setCheckpoints.set_start(pause="", stop="expose", timeout=1)
        assert case.remote.evt_checkpoints.get().stop == "expose"
        await case.resume()
        assert await case.end() is S.STOPPED
        assert case.states.count(S.PAUSED) == 1


@pytest.mark.parametrize("field", ["pauseCheckpoint", "stopCheckpoint"])
async def test_an_expression_that_does_not_compile(field: str) -> None:
    async with script_case(Subject) as case:
        with pytest.raises(AckError, match=rf"{field}='\(' is not a regular expression: missing \)"):
            await case.configure(**{field: "("})
        assert await case.end() is S.CONFIGURE_FAILED
        assert case.script.calls == []


async def test_a_new_expression_that_does_not_compile_changes_nothing() -> None:
    async with script_case(Subject) as case:
        await case.configure(pauseCheckpoint="start")
        with pytest.raises(AckError, match=r"stop='\*' is not a regular expression"):
            await case.remote.cmd_setCheckpoints.set_start(pause="", stop="*", timeout=1)
        assert (case.script.checkpoints.pause, case.script.checkpoints.stop) == ("start", "")


async def test_a_loop_of_checkpoints_hears_commands() -> None:
    class Busy(Subject):
        async def run(self) -> None:
            while True:
                await self.checkpoint("again")

    async with script_case(Busy) as case:
        await case.configure()
        await case.start_run()
        assert await case.stop() is S.STOPPED
