# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of scripts and commands when the queue is torn away and started again."""

from __future__ import annotations

import pytest

from lsst.ts.scriptqueue.core import commands as cmd
from lsst.ts.scriptqueue.core import effects as fx
from lsst.ts.scriptqueue.core.phases import TIMER, Phase
from lsst.ts.scriptqueue.core.states import Location, ScriptState

from .builders import a_script
from .driver import Driver
from .layouts import BESIDE, OBSERVATORY, TWO_SLOTS

S = ScriptState
P = Phase

#: What is asked of a script or of its process.
ASKED = (
    fx.LaunchProcess, fx.TerminateProcess, fx.ConfigureScript, fx.SetGroupId, fx.RunScript, fx.StopScript,
    fx.PublishNextVisit, fx.PublishNextVisitCanceled,
)  # fmt: skip

#: Phase before -> phase after, and what is asked at once.
TAKEN_OVER: dict[Phase, tuple[Phase, list[type[fx.Effect]]]] = {
    P.LAUNCHING: (P.LAUNCHING, [fx.LaunchProcess]),
    P.ABANDONED: (P.ABANDONED, [fx.LaunchProcess]),
    P.LOADING: (P.LOADING, []),
    P.CONFIGURING: (P.CONFIGURING, []),
    P.SETTLING: (P.SETTLING, []),
    P.CONFIGURED: (P.CONFIGURED, []),
    P.NAMING: (P.UNNAMING, [fx.SetGroupId]),
    P.NAMED: (P.UNNAMING, [fx.PublishNextVisitCanceled, fx.SetGroupId]),
    P.UNNAMING: (P.UNNAMING, [fx.SetGroupId]),
    P.ENTERING: (P.UNNAMING, [fx.SetGroupId]),
    P.STRAYING: (P.STRAYING, [fx.StopScript]),
    P.DROPPING: (P.DROPPING, [fx.TerminateProcess]),
    P.LOST_WAITING: (P.LOST_WAITING, []),
    P.LOST_AWAY: (P.LOST_AWAY, []),
    P.POSTPONED: (P.POSTPONED, []),
    P.STARTING: (P.DOUBTED, [fx.SetGroupId]),
    P.DOUBTED: (P.DOUBTED, [fx.SetGroupId]),
    P.RUNNING: (P.RUNNING, []),
    P.RECALLED: (P.RECALLED, [fx.StopScript]),
    P.STOPPING: (P.STOPPING, [fx.StopScript]),
    P.KILLING: (P.KILLING, [fx.TerminateProcess]),
    P.BREAKING: (P.BREAKING, [fx.TerminateProcess]),
    P.GIVING_UP: (P.GIVING_UP, [fx.TerminateProcess]),
    P.LOST_RUNNING: (P.LOST_RUNNING, []),
    P.LOST_STOPPING: (P.LOST_STOPPING, []),
    P.FAILED: (P.FAILED, []),
    P.FAILED_GONE: (P.FAILED_GONE, []),
    P.LEAVING: (P.LEAVING, []),
    P.GONE: (P.GONE, []),
}


def asked_of(driver: Driver, index: int) -> list[fx.Effect]:
    return [effect for effect in driver.last if isinstance(effect, ASKED) and effect.index == index]


def check_taken_over(driver: Driver, index: int, before: Phase) -> None:
    after, asked = TAKEN_OVER[before]
    assert driver.phase(index) is after
    assert [type(effect) for effect in asked_of(driver, index)] == asked
    assert not any(effect.group_id for effect in driver.of(fx.SetGroupId)), "group ids are given back"
    assert all(effect.may_exist for effect in driver.of(fx.LaunchProcess))
    timers = [timer.timer for timer in driver.of(fx.SetTimer) if timer.index == index]
    assert timers == ([TIMER[after]] if after in TIMER else [])


@pytest.mark.parametrize("phase", list(Phase))
def test_what_is_asked_of_a_script_when_it_is_taken_over(phase: Phase) -> None:
    driver, index = a_script(phase)
    driver.take_over()
    check_taken_over(driver, index, phase)


@pytest.mark.parametrize("phase", list(Phase))
def test_another_restart_finds_what_the_first_has_left(phase: Phase) -> None:
    driver, index = a_script(phase)
    driver.take_over()
    driver.take_over()
    check_taken_over(driver, index, TAKEN_OVER[phase][0])


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not P.GONE])
def test_whoever_was_taken_over_can_be_stopped_for_good(phase: Phase) -> None:
    driver, index = a_script(phase)
    driver.take_over()
    driver.end_for_good(index)


# The queue.


def test_all_slots_are_paused_and_say_why_until_somebody_lets_them_go_on() -> None:
    driver = Driver(layout=OBSERVATORY)
    index = driver.add_configured()
    driver.take_over()
    assert not any(slot.running for slot in driver.model.slots.slots)
    assert {slot.pause_reason.partition(", ")[2] for slot in driver.model.slots.slots} == {
        "because the queue was started again"
    }
    driver.answer(index)
    driver.enable()
    assert driver.phase(index) is P.CONFIGURED
    driver.resume()
    assert all(slot.running for slot in driver.model.slots.slots)
    assert driver.phase(index) is P.NAMING


def test_a_queue_that_is_to_go_on_by_itself_does_so_when_it_is_enabled() -> None:
    driver = Driver()
    index = driver.add_configured()
    driver.take_over(resumes=True)
    driver.answer(index)
    assert driver.queue.running
    assert driver.phase(index) is P.CONFIGURED
    driver.enable()
    driver.run(index)
    assert driver.phase(index) is P.RUNNING


def test_a_slot_that_was_paused_stays_so_for_its_own_reason() -> None:
    driver = Driver(layout=TWO_SLOTS)
    driver.done(cmd.Pause(BESIDE))
    driver.take_over(resumes=True)
    assert [slot.running for slot in driver.model.slots.slots] == [True, False]
    driver.take_over()
    driver.resume()
    assert [slot.running for slot in driver.model.slots.slots] == [True, False]


def test_a_slot_that_a_failure_paused_is_still_paused_by_it() -> None:
    driver, index = a_script(P.FAILED)
    driver.take_over()
    assert f"because {index} failed" in driver.model.slots.slots[0].pause_reason
    assert driver.queue.current == index


def test_places_history_and_numbers_are_as_before() -> None:
    driver = Driver()
    ended = driver.add_running()
    driver.finish(ended)
    running = driver.add_running()
    waiting = [driver.add_configured() for _ in range(3)]
    driver.done(cmd.MoveScript(waiting[2], cmd.Target(Location.FIRST)))
    before = driver.queue
    driver.take_over()
    after = driver.queue
    assert (after.current, after.waiting, after.past) == (before.current, before.waiting, before.past)
    assert {effect.view.index for effect in driver.of(fx.PublishScript)} == {ended, running, *waiting}
    assert driver.add() == waiting[-1] + 1
    driver.finish(running)
    assert driver.queue.past == (running, ended)


def test_it_is_told_how_many_were_taken_over() -> None:
    driver = Driver()
    driver.add_running()
    driver.add_configured()
    driver.take_over()
    assert "the queue was started again: 2 scripts that waited or ran were taken over" in [
        effect.text for effect in driver.of(fx.WriteLog)
    ]


# Launches.


def test_a_launch_nobody_confirmed_is_asked_for_again_by_the_same_name() -> None:
    driver = Driver()
    index = driver.add()
    (first,) = driver.of(fx.LaunchProcess)
    driver.take_over()
    (again,) = driver.of(fx.LaunchProcess)
    assert (again.launch_id, again.may_exist) == (first.launch_id, True)
    driver.start(index)
    assert driver.ack() == fx.AckCommand(1, True, str(index)), "whoever added it is still to be answered"


def test_a_process_that_was_there_is_heard_though_it_spoke_before() -> None:
    """A script behind a wrapper is known by when it spoke: not before its process was first asked for."""
    driver = Driver()
    index = driver.add()
    spoke_tai = driver.tick()
    driver.take_over()
    driver.start(index)
    driver.report(index, S.UNCONFIGURED, origin=5, sent_tai=spoke_tai)
    assert driver.phase(index) is P.CONFIGURING


def test_one_that_was_stopped_before_its_process_was_there_leaves_none_behind() -> None:
    driver, index = a_script(P.ABANDONED)
    stop = driver._last_command
    driver.take_over()
    driver.start(index)
    assert driver.of(fx.TerminateProcess) == [fx.TerminateProcess(index)]
    driver.exit(index, signal=15)
    assert driver.states(index) == ("UNKNOWN", "TERMINATED")
    assert driver.ack(stop) == fx.AckCommand(stop, True)


# Configuring.


def test_one_that_was_perhaps_never_told_to_configure_is_told_when_its_time_is_over() -> None:
    driver, index = a_script(P.CONFIGURING)
    driver.take_over()
    driver.expire(index)
    (asked,) = driver.of(fx.ConfigureScript)
    assert asked.index == index
    driver.report(index, S.CONFIGURED)
    assert driver.phase(index) is P.SETTLING


def test_one_that_does_not_configure_then_either_has_failed() -> None:
    driver, index = a_script(P.CONFIGURING)
    driver.take_over()
    driver.expire(index)
    driver.expire(index)
    driver.exit(index, signal=15)
    assert driver.states(index) == ("UNCONFIGURED", "CONFIGURE_FAILED")
    assert driver.model.reason(index) == "not configured within 60 s"


def test_one_that_was_configured_meanwhile_goes_on() -> None:
    driver, index = a_script(P.CONFIGURING)
    driver.take_over()
    driver.report(index, S.CONFIGURED)
    assert driver.phase(index) is P.SETTLING
    assert not driver.all_of(fx.ConfigureScript)[1:]


def test_one_that_refuses_because_it_is_configured_is_configured() -> None:
    driver, index = a_script(P.CONFIGURING)
    driver.take_over()
    driver.expire(index)
    driver.answer(
        index, accepted=False, text="Failed: Cannot configure: state=CONFIGURED instead of UNCONFIGURED"
    )
    assert driver.phase(index) is P.SETTLING
    assert driver.states(index) == ("CONFIGURED", "CONFIGURED")


@pytest.mark.parametrize(
    "text",
    [
        "Cannot configure: state=CONFIGURE_FAILED instead of UNCONFIGURED",
        "Cannot configure: state=RUNNING instead of UNCONFIGURED",
        "Cannot configure: it is being configured already",
        "the mount is not CONFIGURED",
    ],
)
@pytest.mark.parametrize("is_taken_over", [False, True])
def test_no_other_refusal_is_taken_for_that(text: str, is_taken_over: bool) -> None:
    driver, index = a_script(P.CONFIGURING)
    if is_taken_over:
        driver.take_over()
        driver.expire(index)
    driver.answer(index, accepted=False, text=text)
    assert driver.phase(index) is P.LEAVING


def test_one_that_ended_by_its_own_word_meanwhile_is_history() -> None:
    driver, index = a_script(P.CONFIGURING)
    driver.take_over()
    driver.exit(index, 1, while_away=True)
    driver.report(index, S.CONFIGURE_FAILED, reason="az: 400")
    assert driver.states(index) == ("CONFIGURE_FAILED", "CONFIGURE_FAILED")
    assert driver.model.reason(index) == "az: 400"
    assert not driver.of(fx.LaunchProcess)
