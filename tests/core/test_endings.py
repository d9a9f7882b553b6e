# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""How scripts end: what is written of them, and what the queue does next."""

from __future__ import annotations

import pytest

from lsst.ts.scriptqueue.core import commands as cmd
from lsst.ts.scriptqueue.core import effects as fx
from lsst.ts.scriptqueue.core.phases import Phase
from lsst.ts.scriptqueue.core.states import ScriptState

from . import endings_of_current, endings_of_waiting
from .builders import a_script
from .driver import Driver
from .endings import Row

S = ScriptState
ROWS = [*endings_of_current.ROWS, *endings_of_waiting.ROWS]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.phase.name}: {row.says}")
def test_how_a_script_ends(row: Row) -> None:
    driver, index = a_script(row.phase)
    paused_before = not driver.queue.running
    for step in row.steps:
        step(driver, index)

    assert driver.states(index) == row.ends
    reason = driver.model.reason(index)
    assert reason == row.reason
    if row.stays:
        assert driver.queue.current == index
        assert not driver.queue.running
        assert driver.phase(index) is Phase.FAILED_GONE
        return
    assert index in driver.queue.past
    assert driver.phase(index) is Phase.GONE
    was_failed = row.phase in (Phase.FAILED, Phase.FAILED_GONE)
    assert driver.queue.running is not (paused_before or was_failed), "nothing else pauses"


@pytest.mark.parametrize("row", [row for row in ROWS if not row.stays], ids=lambda row: row.says)
def test_the_next_one_runs_after_it(row: Row) -> None:
    driver, index = a_script(row.phase)
    follower = driver.add_configured()
    for step in row.steps:
        step(driver, index)
    driver.enable()
    driver.resume()
    for other in driver.queue.waiting:
        if other != follower:
            driver.fail_launch(other)
    driver.answer(follower)
    assert driver.phase(follower) is Phase.STARTING


@pytest.mark.parametrize("row", [row for row in ROWS if row.stays], ids=lambda row: row.says)
def test_nothing_runs_until_the_failure_is_dealt_with(row: Row) -> None:
    driver, index = a_script(row.phase)
    follower = driver.add_configured()
    for step in row.steps:
        step(driver, index)
    driver.answer(follower)
    assert driver.phase(follower) is Phase.NAMED
    driver.done(cmd.Resume())
    assert driver.queue.past == (index,)
    assert driver.queue.current == follower
    assert driver.phase(follower) is Phase.STARTING


def test_the_next_one_starts_when_the_state_is_final_not_when_the_process_has_gone() -> None:
    driver = Driver()
    first = driver.add_running()
    second = driver.add_configured()
    driver.answer(second)
    assert driver.phase(second) is Phase.NAMED
    driver.report(first, S.ENDING)
    assert not driver.of(fx.RunScript)
    driver.report(first, S.DONE)
    assert [effect.index for effect in driver.of(fx.RunScript)] == [second]
    assert driver.phase(first) is Phase.LEAVING


def test_a_process_that_does_not_exit_after_its_final_state_is_ended() -> None:
    driver, index = a_script(Phase.LEAVING)
    assert driver.timer(index).delay_s == 30
    driver.expire(index)
    assert driver.of(fx.TerminateProcess) == [fx.TerminateProcess(index)]
    driver.exit(index, signal=15)
    assert driver.states(index) == ("DONE", "DONE")


def test_a_failed_process_that_does_not_exit_is_ended_and_stays() -> None:
    driver, index = a_script(Phase.FAILED)
    driver.expire(index)
    assert driver.of(fx.TerminateProcess) == [fx.TerminateProcess(index)]
    driver.exit(index, signal=9)
    assert driver.queue.current == index


def test_the_failure_is_told_to_those_who_watch() -> None:
    driver, index = a_script(Phase.FAILED)
    errors = [effect for effect in driver.all_of(fx.WriteLog) if effect.level is fx.LogLevel.ERROR]
    assert [effect.text for effect in errors] == [
        f"slot main is paused: script {index} failed: no star found (slew.py)"
    ]
    driver.exit(index, 1)
    assert not [effect for effect in driver.of(fx.WriteLog) if effect.level is fx.LogLevel.ERROR]


def test_a_failure_while_paused_on_request_is_told_and_is_the_reason_of_the_pause() -> None:
    driver = Driver()
    index = driver.add_running()
    driver.pause()
    driver.report(index, S.FAILED, reason="no star")
    assert [effect.level for effect in driver.of(fx.WriteLog)] == [fx.LogLevel.ERROR]
    pause = driver.model._ledger.main.pause
    assert pause is not None
    assert pause.text == f"because {index} failed: no star"
    driver.pause()
    assert driver.model._ledger.main.pause == pause, "the reason stays"


def test_a_failed_script_ends_as_its_queue_event_precedes_it() -> None:
    """The alarm watcher looks at a failed script when it has seen that the queue does not run."""
    driver = Driver()
    index = driver.add_running()
    driver.report(index, S.FAILED)
    kinds = [type(effect) for effect in driver.last]
    assert kinds.index(fx.PublishQueue) < kinds.index(fx.PublishScript)
    (queue,) = driver.of(fx.PublishQueue)
    assert (queue.view.running, queue.view.current) == (False, index)
