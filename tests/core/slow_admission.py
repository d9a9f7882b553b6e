# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The contract of admission once more, slow and plain, to compare the core with.

Written from the contract, not from `core.admission`, with lists and loops
only, so that it errs differently from the core if it errs. What the contract
says is in the comments; what it leaves open is said where it is decided.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from lsst.ts.scriptqueue.core.resources import Claim, Resource

__all__ = ["Fate", "SlowScript", "SlowSlot", "Status", "can_be_had", "expected_fates", "walking_order"]


class Status(enum.Enum):
    """How far a script is, as far as admission needs to know."""

    PREPARING = "loads, is configured or is not settled, or its process is stopped"
    WITHOUT_NAME = "ready, without a group id"
    WITH_NAME = "ready, with a group id"
    BETWEEN = "ready, but a group id is being given or taken back"
    GOING = "waits no more: it is being stopped"
    UNBIDDEN = "is being stopped, but runs without having been told to"
    PLACED = "admitted, and has not ended"
    PLACED_GONE = "its process has gone as it was told to, but it has not ended"


_READY = (Status.WITHOUT_NAME, Status.WITH_NAME, Status.BETWEEN)
#: These hold what they claim. Who runs unbidden uses it, whoever allowed it.
_HOLDING = (Status.PLACED, Status.UNBIDDEN)
_PLACED = (Status.PLACED, Status.PLACED_GONE)
#: These wait no more, so that they are not the head of their slot.
_PASSED_OVER = (Status.GOING, Status.UNBIDDEN, Status.PLACED)


class Fate(enum.Enum):
    """What a walk says of a waiting script."""

    START = "starts"
    LACKS = "lacks resources, and reserves what it needs"
    NAMING = "lacks only its group id, reserves what it needs, and keeps a place"
    ROOM = "waits for a place, and reserves nothing"
    ROUTED = "waits for one that a rule put elsewhere, and reserves nothing"
    NOT_YET = "is not looked at, or is not ready, or its slot does not run"


@dataclass(frozen=True)
class SlowScript:
    """A live script: ``age`` is how many were added before it."""

    index: int
    slot: str
    status: Status
    claim: Claim
    age: int = 0
    is_routed: bool = False


@dataclass(frozen=True)
class SlowSlot:
    """A slot.

    ``announces`` says that its head is given its group id ahead. ``overdue``
    is the head that has been ready for too long, and since when.
    """

    name: str
    capacity: int
    is_eager: bool
    announces: bool
    runs: bool
    waiting: tuple[int, ...]
    overdue: tuple[float, int] | None = None


def expected_fates(
    slots: list[SlowSlot], scripts: dict[int, SlowScript], capacities: Mapping[str, int]
) -> dict[int, Fate]:
    """What one walk should say of every waiting script."""
    taken = [script.claim for script in scripts.values() if script.status in _HOLDING]
    places = {
        slot.name: slot.capacity
        - sum(script.status in _PLACED for script in scripts.values() if script.slot == slot.name)
        for slot in slots
    }
    fates: dict[int, Fate] = {}
    for slot, index in walking_order(slots, scripts):
        if index in fates:
            continue
        script = scripts[index]
        is_head = all(
            fates.get(other) is Fate.START or scripts[other].status in _PASSED_OVER
            for other in slot.waiting[: slot.waiting.index(index)]
        )
        # In a slot that announces visits the head starts with a group id that
        # it has; anywhere else without one, which it is given then.
        needed = Status.WITH_NAME if slot.announces and is_head else Status.WITHOUT_NAME
        if not slot.runs or script.status not in _READY or not (slot.is_eager or is_head):
            fates[index] = Fate.NOT_YET
        elif any(scripts[other].status is Status.UNBIDDEN for other in slot.waiting):
            # Left open by the contract: there is one too many in the slot until it has been stopped.
            fates[index] = Fate.NOT_YET
        elif places[slot.name] <= 0:
            fates[index] = Fate.ROOM
        elif slot is slots[0] and any(_comes_before(other, script) for other in scripts.values()):
            fates[index] = Fate.ROUTED
        elif not can_be_had(script.claim, taken, capacities):
            fates[index] = Fate.LACKS
            taken.append(script.claim)
        elif script.status is not needed:
            fates[index] = Fate.NAMING
            taken.append(script.claim)
            places[slot.name] -= 1
        else:
            fates[index] = Fate.START
            taken.append(script.claim)
            places[slot.name] -= 1
    return fates


def walking_order(slots: list[SlowSlot], scripts: dict[int, SlowScript]) -> list[tuple[SlowSlot, int]]:
    """Overdue heads, the oldest first; then slot by slot, each in its order."""
    overdue = sorted(
        ((*slot.overdue, slot) for slot in slots if slot.overdue is not None), key=lambda entry: entry[0]
    )
    order = []
    for _, index, slot in overdue:
        ahead = slot.waiting[: slot.waiting.index(index)]
        # Another that was put before it is the head now, and has not waited yet.
        if all(scripts[other].status in _PASSED_OVER for other in ahead):
            order.append((slot, index))
    return order + [(slot, index) for slot in slots for index in slot.waiting]


def _comes_before(other: SlowScript, script: SlowScript) -> bool:
    """Was it put beside main by a rule, before this script was added, and do they overlap?"""
    return (
        other.is_routed
        and other.slot != script.slot
        and other.age < script.age
        and _share(other.claim, script.claim)
    )


def can_be_had(claim: Claim, taken: list[Claim], capacities: Mapping[str, int]) -> bool:
    """Is nothing of a claim held or reserved, but where there is more than one of it?"""
    for other in taken:
        if claim.everything or other.everything:
            if _share(claim, other):
                return False
            continue
        for mine in claim.resources:
            if mine.component not in capacities and any(_same(mine, its) for its in other.resources):
                return False
    for mine in claim.resources:
        users = [other for other in taken if mine in other.resources]
        if mine.component in capacities and len(users) >= capacities[mine.component]:
            return False
    return True


def _share(one: Claim, other: Claim) -> bool:
    """May both need one thing? ``*`` overlaps all but what it leaves out."""
    if one.everything and other.everything:
        return True
    if one.everything or other.everything:
        everything, few = (one, other) if one.everything else (other, one)
        return any(
            not any(out in (Resource(needed.component), needed) for out in everything.spared)
            for needed in few.resources
        )
    return any(_same(mine, its) for mine in one.resources for its in other.resources)


def _same(one: Resource, other: Resource) -> bool:
    """``ESS`` overlaps ``ESS:3``, ``ESS:3`` does not overlap ``ESS:4``."""
    return one.component == other.component and (one.index == other.index or 0 in (one.index, other.index))
