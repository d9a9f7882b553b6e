# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is next, who may start, and why the others wait.

The walk, whenever a script comes into another phase and on every command,
over what is held now:

1. The heads that have been ready for longer than their slot's patience, the
   one that has waited longest first; then the slots in order, and of each the
   waiting scripts in order: in an eager slot all, in an ordered one until the
   first that may not start. Each script is looked at once:
2. One that is not ready waits: it loads or configures, its process is known
   to be stopped so that it would not hear that it is to start, its slot is
   paused.
3. One whose slot has no place left waits.
4. One of main waits for those that a rule has put elsewhere, were added
   before it, and need something that it needs, too.
5. One that needs what is held or reserved waits, and reserves what it needs
   against all that are looked at later. One that lacks only its group id
   reserves, too, and keeps its place.
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
from dataclasses import dataclass, field

from . import reasons
from .effects import CancelTimer, SetTimer
from .holdings import Holdings
from .layout import MAIN
from .ledger import Alarm, Ledger
from .life import advance
from .phases import FAILED_PHASES, HOLDING_PHASES, READY_PHASES, Phase, Timer, Trigger
from .resources import EVERYTHING
from .scripts import Full, Reason, Script
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
    _tell(ledger, found)
    for slot in ledger.slots.values():
        head = found.ready_heads.get(slot.name)
        if head is None:
            slot.ready_head = None
        elif slot.ready_head is None or slot.ready_head.index != head:
            slot.ready_head = ReadyHead(head, ledger.now_tai)
    _set_alarm(ledger)


def _tell(ledger: Ledger, found: Walk) -> None:
    """Tell each waiting script why it waits."""
    scripts, is_serial, turn = ledger.scripts, ledger.is_serial, reasons.turn(ledger.main)
    texts: dict[Reason, str] = {}
    for index, reason in found.reasons.items():
        script = scripts[index]
        if is_serial and script.phase in _CONFIGURED:
            reason = turn
        if script.waits_because != reason:
            script.waits_because = reason
            text = texts.get(reason)
            if text is None:
                text = texts[reason] = reasons.worded(ledger, reason)
            if script.waiting_for != text:
                script.waiting_for = text
                ledger.changed[index] = None


@dataclass(slots=True)
class _Lane:
    """What a walk knows of one slot.

    Attributes
    ----------
    slot
        The slot.
    waiting
        Its waiting scripts.
    entering
        Those of them that have been admitted, or will be as soon as their group id is settled.
    has_failed
        Has one failed that is in a place of it?
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
    waiting: list[Script]
    entering: list[int]
    has_failed: bool
    places: int
    rests: str
    held_up: str
    fullness: Full | None = None

    def keep_place(self, index: int) -> None:
        """Keep a place for one that lacks only what its group id still takes."""
        self.places -= 1
        self.entering.append(index)
        self.fullness = None

    def full(self) -> Full:
        """That it has no place left; the same for all who wait."""
        if self.fullness is None:
            self.fullness = Full(self.slot.name, (*self.slot.current, *self.entering), self.has_failed)
        return self.fullness

    def closed(self) -> Reason:
        """Why nobody behind its head can start, or be in anybody's way; "" if somebody can."""
        if self.rests:
            return self.rests
        if not self.slot.settings.is_eager:
            return reasons.turn(self.slot)
        return self.held_up or ("" if self.places > 0 else self.full())


class _Walker:
    def __init__(self, ledger: Ledger) -> None:
        self.found = Walk()
        self._ledger = ledger
        self._holdings = Holdings(ledger.layout.catalogue.capacities)
        self._routed: list[Script] | None = None
        self._lanes = {slot.name: self._lane(slot) for slot in ledger.slots.values()}
        self._admitted: dict[int, bool] = {}

    def _lane(self, slot: Slot) -> _Lane:
        """Look over a slot: what is held, how many places are taken."""
        scripts = self._ledger.scripts
        waiting = [scripts[index] for index in slot.waiting]
        entering: list[int] = []
        one_failed = False
        unbidden = 0
        for index in slot.current:
            script = scripts[index]
            if script.phase in HOLDING_PHASES:
                has_failed = script.phase in FAILED_PHASES
                one_failed = one_failed or has_failed
                self._holdings.add(index, script.needs.claim or EVERYTHING, has_failed=has_failed)
        for script in waiting:
            if script.phase not in _ASIDE:
                continue
            if script.phase is Phase.ENTERING:
                entering.append(script.index)
            elif script.runs_unbidden:
                unbidden = unbidden or script.index
            else:
                continue
            self._holdings.add(script.index, script.needs.claim or EVERYTHING)
        return _Lane(
            slot,
            waiting,
            entering,
            one_failed,
            slot.settings.capacity - len(slot.current) - len(entering),
            reasons.rests(self._ledger, slot),
            reasons.held_up(self._ledger, slot, unbidden),
        )

    def go_along(self, slot: Slot) -> None:
        """Look at the waiting scripts of a slot, in order."""
        lane, found, is_eager = self._lanes[slot.name], self.found, slot.settings.is_eager
        has_head = False
        closed: Reason = ""
        # Who loses a group id gives it back before another one is given out.
        first = len(found.decisions)
        for script in lane.waiting:
            phase = script.phase
            if closed and phase is Phase.CONFIGURED:
                found.reasons[script.index] = closed
                continue
            if phase in _ASIDE:
                found.reasons[script.index] = reasons.aside(self._ledger, script)
                continue
            is_head = not has_head
            if is_head or is_eager:
                has_head = not self.look_at(slot, script, is_head=is_head) or has_head
                closed = lane.closed() if has_head else ""
            else:
                found.reasons[script.index] = (
                    closed if phase in READY_PHASES else reasons.not_ready(self._ledger, script)
                )
            if phase in _WITH_GROUP_ID and not (is_head and slot.settings.announces_visits):
                found.decisions.insert(first, Decision(script.index, Trigger.NAME_WITHDRAWN))
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
            elif script.concerns and (deaf := script.deaf_because):
                reason = deaf
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
            return lane.full()
        earlier = self._routed_before(script)
        if earlier is not None:
            return reasons.still_to_come(script, earlier)
        claim = script.needs.claim or EVERYTHING
        obstacles = self._holdings.obstacles(claim)
        if obstacles or script.phase is not (Phase.NAMED if goes_ahead else Phase.CONFIGURED):
            self._holdings.add(script.index, claim, is_reserved=True)
            if not obstacles:
                lane.keep_place(script.index)
            return obstacles or script.phase.value
        self._holdings.add(script.index, claim)
        lane.places -= 1
        self._decide(script, Trigger.ADMITTED)
        return ""

    def _routed_before(self, script: Script) -> Script | None:
        """The first that a rule has put beside main and that this one of main has to wait for."""
        if script.slot != MAIN:
            return None
        if self._routed is None:
            beside = [other for other in self._ledger.live() if other.is_routed and other.slot != MAIN]
            self._routed = sorted(beside, key=lambda other: other.order)
        for other in self._routed:
            if other.order < script.order and other.needs.expected.overlaps(script.needs.expected):
                return other
        return None

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
