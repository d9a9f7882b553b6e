# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom to believe: reports of other processes, late ones, and nonsense."""

from __future__ import annotations

import pytest

from lsst.ts.scriptqueue.core import effects as fx
from lsst.ts.scriptqueue.core import events as ev
from lsst.ts.scriptqueue.core.phases import Phase
from lsst.ts.scriptqueue.core.states import ScriptState
from lsst.ts.scriptqueue.core.views import VisitMetadata

from .builders import a_process_exited, a_script
from .driver import Driver, pid_of

S = ScriptState
WRAPPED = 77


def test_reports_of_a_script_that_nobody_knows_are_ignored() -> None:
    driver = Driver()
    driver.report(123_456, S.RUNNING)
    assert driver.last == []
    assert driver.queue.waiting == ()


def test_an_earlier_process_of_the_same_index_is_not_believed() -> None:
    driver = Driver()
    index = driver.add()
    driver.start(index)
    driver.report(index, S.DONE, origin=WRAPPED, sent_tai=driver.now - 100)
    assert driver.phase(index) is Phase.LOADING
    assert driver.states(index) == ("UNKNOWN", "LOADING")
    assert "process 77 is not its own, but says DONE" in driver.model.story(index)


def test_metadata_of_an_earlier_process_are_not_believed() -> None:
    driver, index = a_script(Phase.SETTLING)
    metadata = VisitMetadata(nimages=9)
    driver.apply(ev.ScriptMetadataReported(driver.tick(), index, metadata, WRAPPED, driver.now - 100))
    assert driver.phase(index) is Phase.SETTLING


def test_a_script_behind_a_wrapper_is_known_by_its_first_report() -> None:
    driver = Driver()
    index = driver.add()
    driver.start(index)
    driver.report(index, S.UNCONFIGURED, origin=WRAPPED)
    assert driver.phase(index) is Phase.CONFIGURING
    driver.report(index, S.CONFIGURED, origin=78)
    assert driver.phase(index) is Phase.CONFIGURING, "another process is not it"
    driver.report(index, S.CONFIGURED, origin=WRAPPED)
    assert driver.phase(index) is Phase.SETTLING


def test_a_quick_script_behind_a_wrapper_may_report_before_its_start_is_heard_of() -> None:
    driver = Driver()
    index = driver.add()
    sent_tai = driver.now + 0.5
    driver.start(index)
    assert sent_tai < driver.now
    driver.report(index, S.UNCONFIGURED, origin=WRAPPED, sent_tai=sent_tai)
    assert driver.phase(index) is Phase.CONFIGURING


def test_the_process_that_was_started_is_believed_whatever_was_heard_before() -> None:
    driver = Driver()
    index = driver.add()
    driver.start(index)
    driver.report(index, S.UNCONFIGURED, origin=WRAPPED)
    driver.report(index, S.CONFIGURED, origin=pid_of(index))
    assert driver.phase(index) is Phase.SETTLING
    driver.report(index, S.RUNNING, origin=WRAPPED)
    assert driver.phase(index) is Phase.SETTLING


def test_its_own_process_is_believed_though_its_clock_is_behind() -> None:
    driver = Driver()
    index = driver.add()
    driver.start(index)
    driver.report(index, S.UNCONFIGURED, sent_tai=driver.now - 100)
    assert driver.phase(index) is Phase.CONFIGURING


def test_nothing_is_believed_before_there_is_a_process() -> None:
    driver = Driver()
    index = driver.add()
    driver.report(index, S.UNCONFIGURED)
    assert driver.phase(index) is Phase.LAUNCHING
    assert driver.model.script(index).script_state is S.UNKNOWN


@pytest.mark.parametrize("first", [S.DONE, S.STOPPED, S.FAILED, S.CONFIGURE_FAILED])
def test_the_first_final_state_stands(first: ScriptState) -> None:
    driver, index = a_script(Phase.RUNNING)
    driver.report(index, first)
    before = driver.states(index), driver.phase(index)
    driver.report(index, *S)
    assert (driver.states(index), driver.phase(index)) == before
    assert "after its end; ignored" in driver.model.story(index)


@pytest.mark.parametrize(
    "states",
    [
        pytest.param((S.CONFIGURED,), id="a step is left out"),
        pytest.param((S.UNCONFIGURED, S.UNCONFIGURED), id="twice the same"),
        pytest.param((S.UNCONFIGURED, S.CONFIGURED, S.UNCONFIGURED), id="a step back"),
    ],
)
def test_nonsense_while_waiting_ends_by_a_time_limit_at_the_latest(states: tuple[ScriptState, ...]) -> None:
    driver = Driver()
    index = driver.add()
    driver.start(index)
    driver.report(index, *states)
    assert driver.model.script(index).script_state is states[-1], "the script event shows what was reported"
    while driver.phase(index) is not Phase.DROPPING:
        driver.expire(index)
    driver.exit(index, signal=15)
    assert driver.queue.past == (index,)


def test_nonsense_while_running_is_shown_and_changes_nothing() -> None:
    driver, index = a_script(Phase.RUNNING)
    driver.report(index, S.UNCONFIGURED, S.CONFIGURED)
    assert driver.phase(index) is Phase.RUNNING
    assert driver.states(index) == ("CONFIGURED", "RUNNING")
    driver.finish(index)
    assert driver.states(index) == ("DONE", "DONE")


def test_a_script_may_end_several_times_over() -> None:
    """The answer to run, the final state and the exit come in any order and change nothing twice."""
    driver, index = a_script(Phase.RUNNING)
    driver.answer(index, accepted=False, text="Failed: no star")
    assert driver.phase(index) is Phase.RUNNING
    driver.report(index, S.FAILED, S.FAILED, reason="no star")
    driver.exit(index, 1)
    driver.report(index, S.FAILED, reason="other")
    assert driver.model.reason(index) == "no star"
    assert driver.phase(index) is Phase.FAILED_GONE


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (a_process_exited(exit_code=3), "exit code 3"),
        (a_process_exited(signal=9), "signal 9"),
        (a_process_exited(signal=9, signal_name="SIGKILL"), "signal SIGKILL"),
        (a_process_exited(exit_code=None), "an exit code that is not known"),
    ],
    ids=["an exit code", "a signal", "a signal with a name", "neither"],
)
def test_how_it_ended_is_told(event: ev.ProcessExited, words: str) -> None:
    driver, index = a_script(Phase.RUNNING)
    driver.apply(event)
    assert driver.model.reason(index) == f"its process ended by itself with {words}"


def test_what_it_printed_last_is_logged_if_it_ended_badly() -> None:
    driver, index = a_script(Phase.LOADING)
    driver.exit(index, 1, output_tail="ImportError: no module named numpy")
    (log,) = driver.of(fx.WriteLog)
    assert log.level is fx.LogLevel.WARNING
    assert f"script {index} (slew.py) ended with exit code 1" in log.text
    assert "ImportError" in log.text


def test_what_it_printed_last_is_not_told_if_it_ended_well() -> None:
    driver, index = a_script(Phase.LEAVING)
    driver.exit(index, 0, output_tail="bye")
    assert not driver.of(fx.WriteLog)
    assert driver.model.reason(index) == ""


@pytest.mark.parametrize(
    ("phase", "report", "exiting"),
    [
        (Phase.RUNNING, S.DONE, "RUNNING"),
        (Phase.STOPPING, S.STOPPED, "RUNNING"),
        (Phase.RUNNING, S.FAILED, "RUNNING"),
        (Phase.CONFIGURED, S.STOPPED, "CONFIGURED"),
        (Phase.LOADING, S.FAILED, "LOADING"),
    ],
)
def test_a_process_is_called_done_when_it_has_gone(phase: Phase, report: S, exiting: str) -> None:
    driver, index = a_script(phase)
    driver.report(index, report)
    assert driver.states(index) == (report.name, exiting)
    driver.exit(index)
    assert driver.states(index) == (report.name, "DONE")
