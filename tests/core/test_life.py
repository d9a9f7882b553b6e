# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of a script: the table, the whole table and nothing but the table."""

from __future__ import annotations

import pytest

from lsst.ts.scriptqueue.core import effects as fx
from lsst.ts.scriptqueue.core import events as ev
from lsst.ts.scriptqueue.core.life import advance
from lsst.ts.scriptqueue.core.phases import (
    PLACE,
    PLACED_PHASES,
    REPORT_OF_STATE,
    TIMER,
    TRANSITIONS,
    Phase,
    Place,
    Trigger,
)
from lsst.ts.scriptqueue.core.refusals import IllegalTransition
from lsst.ts.scriptqueue.core.states import ScriptState

from .builders import a_script

PHASES = [pytest.param(phase, id=f"{phase.name} ({phase.value})") for phase in Phase]

#: Phases whose script has no process that could report.
_SPEECHLESS = {Phase.LAUNCHING, Phase.ABANDONED, Phase.POSTPONED}


@pytest.mark.parametrize("phase", PHASES)
def test_what_can_happen_in_a_phase_leads_where_the_table_says(phase: Phase) -> None:
    for trigger in Trigger:
        driver, index = a_script(phase)
        ledger = driver.model._ledger
        script = ledger.scripts[index]
        after = TRANSITIONS.get((phase, trigger))
        if after is None:
            with pytest.raises(IllegalTransition) as caught:
                advance(ledger, script, trigger)
            assert script.phase is phase
            assert f"{trigger.name} is not possible in phase {phase.name}" in str(caught.value)
            assert "added: slew.py" in str(caught.value), "an impossible event tells the story"
        else:
            advance(ledger, script, trigger, "because")
            # Metadata that came early settle a script in the same step.
            assert script.phase in (after, TRANSITIONS.get((after, Trigger.SETTLED)))
            assert f"{trigger.value}: because" in str(script.story)


@pytest.mark.parametrize("phase", PHASES)
def test_every_report_may_come_in_every_phase(phase: Phase) -> None:
    for state in ScriptState:
        driver, index = a_script(phase)
        driver.report(index, state, state)
        follows = TRANSITIONS.get((phase, REPORT_OF_STATE.get(state, Trigger.PROCESS_STARTED)))
        if phase in _SPEECHLESS or follows is None:
            assert driver.phase(index) is phase
        assert f"{state.name}" in driver.model.story(index) or driver.phase(index) is not phase


@pytest.mark.parametrize("phase", PHASES)
def test_every_answer_and_stale_time_limit_may_come_in_every_phase(phase: Phase) -> None:
    for accepted in (True, False):
        driver, index = a_script(phase)
        for request in range(1, 40):
            if (
                request not in driver.watcher.timers
                and request != driver.model._ledger.scripts[index].question
            ):
                driver.apply(ev.ScriptAnswered(driver.tick(), index, request, accepted, "late"))
                driver.apply(ev.TimerExpired(driver.tick(), index, request))
        assert driver.phase(index) is phase


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase in TIMER])
def test_a_time_limit_ends_what_does_not_come(phase: Phase) -> None:
    driver, index = a_script(phase)
    driver.expire(index)
    told = bool(driver.of(fx.TerminateProcess) or driver.of(fx.SetGroupId))
    assert driver.phase(index) is not phase or told, "something happens when a time limit expires"


def test_phases_without_time_limit_wait_for_something_that_always_comes() -> None:
    """The launcher always tells of a start and of an exit; a person or the queue itself does the rest.

    What is to be launched again waits for others that have time limits.
    """
    assert {phase for phase in Phase if phase not in TIMER} == {
        Phase.LAUNCHING,
        Phase.ABANDONED,
        Phase.POSTPONED,
        Phase.DROPPING,
        Phase.KILLING,
        Phase.GIVING_UP,
        Phase.CONFIGURED,
        Phase.NAMED,
        Phase.RUNNING,
        Phase.FAILED_GONE,
        Phase.GONE,
    }


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.GONE])
def test_no_phase_is_a_dead_end(phase: Phase) -> None:
    """From every phase, whoever is stopped is gone once its process is."""
    driver, index = a_script(phase)
    driver.end_for_good(index)


def test_a_script_never_leaves_the_history() -> None:
    for (before, _), after in TRANSITIONS.items():
        if PLACE[before] is Place.HISTORY:
            assert PLACE[after] is Place.HISTORY


def test_only_one_that_was_never_told_to_run_goes_back_from_its_place_to_waiting() -> None:
    back = {
        (before, trigger)
        for (before, trigger), after in TRANSITIONS.items()
        if PLACE[before] is Place.CURRENT and PLACE[after] is Place.WAITING
    }
    assert back == {(Phase.DOUBTED, Trigger.NAME_CLEARED)}


def test_only_admission_gives_a_place() -> None:
    entries = {
        trigger
        for (before, trigger), after in TRANSITIONS.items()
        if before not in PLACED_PHASES and after in PLACED_PHASES
    }
    assert entries == {Trigger.ADMITTED}


def test_every_final_report_ends_every_script_that_has_a_process() -> None:
    final = [
        Trigger.REPORTED_ENDED_WELL,
        Trigger.REPORTED_FAILED,
        Trigger.REPORTED_CONFIGURE_FAILED,
    ]
    ended = {Phase.FAILED, Phase.FAILED_GONE, Phase.LEAVING, Phase.GONE}
    for phase in set(Phase) - _SPEECHLESS - ended:
        for trigger in final:
            assert TRANSITIONS.get((phase, trigger)) in ended, f"{phase.name} does not end by {trigger.name}"
