# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stopping scripts: how each is stopped, and what waits meanwhile."""

from __future__ import annotations

import pytest

from lsst.ts.scriptqueue.core import commands as cmd
from lsst.ts.scriptqueue.core import effects as fx
from lsst.ts.scriptqueue.core.limits import MAX_LISTED
from lsst.ts.scriptqueue.core.phases import Phase
from lsst.ts.scriptqueue.core.states import ScriptState

from .builders import a_script
from .driver import Driver

S = ScriptState

#: Phase -> what a gentle stop does in it.
GENTLE: dict[Phase, type[fx.StopScript] | type[fx.TerminateProcess] | None] = {
    Phase.LAUNCHING: None,
    Phase.ABANDONED: None,
    Phase.LOADING: fx.TerminateProcess,
    Phase.CONFIGURING: fx.TerminateProcess,
    Phase.SETTLING: fx.TerminateProcess,
    Phase.CONFIGURED: fx.TerminateProcess,
    Phase.NAMING: fx.TerminateProcess,
    Phase.NAMED: fx.TerminateProcess,
    Phase.UNNAMING: fx.TerminateProcess,
    Phase.ENTERING: fx.TerminateProcess,
    Phase.STRAYING: None,
    Phase.DROPPING: None,
    Phase.LOST_WAITING: None,
    Phase.STARTING: fx.StopScript,
    Phase.RUNNING: fx.StopScript,
    Phase.RECALLED: fx.StopScript,
    Phase.STOPPING: None,
    Phase.KILLING: None,
    Phase.BREAKING: fx.TerminateProcess,
    Phase.GIVING_UP: fx.TerminateProcess,
    Phase.LOST_RUNNING: None,
    Phase.LOST_STOPPING: None,
    Phase.FAILED: None,
    Phase.FAILED_GONE: None,
    Phase.LEAVING: None,
    Phase.GONE: None,
    Phase.LOST_AWAY: None,
    Phase.POSTPONED: None,
    Phase.DOUBTED: fx.StopScript,
}

#: Phases in which ending at once sends something.
ENDED_AT_ONCE = {phase for phase, does in GENTLE.items() if does} | {
    Phase.STRAYING,
    Phase.STOPPING,
    Phase.FAILED,
}


@pytest.mark.parametrize("phase", list(Phase))
def test_a_gentle_stop_lets_clean_up_who_runs_and_ends_who_waits(phase: Phase) -> None:
    driver, index = a_script(phase)
    driver.stop(index)
    sent = [effect for effect in driver.last if isinstance(effect, fx.StopScript | fx.TerminateProcess)]
    does = GENTLE[phase]
    assert [type(effect) for effect in sent] == ([does] if does else [])


@pytest.mark.parametrize("phase", list(Phase))
def test_ending_at_once_asks_nobody(phase: Phase) -> None:
    driver, index = a_script(phase)
    driver.stop(index, terminate=True)
    sent = [effect for effect in driver.last if isinstance(effect, fx.StopScript | fx.TerminateProcess)]
    assert sent == ([fx.TerminateProcess(index)] if phase in ENDED_AT_ONCE else [])


@pytest.mark.parametrize(
    ("indices", "says"),
    [
        ((), "none"),
        ((7, 100_050), "unknown ones"),
        ((100_000,), "one that has ended"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_there_may_be_nothing_to_stop(indices: tuple[int, ...], says: str) -> None:
    driver, _ = a_script(Phase.GONE)
    driver.done(cmd.StopScripts(indices))
    assert not driver.of(fx.ReportInProgress)


def test_the_queue_is_told_when_the_stop_is_done_and_not_when_it_is_asked() -> None:
    driver, index = a_script(Phase.CONFIGURED)
    driver.stop(index)
    assert driver.of(fx.PublishQueue) == []
    driver.exit(index)
    (told,) = driver.of(fx.PublishQueue)
    assert (told.view.waiting, told.view.past) == ((), (index,))


def test_the_queue_is_told_even_if_there_was_nothing_to_stop() -> None:
    driver, ended = a_script(Phase.GONE)
    driver.stop(ended)
    assert [told.force for told in driver.of(fx.PublishQueue)] == [True]


def test_unknown_and_ended_ones_are_skipped_and_twice_is_once() -> None:
    driver, ended = a_script(Phase.GONE)
    index = driver.add()
    driver.start(index)
    driver.stop(7, ended, index, index)
    assert driver.of(fx.TerminateProcess) == [fx.TerminateProcess(index)]
    driver.exit(index)
    assert driver.ack() == fx.AckCommand(2 + 1, True)


@pytest.mark.parametrize(
    ("phase", "terminate", "limit_s"),
    [
        pytest.param(Phase.RUNNING, False, 67, id="who runs may take the time to clean up, and to be killed"),
        pytest.param(Phase.RUNNING, True, 7, id="who is ended at once takes the time to be killed"),
        pytest.param(Phase.CONFIGURED, False, 7, id="who waits takes the time to be killed"),
        pytest.param(Phase.STRAYING, False, 67, id="who runs unbidden is given its time"),
        pytest.param(Phase.STOPPING, False, 67, id="who is stopping already, too"),
        pytest.param(Phase.KILLING, False, 7, id="who is being killed already takes that time only"),
    ],
)
def test_the_client_is_told_how_long_it_may_take(phase: Phase, terminate: bool, limit_s: float) -> None:
    driver, index = a_script(phase)
    command = driver.stop(index, terminate=terminate)
    (told,) = driver.of(fx.ReportInProgress)
    assert (told.command_id, told.timeout_s) == (command, limit_s)
    assert driver.ack() is None


def test_a_failed_script_beside_does_not_make_the_stop_longer() -> None:
    driver, failed = a_script(Phase.FAILED_GONE)
    waiting = driver.add()
    driver.start(waiting)
    driver.stop(failed, waiting)
    (told,) = driver.of(fx.ReportInProgress)
    assert told.timeout_s == 7


def test_the_stop_is_answered_when_all_have_ended_not_when_their_processes_have_gone() -> None:
    driver, index = a_script(Phase.STOPPING)
    driver.report(index, S.STOPPED)
    assert driver.phase(index) is Phase.LEAVING
    ack = driver.ack()
    assert ack is not None
    assert ack.accepted


def test_all_are_stopped_at_once() -> None:
    driver = Driver()
    first = driver.add_running()
    waiting = [driver.add_configured() for _ in range(3)]
    driver.stop(first, *waiting)
    assert driver.of(fx.StopScript)
    assert [effect.index for effect in driver.of(fx.TerminateProcess)] == waiting


def test_nothing_takes_the_place_of_a_stopped_one_until_all_named_are_down() -> None:
    driver = Driver()
    first = driver.add_running()
    second = driver.add_configured()
    third = driver.add_configured()
    command = driver.stop(first, second)
    driver.answer(third)
    driver.report(first, S.STOPPING, S.STOPPED)
    assert driver.queue.current == 0
    assert driver.phase(third) is Phase.NAMED
    assert driver.ack(command) is None
    driver.exit(second, signal=15)
    assert driver.ack(command) is not None
    assert driver.phase(third) is Phase.STARTING


def test_no_named_one_starts_meanwhile() -> None:
    driver = Driver()
    first = driver.add_running()
    second = driver.add_configured()
    driver.answer(second)
    driver.stop(first, second)
    assert [effect.index for effect in driver.of(fx.PublishNextVisitCanceled)] == [second]
    driver.report(first, S.STOPPED)
    assert driver.phase(second) is Phase.DROPPING


def test_stopping_who_waits_holds_nobody_up() -> None:
    driver = Driver()
    first = driver.add_running()
    second = driver.add_configured()
    third = driver.add_configured()
    driver.stop(second)
    driver.answer(third)
    driver.finish(first)
    assert driver.phase(second) is Phase.DROPPING
    assert driver.phase(third) is Phase.STARTING


def test_two_stops_at_a_time_hold_until_both_are_done() -> None:
    driver = Driver()
    first = driver.add_running()
    second, third, fourth = (driver.add_configured() for _ in range(3))
    one = driver.stop(first, second)
    two = driver.stop(first, third)
    driver.answer(fourth)
    driver.report(first, S.STOPPED)
    driver.exit(second, signal=15)
    assert driver.ack(one) is not None
    assert driver.ack(two) is None
    assert driver.phase(fourth) is Phase.NAMED
    driver.exit(third, signal=15)
    assert driver.ack(two) is not None
    assert driver.phase(fourth) is Phase.STARTING


def test_a_second_stop_may_end_at_once_who_is_stopping() -> None:
    driver, index = a_script(Phase.STOPPING)
    one = driver._last_command
    two = driver.stop(index, terminate=True)
    assert driver.of(fx.TerminateProcess) == [fx.TerminateProcess(index)]
    driver.exit(index, signal=15)
    assert driver.ack(one) is not None
    assert driver.ack(two) is not None


def test_stopping_a_failed_one_leaves_the_queue_paused() -> None:
    driver, failed = a_script(Phase.FAILED)
    follower = driver.add_configured()
    driver.done(cmd.StopScripts((failed,)))
    assert driver.queue.past == (failed,)
    assert not driver.queue.running
    assert driver.phase(follower) is Phase.CONFIGURED
    driver.resume()
    driver.answer(follower)
    assert driver.phase(follower) is Phase.STARTING


def test_a_failed_one_holds_no_place_for_those_stopped_with_it() -> None:
    driver, failed = a_script(Phase.FAILED)
    waiting = driver.add_configured()
    follower = driver.add_configured()
    driver.stop(failed, waiting)
    driver.resume()
    driver.answer(follower)
    assert driver.phase(waiting) is Phase.DROPPING
    assert driver.phase(follower) is Phase.STARTING


def test_whoever_is_named_twice_is_ended_once() -> None:
    driver, failed = a_script(Phase.FAILED)
    driver.stop(failed, failed, terminate=True)
    assert driver.of(fx.TerminateProcess) == [fx.TerminateProcess(failed)]


def test_stopping_does_not_pause() -> None:
    driver, index = a_script(Phase.RUNNING)
    driver.stop(index)
    driver.report(index, S.STOPPED)
    assert driver.queue.running


def test_four_hundred_at_once() -> None:
    driver = Driver()
    first = driver.add_running()
    waiting = [driver.add_configured() for _ in range(MAX_LISTED - 1)]
    command = driver.stop(first, *waiting)
    assert len(driver.of(fx.TerminateProcess)) == MAX_LISTED - 1
    assert len(driver.of(fx.ReportInProgress)) == 1
    for index in reversed(waiting):
        driver.exit(index, signal=15)
    assert driver.ack(command) is None
    driver.report(first, S.STOPPED)
    assert driver.ack(command) is not None
    driver.exit(first)
    assert driver.queue.past[0] == first
    assert len(driver.queue.past) == MAX_LISTED


def test_a_stray_script_holds_up_the_next_one_until_it_is_down() -> None:
    """Two scripts would move the same hardware."""
    driver = Driver()
    stray = driver.add_configured()
    follower = driver.add_configured()
    driver.report(stray, S.RUNNING)
    driver.answer(follower)
    assert driver.phase(follower) is Phase.NAMED
    driver.expire(stray)
    assert driver.phase(stray) is Phase.DROPPING
    assert driver.phase(follower) is Phase.NAMED, "being killed, it may still move something"
    driver.exit(stray, signal=9)
    assert driver.phase(follower) is Phase.STARTING
