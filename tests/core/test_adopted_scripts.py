# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of scripts that ran, or were lost while they waited, when the queue is started again."""

from __future__ import annotations

import pytest

from lsst.ts.scriptqueue.core import commands as cmd
from lsst.ts.scriptqueue.core import effects as fx
from lsst.ts.scriptqueue.core import events as ev
from lsst.ts.scriptqueue.core.phases import Phase
from lsst.ts.scriptqueue.core.states import Location, ScriptState

from .builders import a_script
from .driver import Driver, pid_of
from .layouts import TWO_SLOTS

S = ScriptState
P = Phase


# Running.


def test_one_that_was_never_told_to_run_is_back_at_the_head_and_its_visit_is_cancelled() -> None:
    driver, index = a_script(P.STARTING)
    visit = driver.all_of(fx.PublishNextVisit)[-1].group_id
    behind = driver.add_configured()
    driver.take_over()
    assert driver.queue.current == index
    driver.answer(index)
    assert driver.of(fx.PublishNextVisitCanceled) == [fx.PublishNextVisitCanceled(index, visit)]
    assert (driver.queue.current, driver.queue.waiting) == (0, (index, behind))
    assert driver.states(index) == ("CONFIGURED", "CONFIGURED")
    assert driver.model.script(index).run_start_tai == 0
    driver.enable()
    driver.resume()
    driver.run(index)
    (announced,) = driver.all_of(fx.PublishNextVisit)[1:]
    assert announced.group_id > visit
    assert driver.phase(index) is P.RUNNING


@pytest.mark.parametrize(
    ("states", "phase"),
    [
        ((S.RUNNING,), P.RUNNING),
        ((S.PAUSED,), P.RUNNING),
        ((S.DONE,), P.LEAVING),
        ((S.STOPPED,), P.LEAVING),
        ((S.FAILED,), P.FAILED),
    ],
)
def test_one_that_refuses_its_group_id_was_told_and_is_what_it_says(
    states: tuple[ScriptState, ...], phase: Phase
) -> None:
    driver, index = a_script(P.STARTING)
    driver.take_over()
    driver.answer(index, accepted=False, text="Cannot setGroupId: state=RUNNING instead of CONFIGURED")
    assert driver.phase(index) is P.DOUBTED, "it keeps its place until it says what it does"
    driver.report(index, *states)
    assert driver.phase(index) is phase
    assert not driver.all_of(fx.RunScript)[1:]
    assert bool(driver.all_of(fx.PublishNextVisitCanceled)) is (states == (S.STOPPED,)), "its visit began"


def test_one_that_is_silent_keeps_its_place_and_is_asked_again_and_again() -> None:
    driver, index = a_script(P.STARTING)
    behind = driver.add_configured(location=Location.LAST)
    driver.take_over(resumes=True)
    driver.enable()
    driver.answer(behind)
    driver.answer(behind)
    for _ in range(5):
        driver.expire(index)
        assert driver.of(fx.SetGroupId) == [fx.SetGroupId(index, driver.timer(index).request, "")]
        assert driver.queue.current == index
    assert driver.phase(behind) is P.NAMED
    driver.report(index, S.RUNNING)
    driver.finish(index)
    assert driver.queue.current == behind


def test_it_says_as_long_as_nobody_knows_whether_it_runs() -> None:
    driver, index = a_script(P.STARTING)
    driver.take_over()
    assert driver.watcher.shown[index].waiting_for.startswith("nobody knows whether it was told to run")
    driver.report(index, S.RUNNING)
    assert driver.watcher.shown[index].waiting_for == ""


def test_one_that_was_admitted_elsewhere_is_not_started_behind_the_operators_back() -> None:
    driver, index = a_script(P.ENTERING)
    driver.take_over()
    driver.answer(index)
    assert driver.phase(index) is P.CONFIGURED
    assert not driver.all_of(fx.RunScript)


def test_one_that_ran_and_ended_meanwhile_is_history() -> None:
    driver, index = a_script(P.RUNNING)
    driver.take_over()
    driver.report(index, S.DONE)
    driver.exit(index, 0, while_away=True)
    assert driver.states(index) == ("DONE", "DONE")


def test_one_that_ran_and_died_meanwhile_has_failed_as_ever() -> None:
    driver, index = a_script(P.RUNNING)
    driver.take_over(resumes=True)
    driver.exit(index, signal=9, while_away=True)
    driver.expire(index)
    assert driver.states(index) == ("FAILED", "DONE")
    assert driver.model.reason(index) == "its process ended by itself with signal 9"
    assert not driver.queue.running
    assert driver.queue.current == index
    assert not driver.of(fx.LaunchProcess)


def test_one_that_was_perhaps_told_to_run_and_died_is_not_launched_again() -> None:
    driver, index = a_script(P.STARTING)
    driver.take_over()
    driver.exit(index, signal=9, while_away=True)
    driver.expire(index)
    assert driver.phase(index) is P.FAILED_GONE


# Lost while waiting.


def test_what_died_while_it_waited_is_launched_again_in_its_place_with_another_visit() -> None:
    driver, index = a_script(P.NAMED)
    visit = driver.all_of(fx.PublishNextVisit)[-1].group_id
    first = driver.all_of(fx.LaunchProcess)[-1].launch_id
    behind = driver.add_configured()
    driver.take_over(resumes=True)
    assert driver.of(fx.PublishNextVisitCanceled) == [fx.PublishNextVisitCanceled(index, visit)]
    driver.enable()
    driver.resume()
    driver.exit(index, signal=9, while_away=True)
    assert driver.phase(behind) is P.CONFIGURED, "its place in the line is kept"
    driver.expire(index)
    (launch,) = driver.of(fx.LaunchProcess)
    assert (launch.index, launch.may_exist) == (index, False)
    assert launch.launch_id != first
    assert driver.queue.waiting == (index, behind)
    acks = driver.all_of(fx.AckCommand)
    driver.start(index, pid=7)
    assert driver.all_of(fx.AckCommand) == acks, "whoever added it has been answered"
    driver.report(index, S.UNCONFIGURED, S.CONFIGURED, origin=7)
    driver.expire(index)
    driver.answer(index)
    driver.report(index, S.RUNNING, origin=7)
    assert driver.all_of(fx.PublishNextVisit)[-1].group_id > visit
    assert driver.phase(index) is P.RUNNING


def test_what_cannot_be_launched_again_has_failed_to_load() -> None:
    driver, index = a_script(P.CONFIGURED)
    driver.take_over()
    driver.exit(index, signal=9, while_away=True)
    driver.expire(index)
    acks = driver.all_of(fx.AckCommand)
    driver.fail_launch(index)
    assert driver.all_of(fx.AckCommand) == acks
    assert driver.states(index) == ("UNKNOWN", "LOADFAILED")


def test_what_ran_unbidden_and_died_is_not_launched_again() -> None:
    driver, index = a_script(P.CONFIGURED)
    driver.take_over()
    driver.exit(index, signal=9, while_away=True)
    driver.report(index, S.RUNNING)
    driver.expire(index)
    assert driver.phase(index) is P.GONE
    assert driver.states(index) == ("FAILED", "DONE")


def test_one_that_dies_after_the_restart_is_not_launched_again() -> None:
    driver, index = a_script(P.CONFIGURED)
    driver.take_over()
    driver.exit(index, signal=9)
    driver.expire(index)
    assert driver.states(index) == ("FAILED", "DONE")
    assert not driver.all_of(fx.LaunchProcess)[1:]


def test_many_are_launched_again_head_first_and_a_few_at_a_time() -> None:
    driver = Driver(relaunches=2)
    lost = [driver.add_configured() for _ in range(5)]
    driver.take_over()
    for index in lost:
        driver.exit(index, signal=9, while_away=True)
    # Their last words are awaited in any order.
    for index in (lost[3], lost[1]):
        driver.expire(index)
    assert [driver.phase(index) is P.LAUNCHING for index in lost] == [False, True, False, True, False]
    for index in (lost[4], lost[0], lost[2]):
        driver.expire(index)
    assert driver.phase(lost[0]) is P.POSTPONED
    assert driver.model.script(lost[0]).waiting_for.startswith("to be launched again since ")
    launched = []
    for index in (lost[1], lost[3], lost[0], lost[2], lost[4]):
        assert sum(driver.phase(other) is P.LAUNCHING for other in lost) <= 2
        driver.start(index)
        driver.report(index, S.UNCONFIGURED)
        assert not driver.of(fx.LaunchProcess), "it is on its way until it is configured"
        driver.report(index, S.CONFIGURED)
        launched += [effect.index for effect in driver.of(fx.LaunchProcess)]
    assert launched == [lost[0], lost[2], lost[4]]
    assert driver.queue.waiting == tuple(lost)


def test_what_waits_to_be_launched_again_can_be_moved_and_stopped() -> None:
    driver, index = a_script(P.POSTPONED)
    other = driver.queue.waiting[-1]
    driver.done(cmd.MoveScript(index, cmd.Target(Location.LAST)))
    assert driver.queue.waiting == (other, index)
    driver.stop(index)
    assert driver.states(index) == ("UNKNOWN", "TERMINATED")
    assert driver.ack() == fx.AckCommand(driver._last_command, True)


def test_late_words_of_a_lost_process_are_not_its_successors() -> None:
    driver, index = a_script(P.CONFIGURED)
    driver.take_over()
    driver.exit(index, signal=9, while_away=True)
    spoke_tai = driver.tick()
    driver.expire(index)
    driver.report(index, S.CONFIGURED, sent_tai=spoke_tai)
    driver.start(index, pid=7)
    driver.report(index, S.FAILED, origin=pid_of(index), sent_tai=spoke_tai)
    assert driver.phase(index) is P.LOADING
    driver.report(index, S.UNCONFIGURED, origin=7)
    assert driver.phase(index) is P.CONFIGURING
    driver.report(index, S.RUNNING, origin=pid_of(index), sent_tai=spoke_tai)
    assert driver.phase(index) is P.CONFIGURING


def test_a_restart_while_something_is_launched_again_does_not_launch_it_thrice() -> None:
    driver, index = a_script(P.CONFIGURED)
    driver.take_over()
    driver.exit(index, signal=9, while_away=True)
    driver.expire(index)
    (again,) = driver.of(fx.LaunchProcess)
    driver.take_over()
    assert driver.of(fx.LaunchProcess) == [
        fx.LaunchProcess(index, True, "slew.py", again.launch_id, may_exist=True)
    ]


def test_what_is_needed_is_not_settled_anew() -> None:
    driver = Driver(layout=TWO_SLOTS)
    index = driver.add()
    driver.start(index)
    driver.describe(index, resources="MTMount")
    driver.apply(ev.ScriptStateReported(driver.tick(), index, S.UNCONFIGURED, "", pid_of(index), driver.now))
    driver.metadata(index)
    driver.report(index, S.CONFIGURED)
    driver.take_over()
    driver.exit(index, signal=9, while_away=True)
    driver.expire(index)
    driver.configure(index)
    assert driver.model.script(index).resources == "MTMount"


@pytest.mark.parametrize(
    ("away_s", "ended_ago_s", "ran_s"),
    [
        pytest.param(3600.0, 3000.0, 600.0, id="it ended while no queue was there"),
        pytest.param(3600.0, 0.0, 3600.0, id="nobody saw when it ended"),
        pytest.param(0.0, 3000.0, 0.0, id="the clock was set back meanwhile"),
    ],
)
def test_a_script_that_ended_unseen_ran_until_it_ended(
    away_s: float, ended_ago_s: float, ran_s: float
) -> None:
    driver, index = a_script(P.RUNNING)
    driver.tick(away_s)
    driver.take_over()
    driver.exit(index, while_away=True, ended_ago_s=ended_ago_s)
    script = driver.model._ledger.scripts[index]
    assert script.process_end_tai - script.run_start_tai == pytest.approx(ran_s, abs=10.0)
    assert script.process_end_tai >= script.run_start_tai
