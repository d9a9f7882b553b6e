# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a script case tells, and that it leaves no trace."""

from __future__ import annotations

import logging

import pytest

from lsst.ts.scriptqueue.sal import ScriptState
from lsst.ts.scriptqueue.testing import run, script_case

from ..scripts.subject import Subject

INDEX = 123_456


@pytest.mark.virtual_time
async def test_what_does_not_come_is_told_with_what_came() -> None:
    async with script_case(Subject) as case:
        await case.configure("step_s: 100")
        await case.start_run()
        with pytest.raises(
            TimeoutError, match="no PAUSED within 5 s; the script was UNCONFIGURED, CONFIGURED, RUNNING"
        ):
            await case.wait_for(ScriptState.PAUSED, limit_s=5)


@pytest.mark.virtual_time
async def test_each_case_is_a_world_of_its_own() -> None:
    async with script_case(Subject, index=INDEX) as one, script_case(Subject, index=INDEX) as other:
        await one.configure()
        assert (one.state, other.state) == (ScriptState.CONFIGURED, ScriptState.UNCONFIGURED)


def test_the_level_of_the_log_is_put_back() -> None:
    async def make_noise() -> None:
        async with script_case(Subject, index=INDEX) as case:
            await case.configure(logLevel=5)
            assert logging.getLogger(f"Script.{INDEX}").level == 5

    log = logging.getLogger(f"Script.{INDEX}")
    log.setLevel(logging.ERROR)
    run(make_noise())
    assert log.level == logging.ERROR
    assert log.handlers == []
    log.setLevel(logging.NOTSET)


@pytest.mark.virtual_time
async def test_a_case_may_be_left_at_any_time() -> None:
    """The leak checks of the test suite see to the rest."""
    async with script_case(Subject) as case:
        await case.configure()
        await case.start_run()


async def test_it_works_in_real_time_too() -> None:
    class Quick(Subject):
        async def run(self) -> None:
            await self.checkpoint("one")

    async with script_case(Quick) as case:
        await case.configure()
        assert await case.run() is ScriptState.DONE
        assert case.checkpoints == ["one"]
