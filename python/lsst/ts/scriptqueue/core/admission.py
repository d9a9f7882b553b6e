# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is next, who may start, and why the others wait.

The walk, whenever a script comes into another phase and on every command,
over what is held now:

1. The heads that have been ready for longer than their slot's patience, the
   one that has waited longest first; then the slots in order, and of each the
   waiting scripts in order: in an eager slot all, in an ordered one until the
   first that may not start. Each script is looked at once:
2. One that is not ready waits: it loads or configures, its slot is paused.
3. One whose slot has no place left waits.
4. One of main waits for those that a rule has put elsewhere, were added
   before it, and need something that it needs, too.
5. One that needs what is held or reserved waits, and reserves what it needs
   against all that are looked at later.
6. Any other is admitted: it holds what it needs, and a place.

Group ids: in a slot that announces visits the head is given its group id
ahead, as long as the slot runs, and is admitted when it has it; until then it
reserves. Whoever else has one gives it back. All others get theirs when they
are admitted. Heads are those that are not on their way out.

Admitting a script makes the next one the head, so the walk is repeated until
it decides nothing more.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field

from . import reasons
from .effects import CancelTimer, SetTimer
from .holdings import Holdings, Obstacle
from .layout import MAIN
from .ledger import Alarm, Ledger
from .life import advance
from .phases import FAILED_PHASES, HOLDING_PHASES, READY_PHASES, Phase, Timer, Trigger
from .resources import EVERYTHING
from .scripts import InTheWay, Reason, Script
from .slots import ReadyHead, Slot

__all__ = ["Decision", "Walk", "alarm_rung", "settle", "walk"]

#: A time limit that is over already still has to be one (seconds).
_AT_ONCE_S = 0.001

_OUTGOING = frozenset({Phase.ABANDONED, Phase.STRAYING, Phase.DROPPING, Phase.LOST_WAITING})
#: Scripts in these are passed over: they leave, or have been admitted.
_ASIDE = _OUTGOING | {Phase.ENTERING}
_WITH_GROUP_ID = frozenset({Phase.NAMING, Phase.NAMED})

#: In a queue of one slot nothing is written of these until they run, so what
#: is said of them must hold until then.
_CONFIGURED = READY_PHASES | {Phase.SETTLING}


@dataclass(frozen=True, slots=True)
class Decision:
    """One script and what is to happen to it."""

    index: int
    trigger: Trigger


@dataclass(slots=True)
class Walk:
    """What a walk has found.

    Attributes
    ----------
    decisions
        What is to happen, in this order.
    reasons
        Why each waiting script waits, by SAL index: in words, or what is in
        its way.
    ready_heads
        Slot name to the index of its head, of slots whose head is ready.
    """

    decisions: list[Decision] = field(default_factory=list)
    reasons: dict[int, Reason] = field(default_factory=dict)
    ready_heads: dict[str, int] = field(default_factory=dict)


def walk(ledger: Ledger) -> Walk:
    """Decide, without changing anything."""
    walker = _Walker(ledger)
    for slot, head in _overdue(ledger):
        walker.look_at(slot, head, is_head=True)
    for slot in ledger.slots.values():
        walker.go_along(slot)
    return walker.found


def settle(ledger: Ledger) -> None:
    """Carry decisions out until there is nothing more to decide."""
    while (found := walk(ledger)).decisions:
        for decision in found.decisions:
            advance(ledger, ledger.scripts[decision.index], decision.trigger)
    for index, reason in found.reasons.items():
        script = ledger.scripts[index]
        if ledger.is_serial and script.phase in _CONFIGURED:
            reason = reasons.turn(ledger.main)
        if script.waits_because != reason:
            script.waits_because = reason
            text = reason if isinstance(reason, str) else reasons.obstructed(ledger, reason)
            if script.waiting_for != text:
                script.waiting_for = text
                ledger.changed[index] = None
    for slot in ledger.slots.values():
        head = found.ready_heads.get(slot.name)
        if head is None:
            slot.ready_head = None
        elif slot.ready_head is None or slot.ready_head.index != head:
            slot.ready_head = ReadyHead(head, ledger.now_tai)
    _set_alarm(ledger)


@dataclass(slots=True)
class _Lane:
    """What a walk knows of one slot.

    Attributes
    ----------
    slot
        The slot.
    places
        How many it has left.
    rests
        Why nothing starts in it, nor is prepared to; "" if that is not so.
    held_up
        Why nothing starts in it for a moment; "" if that is not so.
    fullness
        That it has no place left, once that was asked for.
    """

    slot: Slot
    places: int
    rests: str
    held_up: str
    fullness: str = ""

    def full(self, ledger: Ledger) -> str:
        """That it has no place left, in words; the same for all who wait."""
        self.fullness = self.fullness or reasons.full(ledger, self.slot)
        return self.fullness


class _Walker:
    def __init__(self, ledger: Ledger) -> None:
        self.found = Walk()
        self._ledger = ledger
        self._holdings = Holdings(ledger.layout.catalogue.capacities)
        self._routed: list[Script] = []
        self._lanes = {slot.name: self._lane(slot) for slot in ledger.slots.values()}
        self._admitted: dict[int, bool] = {}

    def _lane(self, slot: Slot) -> _Lane:
        """Look over a slot: what is held, how many places are taken, who came by a rule."""
        scripts = self._ledger.scripts
        places = slot.settings.capacity - len(slot.current)
        unbidden = 0
        for index in slot.current:
            script = scripts[index]
            if script.phase in HOLDING_PHASES:
                self._holdings.add(index, script.needs.claim or EVERYTHING)
            if script.is_routed:
                self._routed.append(script)
        for index in slot.waiting:
            script = scripts[index]
            if script.phase is Phase.ENTERING:
                places -= 1
                self._holdings.add(index, script.needs.claim or EVERYTHING)
            elif script.phase in _OUTGOING and script.runs_unbidden:
                unbidden = unbidden or index
                self._holdings.add(index, script.needs.claim or EVERYTHING)
            if script.is_routed:
                self._routed.append(script)
        held_up = reasons.held_up(self._ledger, slot, unbidden)
        return _Lane(slot, places, reasons.rests(self._ledger, slot), held_up)

    def go_along(self, slot: Slot) -> None:
        """Look at the waiting scripts of a slot, in order."""
        lane, found, scripts = self._lanes[slot.name], self.found, self._ledger.scripts
        turn = lane.rests or reasons.turn(slot)
        has_head = False
        # Who loses a group id gives it back before another one is given out.
        first = len(found.decisions)
        for index in slot.waiting:
            script = scripts[index]
            phase = script.phase
            if phase in _ASIDE:
                found.reasons[index] = reasons.aside(self._ledger, script)
                continue
            is_head = not has_head
            if is_head or slot.settings.is_eager:
                has_head = not self.look_at(slot, script, is_head=is_head) or has_head
            else:
                found.reasons[index] = (
                    turn if phase in READY_PHASES else reasons.not_ready(self._ledger, script)
                )
            if phase in _WITH_GROUP_ID and not (is_head and slot.settings.announces_visits):
                found.decisions.insert(first, Decision(index, Trigger.NAME_WITHDRAWN))
                first += 1

    def look_at(self, slot: Slot, script: Script, *, is_head: bool = False) -> bool:
        """Look at one script; is it admitted?"""
        admitted = self._admitted.get(script.index)
        if admitted is None:
            lane = self._lanes[slot.name]
            reason: Reason
            if script.phase not in READY_PHASES:
                reason = reasons.not_ready(self._ledger, script)
            elif lane.rests:
                reason = lane.rests
            else:
                reason = self._why_not_now(lane, script, is_head and slot.settings.announces_visits)
                if is_head and reason:
                    self.found.ready_heads[slot.name] = script.index
            self.found.reasons[script.index] = reason
            admitted = self._admitted[script.index] = not reason
        return admitted

    def _why_not_now(self, lane: _Lane, script: Script, goes_ahead: bool) -> Reason:
        """Why a ready script does not start now; "" if it has been admitted."""
        if goes_ahead and script.phase is Phase.CONFIGURED:
            self._decide(script, Trigger.NAME_SENT)
        if lane.held_up:
            return lane.held_up
        if lane.places <= 0:
            return lane.full(self._ledger)
        earlier = self._routed_before(script)
        if earlier is not None:
            return reasons.still_to_come(earlier)
        claim = script.needs.claim or EVERYTHING
        obstacles = self._holdings.obstacles(claim)
        if obstacles or script.phase is not (Phase.NAMED if goes_ahead else Phase.CONFIGURED):
            self._holdings.add(script.index, claim, is_reserved=True)
            return self._in_the_way(obstacles) or script.phase.value
        self._holdings.add(script.index, claim)
        lane.places -= 1
        self._decide(script, Trigger.ADMITTED)
        return ""

    def _routed_before(self, script: Script) -> Script | None:
        """The first that a rule has put beside main and that this one of main has to wait for."""
        if not self._routed or script.slot != MAIN:
            return None
        earlier = [
            other
            for other in self._routed
            if other.slot != MAIN
            and other.order < script.order
            and other.needs.expected.overlaps(script.needs.expected)
        ]
        return min(earlier, key=lambda other: other.order, default=None)

    def _in_the_way(self, obstacles: Sequence[Obstacle]) -> tuple[InTheWay, ...]:
        scripts = self._ledger.scripts
        return tuple(
            [InTheWay(obstacle, scripts[obstacle.holder].phase in FAILED_PHASES) for obstacle in obstacles]
        )

    def _decide(self, script: Script, trigger: Trigger) -> None:
        self.found.decisions.append(Decision(script.index, trigger))


def alarm_rung(ledger: Ledger) -> None:
    """Take notice that a head has waited long enough."""
    ledger.alarm = None
    for slot in ledger.slots.values():
        ready, due = slot.ready_head, _due(slot)
        if ready is not None and due is not None and due <= ledger.now_tai:
            slot.ready_head = dataclasses.replace(ready, is_overdue=True)


def _overdue(ledger: Ledger) -> list[tuple[Slot, Script]]:
    """The heads that have waited for longer than their slot's patience, the oldest first."""
    overdue = [
        (slot.ready_head.since_tai, slot, ledger.scripts[slot.ready_head.index])
        for slot in ledger.slots.values()
        if slot.ready_head is not None
        and slot.ready_head.is_overdue
        and slot.ready_head.index == _head(ledger, slot)
    ]
    return [(slot, head) for _, slot, head in sorted(overdue, key=lambda entry: entry[0])]


def _head(ledger: Ledger, slot: Slot) -> int | None:
    for index in slot.waiting:
        if ledger.scripts[index].phase not in _ASIDE:
            return index
    return None


def _due(slot: Slot) -> float | None:
    """When the head of a slot will have waited long enough; None if that is not awaited."""
    ready, patience_s = slot.ready_head, slot.settings.patience_s
    if ready is None or ready.is_overdue or patience_s is None:
        return None
    return ready.since_tai + patience_s


def _set_alarm(ledger: Ledger) -> None:
    """See to it that the walk is made when the next head has waited long enough."""
    due = min((at_tai for slot in ledger.slots.values() if (at_tai := _due(slot)) is not None), default=None)
    if ledger.alarm is not None and ledger.alarm.at_tai != due:
        ledger.emit(CancelTimer(ledger.alarm.request))
        ledger.alarm = None
    if due is not None and ledger.alarm is None:
        ledger.alarm = Alarm(ledger.new_request(), due)
        delay_s = max(due - ledger.now_tai, _AT_ONCE_S)
        ledger.emit(SetTimer(0, ledger.alarm.request, Timer.PATIENCE, delay_s))
