# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must be true between two events. Checked after every event in tests."""

from __future__ import annotations

from .ledger import Ledger
from .limits import MAX_LISTED
from .phases import FAILED_PHASES, TIMER, Phase, Place
from .refusals import InvariantBroken
from .states import FINAL_STATES, ProcessState

__all__ = ["validate"]

_ENDED_PROCESS_STATES = frozenset(
    {
        ProcessState.DONE,
        ProcessState.LOADFAILED,
        ProcessState.CONFIGURE_FAILED,
        ProcessState.TERMINATED,
    }
)

#: Phases with a time limit that may have run out: the process was told to go.
_MAY_HAVE_EXPIRED = frozenset({Phase.BREAKING, Phase.FAILED, Phase.LEAVING})


def validate(ledger: Ledger) -> None:
    """Check the ledger.

    Raises
    ------
    InvariantBroken
        With what is wrong, and the story of the script concerned.
    """
    _check_places(ledger)
    _check_slots(ledger)
    _check_timers(ledger)
    _check_group_ids(ledger)
    _check_history(ledger)


def _demand(ledger: Ledger, true: bool, text: str, index: int = 0) -> None:
    if not true:
        story = f"; its story:\n{ledger.scripts[index].story}" if index in ledger.scripts else ""
        raise InvariantBroken(text + story)


def _check_places(ledger: Ledger) -> None:
    seen: dict[int, Place] = {}
    for slot in ledger.slots.values():
        for place, indices in ((Place.WAITING, slot.waiting), (Place.CURRENT, slot.current)):
            for index in indices:
                _demand(ledger, index not in seen, f"{index} is listed twice", index)
                _demand(ledger, index in ledger.scripts, f"{index} is listed but not known")
                _demand(ledger, ledger.scripts[index].slot == slot.name, f"{index} is in a wrong slot", index)
                seen[index] = place
    for index in ledger.history:
        _demand(ledger, index not in seen, f"{index} is listed twice", index)
        _demand(ledger, index in ledger.scripts, f"{index} is in the history but not known")
        seen[index] = Place.HISTORY
    for index, script in ledger.scripts.items():
        _demand(ledger, index in seen, f"{index} is known but not listed", index)
        _demand(
            ledger,
            seen[index] is script.place,
            f"{index} is listed as {seen[index].value} but is in phase {script.phase.name}",
            index,
        )


def _check_slots(ledger: Ledger) -> None:
    live = sum(1 for _ in ledger.live())
    _demand(ledger, live <= MAX_LISTED, f"{live} scripts are live")
    for slot in ledger.slots.values():
        _demand(
            ledger,
            len(slot.current) <= slot.settings.capacity,
            f"slot {slot.name} holds {slot.current}, more than its capacity",
        )
        for index in slot.current:
            if ledger.scripts[index].phase in FAILED_PHASES:
                _demand(ledger, slot.pause is not None, f"{index} failed, but its slot runs", index)


def _check_timers(ledger: Ledger) -> None:
    for index, script in ledger.scripts.items():
        runs = script.question in ledger.timers
        if script.phase not in TIMER:
            _demand(ledger, not runs, f"{index} has a time limit but is in phase {script.phase.name}", index)
        elif script.phase not in _MAY_HAVE_EXPIRED:
            _demand(ledger, runs, f"{index} waits for ever in phase {script.phase.name}", index)
    questions = {script.question for script in ledger.scripts.values()}
    for request, index in ledger.timers.items():
        _demand(ledger, request in questions, f"a time limit of {index} was never ended", index)


def _check_group_ids(ledger: Ledger) -> None:
    with_id: dict[str, int] = {}
    for slot in ledger.slots.values():
        named = [index for index in slot.waiting if ledger.scripts[index].phase is Phase.NAMED]
        _demand(ledger, len(named) <= 1, f"{named} are all next in line in slot {slot.name}")
    for index, script in ledger.scripts.items():
        if script.phase in (Phase.NAMED, Phase.STARTING, Phase.RUNNING):
            _demand(ledger, bool(script.group_id), f"{index} has no group id", index)
        if script.group_id:
            _demand(ledger, script.group_id not in with_id, f"{index} shares its group id", index)
            with_id[script.group_id] = index


def _check_history(ledger: Ledger) -> None:
    for index in ledger.history:
        script = ledger.scripts[index]
        _demand(
            ledger,
            script.process_state in _ENDED_PROCESS_STATES,
            f"{index} has ended but its process state is {script.process_state.name}",
            index,
        )
        if script.process_state is ProcessState.DONE:
            _demand(
                ledger,
                script.script_state in FINAL_STATES,
                f"{index} is DONE but its state is {script.script_state.name}",
                index,
            )
