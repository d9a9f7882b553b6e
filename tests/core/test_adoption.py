# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of scripts and commands when the queue is torn away and started again."""

from __future__ import annotations

import pytest

from lsst.ts.scriptqueue.core import commands as cmd
from lsst.ts.scriptqueue.core import effects as fx
from lsst.ts.scriptqueue.core import events as ev
from lsst.ts.scriptqueue.core.phases import TIMER, Phase
from lsst.ts.scriptqueue.core.states import Location, ScriptState

from .builders import a_script
from .driver import Driver, pid_of
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
    P.STOPPING: (P.STOPPING, [fx.StopScript]),
    P.KILLING: (P.KILLING, [fx.TerminateProcess]),
    P.BREAKING: (P.BREAKING, [fx.TerminateProcess]),
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
    driver.stop(index, terminate=True)
    if driver.phase(index) is P.ABANDONED:
        driver.start(index)
    if driver.watcher.script(index).process:
        driver.exit(index, signal=15)
    assert driver.phase(index) is P.GONE
    ack = driver.ack()
    assert ack is not None
    assert ack.accepted


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
