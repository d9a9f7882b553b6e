# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The invariants have teeth: a model that contradicts itself is found out."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lsst.ts.scriptqueue.core.concerns import Concern
from lsst.ts.scriptqueue.core.ledger import Ledger
from lsst.ts.scriptqueue.core.phases import Phase
from lsst.ts.scriptqueue.core.refusals import InvariantBroken
from lsst.ts.scriptqueue.core.states import ProcessState, ScriptState

from .builders import a_script
from .driver import Driver

#: A running one, one that waits, one that has ended.
RUNS, WAITS, ENDED = 100_001, 100_002, 100_000


def a_ledger() -> tuple[Driver, Ledger]:
    driver, _ = a_script(Phase.GONE)
    driver.add_running()
    driver.add_configured()
    return driver, driver.model._ledger


def put_both_in_the_place(ledger: Ledger) -> None:
    ledger.main.current.append(ledger.main.waiting.pop())
    ledger.scripts[WAITS].phase = Phase.LOST_RUNNING
    ledger.timers[ledger.scripts[WAITS].question] = WAITS


def forget_the_process(ledger: Ledger) -> None:
    """Let the script that waits be launched again, though nothing has forgotten its process."""
    script = ledger.scripts[WAITS]
    script.phase, script.group_id = Phase.POSTPONED, ""
    ledger.timers.clear()


def launch_again_though_announced(ledger: Ledger) -> None:
    launch_again_for_ever(ledger)
    ledger.scripts[WAITS].visit = "2033"


def launch_again_for_ever(ledger: Ledger) -> None:
    forget_the_process(ledger)
    script = ledger.scripts[WAITS]
    script.process_start_tai = script.origin = 0


FAULTS: list[tuple[str, Callable[[Ledger], object]]] = [
    (f"{WAITS} is listed twice", lambda ledger: ledger.main.waiting.append(WAITS)),
    (f"{ENDED} is listed twice", lambda ledger: ledger.history.append(ENDED)),
    ("7 is listed but not known", lambda ledger: ledger.main.waiting.append(7)),
    ("7 is in the history but not known", lambda ledger: ledger.history.append(7)),
    (
        "7 is forgotten, but not what was shown of it",
        lambda ledger: ledger.shown_scripts.update({7: ledger.shown_scripts[RUNS]}),
    ),
    (f"{WAITS} is known but not listed", lambda ledger: ledger.main.waiting.clear()),
    (f"{WAITS} is in a wrong slot", lambda ledger: setattr(ledger.scripts[WAITS], "slot", "other")),
    (
        f"{WAITS} is listed as waiting but is in phase RUNNING",
        lambda ledger: setattr(ledger.scripts[WAITS], "phase", Phase.RUNNING),
    ),
    (
        "more than its capacity",
        put_both_in_the_place,
    ),
    (
        f"{RUNS} failed, but its slot runs",
        lambda ledger: setattr(ledger.scripts[RUNS], "phase", Phase.FAILED_GONE),
    ),
    (f"{WAITS} waits for ever in phase NAMING", lambda ledger: ledger.timers.clear()),
    (
        f"{RUNS} has a time limit but is in phase RUNNING",
        lambda ledger: ledger.timers.update({ledger.scripts[RUNS].question: RUNS}),
    ),
    (f"{WAITS} has a process, but is in phase POSTPONED", forget_the_process),
    (f"{WAITS} is to be launched again, but waits for nothing", launch_again_for_ever),
    (
        f"{WAITS} is to be launched again, but is next in line or admitted",
        launch_again_though_announced,
    ),
    (
        f"{RUNS} has no process, but is in phase RUNNING",
        lambda ledger: setattr(ledger.scripts[RUNS], "process_end_tai", 1.0),
    ),
    (f"a time limit of {RUNS} was never ended", lambda ledger: ledger.timers.update({99_999: RUNS})),
    (
        f"{ENDED} is shown as SILENT, but is in phase GONE",
        lambda ledger: ledger.scripts[ENDED].concerns.update({Concern.SILENT: "silent"}),
    ),
    (
        f"{RUNS} is OVERDUE, and nobody is told why",
        lambda ledger: ledger.scripts[RUNS].concerns.update({Concern.OVERDUE: ""}),
    ),
    (f"{RUNS} has no group id", lambda ledger: setattr(ledger.scripts[RUNS], "group_id", "")),
    (
        f"{WAITS} shares its group id",
        lambda ledger: setattr(ledger.scripts[WAITS], "group_id", ledger.scripts[RUNS].group_id),
    ),
    (
        f"{ENDED} has ended, but its visit is still announced",
        lambda ledger: setattr(ledger.scripts[ENDED], "visit", "2033"),
    ),
    (
        f"{ENDED} has ended but its process state is RUNNING",
        lambda ledger: setattr(ledger.scripts[ENDED], "process_state", ProcessState.RUNNING),
    ),
    (
        f"{ENDED} is DONE but its state is RUNNING",
        lambda ledger: setattr(ledger.scripts[ENDED], "script_state", ScriptState.RUNNING),
    ),
]


@pytest.mark.parametrize(("text", "fault"), FAULTS, ids=[text for text, _ in FAULTS])
def test_a_fault_is_found(text: str, fault: Callable[[Ledger], object]) -> None:
    driver, ledger = a_ledger()
    driver.model.validate()
    fault(ledger)
    with pytest.raises(InvariantBroken) as caught:
        driver.model.validate()
    assert text in str(caught.value)


def test_a_fault_comes_with_the_story() -> None:
    driver, ledger = a_ledger()
    ledger.scripts[RUNS].slot = "other"
    with pytest.raises(InvariantBroken, match=r"added: slew\.py"):
        driver.model.validate()


def test_two_are_never_next_in_line() -> None:
    driver, ledger = a_ledger()
    driver.answer(WAITS)
    other = driver.add_configured()
    script = ledger.scripts[other]
    script.phase, script.group_id = Phase.NAMED, "later"
    with pytest.raises(InvariantBroken, match="are all next in line in slot main"):
        driver.model.validate()


def test_more_than_clients_can_read_is_found() -> None:
    driver = Driver()
    for _ in range(400):
        driver.add()
    ledger = driver.model._ledger
    template = ledger.scripts[100_000]
    ledger.scripts[7] = type(template)(7, template.wish, "main", 0, 0, 0.0)
    ledger.main.waiting.append(7)
    with pytest.raises(InvariantBroken, match="401 scripts are live"):
        driver.model.validate()
