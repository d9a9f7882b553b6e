# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""How scripts end: what is written of them, and what the queue does next.

Every row brings a script into a phase, lets something happen to it, and says
how it ends: script state, process state, whether it keeps its place (and so
pauses the queue), and what its reason must say.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from lsst.ts.scriptqueue.core import commands as cmd
from lsst.ts.scriptqueue.core import effects as fx
from lsst.ts.scriptqueue.core.phases import Phase
from lsst.ts.scriptqueue.core.states import ScriptState

from .builders import a_script
from .driver import Driver

S = ScriptState
Step = Callable[[Driver, int], None]


def reports(*states: ScriptState, reason: str = "") -> Step:
    return lambda driver, index: driver.report(index, *states, reason=reason)


def exits(exit_code: int | None = 0, signal: int | None = None, output_tail: str = "") -> Step:
    return lambda driver, index: driver.exit(index, exit_code, signal=signal, output_tail=output_tail)


def refuses(text: str = "no") -> Step:
    return lambda driver, index: driver.answer(index, accepted=False, text=text)


def stopped(terminate: bool = False) -> Step:
    def step(driver: Driver, index: int) -> None:
        driver.stop(index, terminate=terminate)

    return step


def expires(driver: Driver, index: int) -> None:
    driver.expire(index)


def starts(driver: Driver, index: int) -> None:
    driver.start(index)


def launch_fails(driver: Driver, index: int) -> None:
    driver.fail_launch(index)


@dataclass(frozen=True)
class Row:
    says: str
    phase: Phase
    steps: tuple[Step, ...]
    ends: tuple[str, str]
    reason: str = ""
    stays: bool = False


P = Phase
ROWS = [
    # Running scripts.
    Row("done", P.RUNNING, (reports(S.ENDING, S.DONE), exits(0)), ("DONE", "DONE")),
    Row("done, then a crash at exit: it was done", P.RUNNING, (reports(S.DONE), exits(1)), ("DONE", "DONE")),
    Row(
        "stopped by somebody else",
        P.RUNNING,
        (reports(S.STOPPING, S.STOPPED, reason="by hand"), exits(0)),
        ("STOPPED", "DONE"),
        "by hand",
    ),
    Row(
        "failed: stays, with what it said",
        P.RUNNING,
        (reports(S.FAILING, S.FAILED, reason="no star"), exits(1)),
        ("FAILED", "DONE"),
        "no star",
        stays=True,
    ),
    Row(
        "failed: what it printed last is part of the reason",
        P.RUNNING,
        (reports(S.FAILED, reason="no star"), exits(1, output_tail="Traceback")),
        ("FAILED", "DONE"),
        "no star; it printed last: Traceback",
        stays=True,
    ),
    Row(
        "killed by a signal that nobody here sent: failed",
        P.RUNNING,
        (exits(signal=9), expires),
        ("FAILED", "DONE"),
        "its process ended by itself with signal 9",
        stays=True,
    ),
    Row(
        "terminated by a signal that nobody here sent: failed",
        P.RUNNING,
        (exits(signal=15), expires),
        ("FAILED", "DONE"),
        "its process ended by itself with signal 15",
        stays=True,
    ),
    Row(
        "exits with code 0 but no final state: failed",
        P.RUNNING,
        (exits(0), expires),
        ("FAILED", "DONE"),
        "its process ended by itself with exit code 0",
        stays=True,
    ),
    Row(
        "exits while cleaning up: failed",
        P.RUNNING,
        (reports(S.ENDING), exits(1, output_tail="bus error"), expires),
        ("FAILED", "DONE"),
        "its process ended by itself with exit code 1; it printed last: bus error",
        stays=True,
    ),
    Row(
        "its exit overtakes its last word: done",
        P.RUNNING,
        (exits(0), reports(S.ENDING, S.DONE)),
        ("DONE", "DONE"),
    ),
    Row(
        "its exit overtakes its last word: failed, and its own reason is told",
        P.RUNNING,
        (exits(1, output_tail="Traceback"), reports(S.FAILED, reason="no star")),
        ("FAILED", "DONE"),
        "no star; it printed last: Traceback",
        stays=True,
    ),
    Row(
        "its last word comes too late: it stays failed",
        P.RUNNING,
        (exits(0), expires, reports(S.DONE)),
        ("FAILED", "DONE"),
        "ended by itself",
        stays=True,
    ),
    Row(
        "a final state nobody expects of a running script still ends it",
        P.RUNNING,
        (reports(S.CONFIGURE_FAILED, reason="odd"), exits(1)),
        ("CONFIGURE_FAILED", "DONE"),
        "odd",
        stays=True,
    ),
    # Scripts told to run.
    Row(
        "refuses to run: failed",
        P.STARTING,
        (refuses("Cannot run"), expires, exits(signal=15)),
        ("FAILED", "DONE"),
        "refused to run: Cannot run",
        stays=True,
    ),
    Row(
        "says nothing after run: failed",
        P.STARTING,
        (expires, expires, exits(signal=9)),
        ("FAILED", "DONE"),
        "did not report RUNNING within 60 s",
        stays=True,
    ),
    Row(
        "the refusal of run overtakes the failure that it tells of",
        P.STARTING,
        (refuses("Failed: no star"), reports(S.RUNNING, S.FAILING, S.FAILED, reason="no star"), exits(1)),
        ("FAILED", "DONE"),
        "no star",
        stays=True,
    ),
    Row(
        "does not start to run, stopped: ended on request",
        P.BREAKING,
        (stopped(), exits(signal=15)),
        ("CONFIGURED", "TERMINATED"),
        "stopped on request",
    ),
    Row(
        "is done before RUNNING was heard",
        P.STARTING,
        (reports(S.DONE), exits(0)),
        ("DONE", "DONE"),
    ),
    # Stopped while running.
    Row(
        "stopped gently: ended well",
        P.RUNNING,
        (stopped(), reports(S.STOPPING, S.STOPPED), exits(0)),
        ("STOPPED", "DONE"),
        "stopped on request",
    ),
    Row(
        "stopped while paused at a checkpoint: gently, too",
        P.RUNNING,
        (reports(S.PAUSED), stopped(), reports(S.STOPPING, S.STOPPED), exits(0)),
        ("STOPPED", "DONE"),
        "stopped on request",
    ),
    Row(
        "stopped as soon as it was told to run",
        P.STARTING,
        (stopped(), reports(S.RUNNING, S.STOPPING, S.STOPPED), exits(0)),
        ("STOPPED", "DONE"),
        "stopped on request",
    ),
    Row(
        "stopped, fails in its cleanup: nothing pauses",
        P.RUNNING,
        (stopped(), reports(S.FAILING, S.FAILED, reason="door stuck"), exits(1)),
        ("FAILED", "DONE"),
        "door stuck",
    ),
    Row(
        "stopped, is done first: that is what it says",
        P.RUNNING,
        (stopped(), reports(S.ENDING, S.DONE), exits(0)),
        ("DONE", "DONE"),
    ),
    Row(
        "stopped, exits without a word: ended on request",
        P.RUNNING,
        (stopped(), exits(1), expires),
        ("RUNNING", "TERMINATED"),
        "stopped on request",
    ),
    Row(
        "stopped, exits, and its last word is late",
        P.RUNNING,
        (stopped(), exits(0), reports(S.STOPPING, S.STOPPED)),
        ("STOPPED", "DONE"),
        "stopped on request",
    ),
    Row(
        "does not stop in time: killed",
        P.RUNNING,
        (stopped(), reports(S.STOPPING), expires, exits(signal=9)),
        ("STOPPING", "TERMINATED"),
        "stopped on request; no final state within 60 s of the stop command",
    ),
    Row(
        "ended at once",
        P.RUNNING,
        (stopped(terminate=True), exits(signal=15)),
        ("RUNNING", "TERMINATED"),
        "stopped on request",
    ),
    Row(
        "stopped gently, then ended at once",
        P.RUNNING,
        (stopped(), stopped(terminate=True), exits(signal=15)),
        ("RUNNING", "TERMINATED"),
        "stopped on request",
    ),
    Row(
        "its process had ended unasked when it was stopped",
        P.LOST_RUNNING,
        (stopped(),),
        ("FAILED", "DONE"),
        "its process ended by itself with signal 9; stopped on request",
    ),
    Row(
        "stopped when it had failed: to the history",
        P.FAILED,
        (stopped(), exits(1)),
        ("FAILED", "DONE"),
        "no star found; stopped on request",
    ),
    Row(
        "stopped when it had failed and gone: to the history",
        P.FAILED_GONE,
        (stopped(terminate=True),),
        ("FAILED", "DONE"),
        "no star found; stopped on request",
    ),
    # Waiting scripts.
    Row(
        "cannot be started",
        P.LAUNCHING,
        (launch_fails,),
        ("UNKNOWN", "LOADFAILED"),
        "cannot be executed: Exec format error",
    ),
    Row(
        "stopped before its process was started",
        P.LAUNCHING,
        (stopped(), starts, exits(signal=15)),
        ("UNKNOWN", "TERMINATED"),
        "stopped on request",
    ),
    Row(
        "stopped before its process could not be started",
        P.LAUNCHING,
        (stopped(), launch_fails),
        ("UNKNOWN", "TERMINATED"),
        "stopped on request; cannot be executed: Exec format error",
    ),
    Row(
        "ends while loading",
        P.LOADING,
        (exits(1, output_tail="ImportError"), expires),
        ("UNKNOWN", "LOADFAILED"),
        "its process ended by itself with exit code 1; it printed last: ImportError",
    ),
    Row(
        "does not load in time: what it printed last is part of the reason",
        P.LOADING,
        (expires, exits(signal=15, output_tail="waiting for a lock")),
        ("UNKNOWN", "LOADFAILED"),
        "not loaded within 300 s; it printed last: waiting for a lock",
    ),
    Row(
        "reports that it does not know its state: that is no state",
        P.LOADING,
        (reports(S.UNKNOWN), expires, exits(signal=15)),
        ("UNKNOWN", "LOADFAILED"),
        "not loaded within 300 s",
    ),
    Row(
        "cannot be configured",
        P.CONFIGURING,
        (reports(S.CONFIGURE_FAILED, reason="az: 400 is more than 360"), exits(1)),
        ("CONFIGURE_FAILED", "CONFIGURE_FAILED"),
        "az: 400 is more than 360",
    ),
    Row(
        "refuses to be configured before it reports that it could not",
        P.CONFIGURING,
        (refuses("Failed"), reports(S.CONFIGURE_FAILED, reason="az: 400"), exits(1)),
        ("CONFIGURE_FAILED", "CONFIGURE_FAILED"),
        "az: 400",
    ),
    Row(
        "refuses to be configured and says no more",
        P.CONFIGURING,
        (refuses("Failed: no such component"), expires, exits(signal=15)),
        ("UNCONFIGURED", "CONFIGURE_FAILED"),
        "refused to be configured: Failed: no such component",
    ),
    Row(
        "does not configure in time",
        P.CONFIGURING,
        (expires, exits(signal=15)),
        ("UNCONFIGURED", "CONFIGURE_FAILED"),
        "not configured within 60 s",
    ),
    Row(
        "ends while configuring: its last word is heard",
        P.CONFIGURING,
        (exits(1), reports(S.CONFIGURE_FAILED, reason="az: 400")),
        ("CONFIGURE_FAILED", "CONFIGURE_FAILED"),
        "az: 400",
    ),
    Row(
        "ends while it waits, configured: failed, but nothing pauses",
        P.CONFIGURED,
        (exits(signal=9), expires),
        ("FAILED", "DONE"),
        "its process ended by itself with signal 9",
    ),
    Row(
        "ends while next in line: failed, but nothing pauses",
        P.NAMED,
        (exits(signal=11), expires),
        ("FAILED", "DONE"),
        "its process ended by itself with signal 11",
    ),
    Row(
        "stopped while it waits",
        P.CONFIGURED,
        (stopped(), exits(signal=15)),
        ("CONFIGURED", "TERMINATED"),
        "stopped on request",
    ),
    Row(
        "stopped while next in line",
        P.NAMED,
        (stopped(), exits(signal=15)),
        ("CONFIGURED", "TERMINATED"),
        "stopped on request",
    ),
    Row(
        "would not take its group id, twice",
        P.NAMING,
        (refuses(), refuses("still no"), exits(signal=15)),
        ("CONFIGURED", "TERMINATED"),
        "would not take or give back a group id twice: still no",
    ),
    Row(
        "does not answer when given a group id, twice",
        P.NAMING,
        (expires, expires, exits(signal=15)),
        ("CONFIGURED", "TERMINATED"),
        "no answer within 10 s",
    ),
    Row(
        "does not give its group id back, twice",
        P.UNNAMING,
        (refuses(), expires, exits(signal=15)),
        ("CONFIGURED", "TERMINATED"),
        "no answer within 10 s",
    ),
    Row(
        "runs without having been told to: stopped",
        P.CONFIGURED,
        (reports(S.RUNNING, reason="hello"), reports(S.STOPPING, S.STOPPED), exits(0)),
        ("STOPPED", "DONE"),
        "it ran without having been told to",
    ),
    Row(
        "runs without having been told to, and does not stop: killed",
        P.SETTLING,
        (reports(S.RUNNING), expires, exits(signal=9)),
        ("RUNNING", "TERMINATED"),
        "it ran without having been told to; no final state within 60 s of the stop command",
    ),
    Row(
        "runs without having been told to, and is told to stop by a client, too",
        P.STRAYING,
        (stopped(), reports(S.STOPPED), exits(0)),
        ("STOPPED", "DONE"),
        "it ran without having been told to; stopped on request",
    ),
    Row(
        "what it says on its way is no reason for its end",
        P.RUNNING,
        (reports(S.RUNNING, reason="at checkpoint 2"), reports(S.STOPPED), exits(0)),
        ("STOPPED", "DONE"),
        "",
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.phase.name}: {row.says}")
def test_how_a_script_ends(row: Row) -> None:
    driver, index = a_script(row.phase)
    paused_before = not driver.queue.running
    for step in row.steps:
        step(driver, index)

    assert driver.states(index) == row.ends
    reason = driver.model.reason(index)
    assert (row.reason in reason) if row.reason else reason == "", reason
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
    assert pause.text == f"{index} failed: no star"
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
