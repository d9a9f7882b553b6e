# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is next, and who may start.

Walk the slots in order. In each, the head is the first waiting script that is
not on its way out. While the component is enabled and the slot runs:

1. a head that is configured is given a group id;
2. a head that has its group id starts as soon as the slot has room, no stop
   command holds the slot up, and no waiting script of the slot runs unbidden.

Whoever has a group id, or is being given one, and is not the head, gives it
back. Starting a script makes the next one the head, so the walk is repeated
until it decides nothing more.
"""

from __future__ import annotations

from dataclasses import dataclass

from .ledger import Ledger
from .life import advance
from .phases import Phase, Trigger
from .scripts import Script
from .slots import Slot

__all__ = ["Decision", "settle", "walk"]

_OUTGOING = frozenset({Phase.ABANDONED, Phase.STRAYING, Phase.DROPPING, Phase.LOST_WAITING})
_WITH_GROUP_ID = frozenset({Phase.NAMING, Phase.NAMED})


@dataclass(frozen=True, slots=True)
class Decision:
    """One script and what is to happen to it."""

    index: int
    trigger: Trigger


def walk(ledger: Ledger) -> list[Decision]:
    """Decide, without changing anything."""
    decisions: list[Decision] = []
    for slot in ledger.slots.values():
        head: Script | None = None
        for index in slot.waiting:
            script = ledger.scripts[index]
            if head is None:
                head = script if script.phase not in _OUTGOING else None
            elif script.phase in _WITH_GROUP_ID:
                decisions.append(Decision(index, Trigger.NAME_WITHDRAWN))
        if head is None or not ledger.enabled or slot.pause is not None:
            continue
        if head.phase is Phase.CONFIGURED:
            decisions.append(Decision(head.index, Trigger.NAME_SENT))
        elif head.phase is Phase.NAMED and slot.has_room and not _is_held_up(ledger, slot):
            decisions.append(Decision(head.index, Trigger.ADMITTED))
    return decisions


def settle(ledger: Ledger) -> None:
    """Carry decisions out until there is nothing more to decide."""
    while decisions := walk(ledger):
        for decision in decisions:
            advance(ledger, ledger.scripts[decision.index], decision.trigger)


def _is_held_up(ledger: Ledger, slot: Slot) -> bool:
    return any(slot.name in job.held_slots for job in ledger.stops) or any(
        ledger.scripts[index].runs_unbidden for index in slot.waiting
    )
