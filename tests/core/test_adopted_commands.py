# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of commands that were under way, and of a planned stop, when the queue is started again."""

from __future__ import annotations

import pytest

from lsst.ts.scriptqueue.core import commands as cmd
from lsst.ts.scriptqueue.core import effects as fx
from lsst.ts.scriptqueue.core import events as ev
from lsst.ts.scriptqueue.core.phases import Phase
from lsst.ts.scriptqueue.core.states import ScriptState

from .builders import a_script
from .driver import Driver

S = ScriptState
P = Phase


# Commands that were under way.


def test_a_stop_of_before_is_answered_when_all_are_down_and_holds_its_slot_until_then() -> None:
    driver = Driver()
    index = driver.add_running()
    behind = driver.add_configured()
    driver.answer(behind)
    stop = driver.stop(index)
    driver.take_over(resumes=True)
    driver.enable()
    assert driver.of(fx.RunScript) == []
    assert driver.ack(stop) is None
    driver.report(index, S.STOPPED)
    assert driver.ack(stop) == fx.AckCommand(stop, True)
    driver.exit(index)
    assert driver.states(index) == ("STOPPED", "DONE")


def test_the_id_of_a_block_is_asked_for_again_and_lets_in_those_who_wait() -> None:
    driver = Driver()
    block = cmd.AddScript(True, "x.py", block="BLOCK-1", block_size=2, start_block=True)
    driver.give(block)
    (asked,) = driver.of(fx.RequestBlockId)
    driver.give(cmd.AddScript(True, "x.py", block="BLOCK-1"))
    driver.take_over()
    assert driver.of(fx.RequestBlockId) == [asked]
    driver.apply(ev.BlockIdGiven(driver.tick(), asked.request, "BT1_O_20261126_000001"))
    assert [launch.index for launch in driver.of(fx.LaunchProcess)] == [100_000, 100_001]


def test_an_open_block_goes_on() -> None:
    driver = Driver()
    driver.give(cmd.AddScript(True, "x.py", block="BLOCK-1", block_size=2, start_block=True))
    driver.apply(ev.BlockIdGiven(driver.tick(), driver.of(fx.RequestBlockId)[0].request, "BT1_O_1"))
    driver.take_over()
    index = driver.add(block="BLOCK-1")
    assert index == 100_001
    assert driver.model._ledger.scripts[index].membership is not None


@pytest.mark.parametrize("phase", [P.LAUNCHING, P.LOADING, P.NAMED, P.RUNNING, P.FAILED, P.LEAVING])
def test_a_planned_stop_that_was_torn_away_is_not_forgotten_by_those_it_had_reached(phase: Phase) -> None:
    driver, index = a_script(phase)
    driver.shut_down()
    driver.take_over()
    assert not driver.model._ledger.closing
    if driver.phase(index) is P.ABANDONED:
        driver.start(index)
    if driver.phase(index) is P.LEAVING:
        driver.expire(index)
    assert fx.TerminateProcess(index) in driver.last
    driver.exit(index, signal=15)
    assert driver.phase(index) is P.GONE
    assert driver.add() == index + 1, "the queue takes scripts again"


def test_after_a_planned_stop_the_queue_is_empty_and_not_paused() -> None:
    driver, index = a_script(P.RUNNING)
    driver.shut_down()
    driver.exit(index, signal=15)
    assert driver.of(fx.FinishShutdown)
    driver.take_over()
    assert driver.queue.running
    assert (driver.queue.current, driver.queue.waiting, driver.queue.past) == (0, (), (index,))
    assert not driver.of(fx.WriteLog)


# What the edge asks.


def test_processes_are_all_that_may_be_there() -> None:
    for phase in Phase:
        driver, index = a_script(phase)
        is_there = driver.watcher.script(index).process or phase in (P.LAUNCHING, P.ABANDONED)
        assert (index in driver.model.processes()) is is_there, phase
