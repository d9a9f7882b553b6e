# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of the service: every script goes, whatever it was doing."""

from __future__ import annotations

import pytest

from lsst.ts.scriptqueue.core import commands as cmd
from lsst.ts.scriptqueue.core import effects as fx
from lsst.ts.scriptqueue.core import events as ev
from lsst.ts.scriptqueue.core.phases import Phase
from lsst.ts.scriptqueue.core.states import ScriptState

from .builders import a_script
from .driver import Driver, an_add

S = ScriptState


@pytest.mark.parametrize("phase", list(Phase))
def test_the_service_may_end_when_the_last_process_has_gone(phase: Phase) -> None:
    driver, index = a_script(phase)
    for other in driver.queue.waiting:
        if other != index:
            driver.fail_launch(other)
    driver.shut_down()
    if driver.phase(index) is Phase.ABANDONED:
        assert not driver.all_of(fx.FinishShutdown)
        driver.start(index)
    if driver.watcher.script(index).process:
        assert fx.TerminateProcess(index) in driver.effects, "its process was told to go"
        assert not driver.all_of(fx.FinishShutdown)
        driver.exit(index, signal=15)
    assert driver.all_of(fx.FinishShutdown) == [fx.FinishShutdown()]
    assert driver.phase(index) is Phase.GONE


@pytest.mark.parametrize("phase", [Phase.LAUNCHING, Phase.ABANDONED])
def test_a_launch_that_fails_during_the_shutdown_does_not_hold_it_up(phase: Phase) -> None:
    driver, index = a_script(phase)
    driver.shut_down()
    driver.fail_launch(index)
    assert driver.of(fx.FinishShutdown)


def test_an_idle_service_may_end_at_once() -> None:
    driver = Driver()
    driver.shut_down()
    assert driver.of(fx.FinishShutdown)


def test_it_is_told_once() -> None:
    driver, index = a_script(Phase.GONE)
    driver.shut_down()
    driver.shut_down()
    driver.report(index, S.RUNNING)
    assert len(driver.all_of(fx.FinishShutdown)) == 1


def test_all_processes_are_told_to_go_at_once() -> None:
    driver = Driver()
    running = driver.add_running()
    waiting = [driver.add_configured() for _ in range(3)]
    driver.shut_down()
    assert {effect.index for effect in driver.of(fx.TerminateProcess)} == {running, *waiting}


def test_a_service_that_ends_takes_no_commands() -> None:
    driver, index = a_script(Phase.RUNNING)
    driver.shut_down("exitControl")
    for command in (an_add(), cmd.Resume(), cmd.RequeueScript(index, cmd.Target()), cmd.ShowQueue()):
        assert driver.refused(command) == "the queue is shutting down: exitControl"


def test_a_service_that_ends_cannot_be_enabled() -> None:
    driver, _ = a_script(Phase.RUNNING)
    driver.shut_down()
    assert not driver.queue.enabled
    driver.enable()
    assert not driver.queue.enabled


def test_nothing_starts_while_the_service_ends() -> None:
    driver = Driver()
    first = driver.add_running()
    second = driver.add_configured()
    driver.answer(second)
    driver.shut_down()
    driver.report(first, S.DONE)
    driver.exit(first)
    assert not driver.of(fx.RunScript)
    driver.exit(second, signal=15)
    assert driver.all_of(fx.FinishShutdown)


def test_whoever_waits_for_an_id_is_refused() -> None:
    driver = Driver()
    one = driver.give(an_add(block="BLOCK-1", start_block=True, block_size=2))
    two = driver.give(an_add(block="BLOCK-1"))
    request = driver.all_of(fx.RequestBlockId)[0].request
    driver.shut_down()
    for command in (one, two):
        ack = driver.ack(command)
        assert ack is not None
        assert ack.result == "the queue is shutting down: SIGTERM"
    driver.apply(ev.BlockIdGiven(driver.tick(), request, "late"))
    assert driver.last == []


def test_stops_and_adds_under_way_are_answered() -> None:
    driver = Driver()
    running = driver.add_running()
    stop = driver.stop(running)
    add = driver.give(an_add())
    loading = driver.queue.waiting[0]
    driver.shut_down()
    driver.start(loading)
    driver.exit(loading, signal=15)
    driver.exit(running, signal=15)
    assert driver.ack(stop) is not None
    assert driver.ack(add) is not None
    assert driver.all_of(fx.FinishShutdown)


def test_it_is_the_reason_of_the_endings() -> None:
    driver, index = a_script(Phase.RUNNING)
    driver.shut_down()
    driver.exit(index, signal=15)
    assert driver.model.reason(index) == "the queue is shutting down: SIGTERM"
    assert driver.states(index) == ("RUNNING", "TERMINATED")
