# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must be true between two events. Checked after every event in tests.

Each check tells what it finds wrong, with the index of the script concerned,
or 0 if it concerns none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from .concerns import CONCERN_PHASES
from .ledger import WITHOUT_PROCESS, Ledger
from .limits import MAX_LISTED
from .phases import FAILED_PHASES, HOLDING_PHASES, LOADING_PHASES, PLACED_PHASES, TIMER, Phase, Place
from .refusals import InvariantBroken
from .resources import Claim
from .scripts import Script
from .states import FINAL_STATES, ProcessState

__all__ = ["validate"]

Findings = Iterator[tuple[str, int]]

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

#: Phases before a process is there.
_BEFORE_PROCESS = frozenset({Phase.LAUNCHING, Phase.ABANDONED, Phase.POSTPONED})

#: Phases that cannot be entered without a group id.
_HAVE_GROUP_ID = frozenset({Phase.NAMED, Phase.STARTING, Phase.RUNNING})


def validate(ledger: Ledger) -> None:
    """Check the ledger.

    Raises
    ------
    InvariantBroken
        With what is wrong, and the story of the script concerned.
    """
    for check in (
        _check_places,
        _check_slots,
        _check_resources,
        _check_timers,
        _check_group_ids,
        _check_history,
        _check_processes,
        _check_lost,
        _check_concerns,
    ):
        for text, index in check(ledger):
            story = f"; its story:\n{ledger.scripts[index].story}" if index in ledger.scripts else ""
            raise InvariantBroken(text + story)


def _check_places(ledger: Ledger) -> Findings:
    seen: dict[int, Place] = {}
    for slot in ledger.slots.values():
        for place, indices in ((Place.WAITING, slot.waiting), (Place.CURRENT, slot.current)):
            for index in indices:
                if index in seen:
                    yield f"{index} is listed twice", index
                if index not in ledger.scripts:
                    yield f"{index} is listed but not known", 0
                elif ledger.scripts[index].slot != slot.name:
                    yield f"{index} is in a wrong slot", index
                seen[index] = place
    for index in ledger.history:
        if index in seen:
            yield f"{index} is listed twice", index
        if index not in ledger.scripts:
            yield f"{index} is in the history but not known", 0
        seen[index] = Place.HISTORY
    for index in ledger.shown_scripts:
        if index not in ledger.scripts:
            yield f"{index} is forgotten, but not what was shown of it", 0
    for index, script in ledger.scripts.items():
        if index not in seen:
            yield f"{index} is known but not listed", index
        elif seen[index] is not script.place:
            yield f"{index} is listed as {seen[index].value} but is in phase {script.phase.name}", index


def _check_slots(ledger: Ledger) -> Findings:
    live = list(ledger.live())
    if len(live) > MAX_LISTED:
        yield f"{len(live)} scripts are live", 0
    for slot in ledger.slots.values():
        placed = [script for script in live if script.slot == slot.name and script.phase in PLACED_PHASES]
        if len(placed) > slot.settings.capacity and _is_new(ledger, placed):
            yield f"slot {slot.name} holds {[script.index for script in placed]}, more than its capacity", 0
        for index in slot.current:
            if slot.pause is None and ledger.scripts[index].phase in FAILED_PHASES:
                yield f"{index} failed, but its slot runs", index


def _check_resources(ledger: Ledger) -> Findings:
    holders = [script for script in ledger.live() if script.phase in HOLDING_PHASES]
    capacities = ledger.layout.catalogue.capacities
    for number, script in enumerate(holders):
        claim = script.needs.claim
        if claim is None:
            yield f"{script.index} was admitted, but nobody has said what it needs", script.index
            continue
        for other in holders[:number]:
            shared = other.needs.claim
            if (
                shared is not None
                and _collide(claim, shared, capacities)
                and _is_new(ledger, [script, other])
            ):
                yield f"{other.index} holds {shared} and {script.index} holds {claim}", script.index
    for name, capacity in capacities.items():
        sharing = [script for script in holders if script.needs.claim and _names(script.needs.claim, name)]
        if len(sharing) > capacity and _is_new(ledger, sharing):
            yield f"{name} is held by {[script.index for script in sharing]}, more than its capacity", 0


def _collide(one: Claim, other: Claim, capacities: Mapping[str, int]) -> bool:
    """Do two claims overlap in what only one can have?"""
    if one.everything or other.everything:
        return one.overlaps(other)
    return any(
        mine.overlaps(theirs)
        for mine in one.resources
        for theirs in other.resources
        if mine.component not in capacities
    )


def _names(claim: Claim, name: str) -> bool:
    return any(resource.component == name for resource in claim.resources)


def _is_new(ledger: Ledger, scripts: Iterable[Script]) -> bool:
    """Has one of them been admitted under this layout? What was admitted before stays."""
    return any(script.admitted_tai > ledger.configured_tai for script in scripts)


def _check_timers(ledger: Ledger) -> Findings:
    questions = set()
    for index, script in ledger.scripts.items():
        questions.add(script.question)
        runs = script.question in ledger.timers
        if runs and script.phase not in TIMER:
            yield f"{index} has a time limit but is in phase {script.phase.name}", index
        if not runs and script.phase in TIMER and script.phase not in _MAY_HAVE_EXPIRED:
            yield f"{index} waits for ever in phase {script.phase.name}", index
    for request, index in ledger.timers.items():
        if request not in questions:
            yield f"a time limit of {index} was never ended", index


def _check_group_ids(ledger: Ledger) -> Findings:
    for slot in ledger.slots.values():
        named = [index for index in slot.waiting if ledger.scripts[index].phase is Phase.NAMED]
        if len(named) > 1:
            yield f"{named} are all next in line in slot {slot.name}", named[0]
    with_id: set[str] = set()
    for index, script in ledger.scripts.items():
        if not script.group_id:
            if script.phase in _HAVE_GROUP_ID:
                yield f"{index} has no group id", index
            continue
        if script.group_id in with_id:
            yield f"{index} shares its group id", index
        with_id.add(script.group_id)
        if script.visit and script.place is Place.HISTORY:
            yield f"{index} has ended, but its visit is still announced", index


def _check_history(ledger: Ledger) -> Findings:
    for index in ledger.history:
        script = ledger.scripts[index]
        if script.process_state not in _ENDED_PROCESS_STATES:
            yield f"{index} has ended but its process state is {script.process_state.name}", index
        if script.process_state is ProcessState.DONE and script.script_state not in FINAL_STATES:
            yield f"{index} is DONE but its state is {script.script_state.name}", index


def _check_processes(ledger: Ledger) -> Findings:
    for index, script in ledger.scripts.items():
        if script.phase in _BEFORE_PROCESS and (script.process_start_tai or script.origin):
            yield f"{index} has a process, but is in phase {script.phase.name}", index
        if script.phase in _BEFORE_PROCESS | WITHOUT_PROCESS:
            continue
        if not script.process_start_tai or script.process_end_tai:
            yield f"{index} has no process, but is in phase {script.phase.name}", index


def _check_lost(ledger: Ledger) -> Findings:
    live = list(ledger.live())
    postponed = [script for script in live if script.phase is Phase.POSTPONED]
    for script in postponed:
        if script.group_id or script.visit or script.admitted_tai:
            yield f"{script.index} is to be launched again, but is next in line or admitted", script.index
    # Each of the others leaves its phase, at the latest when its time is over.
    if postponed and not any(script.phase in LOADING_PHASES for script in live):
        yield f"{postponed[0].index} is to be launched again, but waits for nothing", postponed[0].index


def _check_concerns(ledger: Ledger) -> Findings:
    for index, script in ledger.scripts.items():
        for concern, words in script.concerns.items():
            if script.phase not in CONCERN_PHASES[concern]:
                yield f"{index} is shown as {concern.name}, but is in phase {script.phase.name}", index
            if not words:
                yield f"{index} is {concern.name}, and nobody is told why", index
