# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is observed of scripts that live: shown, told to the log once, and followed by what the limits say."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from lsst.ts.scriptqueue.core import effects as fx
from lsst.ts.scriptqueue.core import events as ev
from lsst.ts.scriptqueue.core.concerns import CONCERN_PHASES, Concern
from lsst.ts.scriptqueue.core.encoding import decode, encode
from lsst.ts.scriptqueue.core.limits import Reaction, Supervision
from lsst.ts.scriptqueue.core.phases import READY_PHASES, Phase
from lsst.ts.scriptqueue.core.states import ScriptState

from .builders import a_script
from .driver import START_TAI, Driver, pid_of
from .three_slots import a_driver, waits_for

S = ScriptState
Deed = Callable[[Driver, int], None]

#: Long enough for what takes 30 s to be overdue, by the limits of every test here.
LATE_S = 100.0


def silent(driver: Driver, index: int) -> None:
    driver.fall_silent(index)


def unheard(driver: Driver, index: int) -> None:
    driver.fall_silent(index, was_heard=False)


def overdue(driver: Driver, index: int) -> None:
    driver.tick(LATE_S)
    driver.run_over(index)


#: Phases that are not reached where silence is only shown, or where there is only main.
SPECIAL = frozenset({Phase.ENTERING, Phase.RECALLED, Phase.GIVING_UP})

#: Concern -> what makes it arise, what puts an end to it, and how its words begin.
OBSERVED: dict[Concern, tuple[Deed, Deed | None, str]] = {
    Concern.STOPPED: (Driver.freeze, Driver.thaw, "its process is stopped since 03:"),
    Concern.SILENT: (silent, Driver.hear, "silent since 03:"),
    Concern.OVERDUE: (overdue, None, "overdue since 03:"),
}


def logged(driver: Driver) -> list[str]:
    return [effect.text for effect in driver.of(fx.WriteLog)]


@pytest.mark.parametrize("phase", list(Phase))
@pytest.mark.parametrize("concern", list(Concern))
def test_a_concern_is_shown_in_the_phases_for_it_and_in_no_other(concern: Concern, phase: Phase) -> None:
    arises, ends, words = OBSERVED[concern]
    driver, index = a_script(
        phase, None if phase in SPECIAL else Driver(supervision=Supervision(), relaunches=1)
    )
    driver.hear(index)
    arises(driver, index)
    shown = driver.model.script(index).concern
    if phase not in CONCERN_PHASES[concern]:
        assert shown == ""
        assert driver.last == []
        return
    assert shown.startswith(words)
    assert [effect.view.concern for effect in driver.of(fx.PublishScript)] == [shown]
    assert logged(driver) == [f"script {index} (slew.py): {shown}"]
    assert driver.phase(index) is phase
    arises(driver, index)
    assert driver.last == [], "what is known is not told again"
    if ends is not None:
        ends(driver, index)
        assert [effect.view.concern for effect in driver.of(fx.PublishScript)] == [""]
        assert driver.of(fx.WriteLog)[0].level is fx.LogLevel.INFO
        ends(driver, index)
        assert driver.last == []


def test_a_concern_goes_with_the_end_of_the_script() -> None:
    driver, index = a_script(Phase.RUNNING, Driver(supervision=Supervision()))
    driver.freeze(index)
    driver.fall_silent(index)
    overdue(driver, index)
    driver.report(index, S.ENDING, S.DONE)
    assert driver.model.script(index).concern == ""
    assert "silent since" in driver.model.story(index), "the story keeps it"


def test_a_process_that_is_stopped_is_silent_for_that_reason() -> None:
    driver, index = a_script(Phase.RUNNING, Driver(supervision=Supervision()))
    driver.freeze(index)
    shown = driver.model.script(index).concern
    driver.fall_silent(index)
    assert driver.model.script(index).concern == shown
    assert logged(driver) == []
    driver.thaw(index)
    assert driver.model.script(index).concern == "", "whether it is silent is observed anew"
    assert logged(driver) == [
        f"script {index} (slew.py): its process goes on, and its heartbeats are waited for anew"
    ]
    driver.hear(index)
    assert driver.last == [], "of its silence nothing was told, so of its end nothing is"
    driver.fall_silent(index)
    assert driver.model.script(index).concern.startswith("silent since")
    assert len(logged(driver)) == 1


def test_nobody_is_concerned_about_a_script_that_there_is_not() -> None:
    driver, _ = a_script(Phase.RUNNING)
    for concern, (arises, ends, _) in OBSERVED.items():
        arises(driver, 7)
        assert driver.last == [], concern
        if ends is not None:
            ends(driver, 7)


@dataclass(frozen=True)
class Row:
    """What a running script does, and what comes of it."""

    says: str
    reaction: Reaction
    deeds: tuple[Deed, ...]
    ends: tuple[str, str]
    phase: Phase
    stays: bool = False
    was_stopped: bool = False


def stops(driver: Driver, index: int) -> None:
    driver.report(index, S.STOPPING, S.STOPPED)
    driver.exit(index)


def time_is_over(driver: Driver, index: int) -> None:
    driver.expire(index)


def is_killed(driver: Driver, index: int) -> None:
    driver.exit(index, signal=9)


def ends_well(driver: Driver, index: int) -> None:
    driver.report(index, S.ENDING, S.DONE)
    driver.exit(index)


ROWS = [
    Row("by default it is only shown", Reaction.SHOW, (silent,), ("RUNNING", "RUNNING"), Phase.RUNNING, True),
    Row(
        "it is told to stop, and does: the slot goes on",
        Reaction.STOP,
        (silent, stops),
        ("STOPPED", "DONE"),
        Phase.GONE,
        was_stopped=True,
    ),
    Row(
        "it is told to stop, and does not hear it: it is ended, and counts as failed",
        Reaction.STOP,
        (silent, time_is_over, is_killed),
        ("FAILED", "DONE"),
        Phase.FAILED_GONE,
        True,
        True,
    ),
    Row(
        "it is told to stop, and has just done well",
        Reaction.STOP,
        (overdue, ends_well),
        ("DONE", "DONE"),
        Phase.GONE,
        was_stopped=True,
    ),
    Row(
        "it is told to stop, and dies of something else",
        Reaction.STOP,
        (silent, is_killed, time_is_over),
        ("FAILED", "DONE"),
        Phase.FAILED_GONE,
        True,
        True,
    ),
    Row(
        "it is ended, and counts as failed",
        Reaction.TERMINATE,
        (overdue, is_killed),
        ("FAILED", "DONE"),
        Phase.FAILED_GONE,
        True,
    ),
    Row(
        "one that only a new service has not heard is not ended",
        Reaction.TERMINATE,
        (unheard,),
        ("RUNNING", "RUNNING"),
        Phase.RUNNING,
        True,
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.says)
def test_what_comes_of_it(row: Row) -> None:
    limits = Supervision(on_silence=row.reaction, on_overtime=row.reaction)
    driver, index = a_script(Phase.RUNNING, Driver(supervision=limits))
    for deed in row.deeds:
        deed(driver, index)
    assert driver.phase(index) is row.phase
    assert driver.states(index) == row.ends
    assert (driver.queue.current == index) is row.stays
    assert driver.queue.running is (row.phase is not Phase.FAILED_GONE)
    assert bool(driver.all_of(fx.StopScript)) is row.was_stopped
    if row.phase is Phase.FAILED_GONE:
        assert "as the supervision is configured (on_" in driver.model.reason(index), "it says who did it"
        assert "since 03:" in driver.model.reason(index), "and what was wrong"


@pytest.mark.parametrize(
    ("deed", "setting", "what"),
    [
        pytest.param(silent, "on_silence", "silent since 03:", id="silent"),
        pytest.param(overdue, "on_overtime", "overdue since 03:", id="overdue"),
    ],
)
@pytest.mark.parametrize(
    ("reaction", "done"),
    [
        (Reaction.STOP, "told to stop, as the supervision is configured"),
        (Reaction.TERMINATE, "ended, as the supervision is configured"),
    ],
)
def test_what_is_done_about_it_is_told_to_the_log(
    deed: Deed, setting: str, what: str, reaction: Reaction, done: str
) -> None:
    limits: dict[str, Any] = {setting: reaction}
    driver, index = a_script(Phase.RUNNING, Driver(supervision=Supervision(**limits)))
    deed(driver, index)
    shown, said = logged(driver)
    assert shown.startswith(f"script {index} (slew.py): {what}")
    concern = shown.partition("): ")[2]
    assert said == f"script {index} (slew.py) is {done} ({setting}: {reaction.value}): {concern}"


def test_whoever_waits_is_never_ended_for_its_silence() -> None:
    driver, index = a_script(Phase.CONFIGURED, Driver(supervision=Supervision(on_silence=Reaction.TERMINATE)))
    driver.fall_silent(index)
    assert driver.phase(index) is Phase.CONFIGURED
    assert driver.model.script(index).concern.startswith("silent since")


def test_a_process_that_is_stopped_is_not_told_to_run() -> None:
    driver = Driver(supervision=Supervision())
    runs, head, behind = driver.add_running(), driver.add_configured(), driver.add_configured()
    driver.freeze(head)
    driver.finish(runs)
    assert driver.phase(head) in READY_PHASES
    assert driver.phase(behind) is Phase.CONFIGURED, "main is strictly serial"
    assert not driver.of(fx.RunScript)
    driver.thaw(head)
    driver.answer(head)
    assert [effect.index for effect in driver.of(fx.RunScript)] == [head]


def test_where_scripts_may_be_overtaken_one_that_is_stopped_is_and_reserves_nothing() -> None:
    driver = a_driver()
    driver.pause()
    stopped = driver.add_configured(slot="utility", resources="MTMount")
    other = driver.add_configured(slot="utility", resources="MTMount")
    driver.freeze(stopped)
    driver.resume()
    assert (driver.phase(stopped), driver.phase(other)) == (Phase.CONFIGURED, Phase.ENTERING)
    assert waits_for(driver, stopped).startswith("its process is stopped since 03:")
    assert waits_for(driver, stopped).endswith(f"kill -CONT {pid_of(stopped)}")


def test_who_cannot_hear_that_it_is_next_is_not_ended_for_that() -> None:
    driver, index = a_script(Phase.NAMING, Driver(supervision=Supervision()))
    driver.freeze(index)
    for _ in range(5):
        driver.expire(index)
        assert driver.phase(index) is Phase.NAMING
    driver.thaw(index)
    driver.expire(index)
    assert driver.phase(index) is Phase.NAMING, "it has a whole try once it hears"
    driver.expire(index)
    assert driver.phase(index) is Phase.DROPPING


@pytest.mark.parametrize(
    ("duration_s", "allowed_s"),
    [
        pytest.param(100.0, 300.0, id="three times as long"),
        pytest.param(10.0, 70.0, id="but a minute more, at least"),
        pytest.param(0.0, math.inf, id="it has not said how long it takes"),
        pytest.param(math.nan, math.inf, id="nor so"),
    ],
)
def test_how_long_a_script_may_run(duration_s: float, allowed_s: float) -> None:
    driver, index = a_script(Phase.NAMING)
    driver.metadata(index, duration=duration_s)
    driver.answer(index)
    driver.report(index, S.RUNNING)
    run_start_tai = driver.model.script(index).run_start_tai
    (watched,) = driver.model.supervised()
    assert watched.overdue_tai == run_start_tai + allowed_s


def test_time_in_which_it_is_paused_does_not_count() -> None:
    driver, index = a_script(Phase.RUNNING)
    (before,) = driver.model.supervised()
    driver.report(index, S.PAUSED)
    (paused,) = driver.model.supervised()
    assert paused.overdue_tai == math.inf
    driver.tick(1000.0)
    driver.run_over(index)
    assert driver.phase(index) is Phase.RUNNING, "it was observed before the pause had been heard of"
    driver.report(index, S.RUNNING)
    (after,) = driver.model.supervised()
    assert after.overdue_tai == before.overdue_tai + 1002.0


def test_who_is_supervised() -> None:
    driver, index = a_script(Phase.RUNNING)
    waits = driver.add_configured()
    driver.add()
    driver.freeze(waits)
    first, second = driver.model.supervised()
    assert (first.index, first.concerns) == (index, frozenset())
    assert (second.index, second.concerns) == (waits, frozenset({Concern.STOPPED}))
    assert first.launch_id == driver.model.processes()[index].launch_id
    assert first.origin == driver.model.processes()[index].pid


def test_what_is_wrong_is_known_after_a_restart() -> None:
    driver, index = a_script(Phase.RUNNING, Driver(supervision=Supervision()))
    driver.fall_silent(index)
    shown = driver.model.script(index).concern
    driver.take_over()
    assert [effect.view.concern for effect in driver.of(fx.PublishScript)] == [shown]
    (watched,) = driver.model.supervised()
    assert watched.concerns == {Concern.SILENT}
    driver.hear(index)
    assert driver.model.script(index).concern == ""


@pytest.mark.parametrize(
    ("kill", "words"),
    [
        (ev.MemoryKill.NOT_ASKED, ""),
        (ev.MemoryKill.CERTAIN, ": the kernel ended it because memory ran out"),
        (ev.MemoryKill.POSSIBLE, ": perhaps because memory ran out"),
        (ev.MemoryKill.RULED_OUT, ": memory has not run out, so somebody sent it"),
    ],
)
def test_who_was_killed_though_nobody_asked_is_told_whether_memory_ran_out(
    kill: ev.MemoryKill, words: str
) -> None:
    driver, index = a_script(Phase.RUNNING)
    driver.apply(ev.ProcessExited(driver.tick(), index, None, 9, "", "SIGKILL", memory_kill=kill))
    driver.expire(index)
    assert driver.model.reason(index) == f"its process ended by itself with signal SIGKILL{words}"


def test_nobody_asks_about_memory_where_the_queue_has_killed() -> None:
    driver, index = a_script(Phase.KILLING)
    kill = ev.MemoryKill.POSSIBLE
    driver.apply(ev.ProcessExited(driver.tick(), index, None, 9, "", "SIGKILL", memory_kill=kill))
    assert driver.model.reason(index) == "stopped on request"


def test_an_exit_that_an_earlier_version_has_written_can_be_read() -> None:
    written = {"at_tai": START_TAI, "index": 1, "signal": 9, "signal_name": "SIGKILL"}
    assert decode(ev.ProcessExited, written) == ev.ProcessExited(START_TAI, 1, None, 9, "", "SIGKILL")
    assert encode(ev.ProcessExited, decode(ev.ProcessExited, written)) == written
