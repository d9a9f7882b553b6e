# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ledgers in any state that admission may find, made without a history.

A history reaches common states again and again; these are made outright, so
rare ones come as often as others. What cannot be is not made: nobody holds
what another holds, no slot holds more than it has places for.

Hypothesis chooses how many scripts there are and a seed, from which the rest
is drawn: choosing every phase itself it would make far fewer ledgers in the
same time, and nearly empty ones.
"""

from __future__ import annotations

import random

from hypothesis import strategies as st

from lsst.ts.scriptqueue.core.commands import AddScript
from lsst.ts.scriptqueue.core.concerns import Concern
from lsst.ts.scriptqueue.core.layout import MAIN, Layout, SlotSettings
from lsst.ts.scriptqueue.core.ledger import Ledger
from lsst.ts.scriptqueue.core.limits import Limits
from lsst.ts.scriptqueue.core.needs import Needs
from lsst.ts.scriptqueue.core.phases import HOLDING_PHASES, PLACED_PHASES, READY_PHASES, Phase
from lsst.ts.scriptqueue.core.resources import Catalogue, Claim
from lsst.ts.scriptqueue.core.scripts import Script
from lsst.ts.scriptqueue.core.slots import Pause, PausedBy, ReadyHead
from lsst.ts.scriptqueue.core.states import ScriptState

from .slow_admission import SlowScript, SlowSlot, Status, can_be_had

__all__ = ["CATALOGUE", "CLAIMS", "a_random_ledger", "a_random_layout", "ledgers", "slow_view"]

NOW = 2_000_000_000.0
CATALOGUE = Catalogue(capacities={"archive": 2, "disk": 1})

#: Few names, so that they meet.
CLAIMS = [
    CATALOGUE.parse(text)
    for text in (
        "none", "A", "B", "C", "A,B", "B,C", "E:1", "E:2", "E", "E:1,A", "archive", "archive,A",
        "archive,disk", "disk", "*", "*,!E", "*,!E:1", "*,!A,!archive",
    )
]  # fmt: skip

P = Phase

#: Phases of a waiting script, the ready ones often.
_WAITING = [
    *[P.CONFIGURED] * 8, *[P.NAMED] * 4, P.NAMING, P.UNNAMING, P.LOADING, P.SETTLING, P.DROPPING,
    P.STRAYING, P.LOST_WAITING, P.ENTERING,
]  # fmt: skip
_CURRENT = [*[P.RUNNING] * 4, P.STARTING, P.STOPPING, P.LOST_STOPPING, P.FAILED]

#: Phase -> what admission needs to know of it.
_STATUS = {
    P.LAUNCHING: Status.PREPARING,
    P.LOADING: Status.PREPARING,
    P.CONFIGURING: Status.PREPARING,
    P.SETTLING: Status.PREPARING,
    P.CONFIGURED: Status.WITHOUT_NAME,
    P.NAMED: Status.WITH_NAME,
    P.NAMING: Status.BETWEEN,
    P.UNNAMING: Status.BETWEEN,
    P.ABANDONED: Status.GOING,
    P.DROPPING: Status.GOING,
    P.STRAYING: Status.GOING,
    P.LOST_WAITING: Status.GOING,
    P.LOST_STOPPING: Status.PLACED_GONE,
}


def a_random_layout(chance: random.Random) -> Layout:
    """Main and some slots of any kind."""
    beside = [
        SlotSettings(
            f"s{number}",
            capacity=chance.choice([1, 1, 2, 3]),
            is_eager=chance.random() < 0.5,
            announces_visits=chance.random() < 0.3,
            patience_s=chance.choice([None, 10.0]),
        )
        for number in range(1, chance.choice([1, 2, 3, 4, 5]))
    ]
    return Layout((SlotSettings(MAIN, announces_visits=chance.random() < 0.7), *beside), CATALOGUE)


def a_random_ledger(seed: int, size: int, layout: Layout | None = None) -> Ledger:
    """A ledger in any state, with at most ``size`` waiting scripts in a slot."""
    chance = random.Random(seed)
    ledger = Ledger(1, Limits(), layout or a_random_layout(chance), 37.0)
    ledger.now_tai = NOW
    ledger.enabled = chance.random() < 0.97
    taken: list[Claim] = []
    for slot in ledger.slots.values():
        for _ in range(chance.randrange(slot.settings.capacity + 1)):
            _put(chance, ledger, slot.name, chance.choice(_CURRENT), taken)
        for _ in range(chance.randrange(size + 1)):
            _put(chance, ledger, slot.name, chance.choice(_WAITING), taken)
        if chance.random() < 0.1 or any(ledger.scripts[other].phase is P.FAILED for other in slot.current):
            slot.pause = Pause(PausedBy.NAME, NOW - 60, "on request")
        ready = [other for other in slot.waiting if ledger.scripts[other].phase in READY_PHASES]
        if slot.settings.patience_s is not None and ready:
            # Mostly it is the head still; another may have been put before it.
            since = NOW - chance.choice([3.0, 20.0, 30.0])
            slot.ready_head = ReadyHead(ready[0], since, NOW - since > slot.settings.patience_s)
    orders = list(range(len(ledger.scripts)))
    chance.shuffle(orders)
    for script, order in zip(ledger.scripts.values(), orders, strict=True):
        script.order = order
    return ledger


def ledgers() -> st.SearchStrategy[Ledger]:
    return st.builds(a_random_ledger, st.integers(0, 2**32), st.integers(1, 6))


def _put(chance: random.Random, ledger: Ledger, slot: str, phase: Phase, taken: list[Claim]) -> None:
    """Put one more script into a slot, if it can be."""
    index, claim = 100_000 + len(ledger.scripts), chance.choice(CLAIMS)
    script = Script(index, AddScript(True, "x.py"), slot, 0, 0, NOW - 100)
    script.phase = phase
    script.needs = Needs(claim, None if phase is P.LOADING else claim)
    script.is_routed = slot != MAIN and chance.random() < 0.3
    if phase in READY_PHASES and chance.random() < 0.1:
        script.concerns[Concern.STOPPED] = "its process is stopped"
    if phase is P.STRAYING:
        script.script_state = chance.choice([ScriptState.RUNNING, ScriptState.CONFIGURED])
    lane = ledger.slots[slot]
    if phase in PLACED_PHASES:
        placed = [other for other in ledger.live() if other.slot == slot and other.phase in PLACED_PHASES]
        if len(placed) >= lane.settings.capacity:
            return
        if phase in HOLDING_PHASES:
            if not can_be_had(claim, taken, CATALOGUE.capacities):
                return
            taken.append(claim)
        script.admitted_tai = NOW - 50
    if phase is P.NAMED and any(ledger.scripts[other].phase is P.NAMED for other in lane.waiting):
        script.phase = P.CONFIGURED
    if script.phase is P.NAMED:
        script.group_id = str(index)
    (lane.current if phase in _CURRENT else lane.waiting).append(index)
    ledger.scripts[index] = script


def slow_view(ledger: Ledger) -> tuple[list[SlowSlot], dict[int, SlowScript]]:
    """A ledger, as the slow admission wants it."""
    scripts = {}
    for script in ledger.live():
        status = Status.UNBIDDEN if script.runs_unbidden else _STATUS.get(script.phase, Status.PLACED)
        if script.phase in READY_PHASES and Concern.STOPPED in script.concerns:
            status = Status.PREPARING
        scripts[script.index] = SlowScript(
            script.index, script.slot, status, script.needs.expected, script.order, script.is_routed
        )
    slots = [
        SlowSlot(
            slot.name,
            slot.settings.capacity,
            slot.settings.is_eager,
            slot.settings.announces_visits,
            ledger.enabled and slot.pause is None,
            tuple(slot.waiting),
            (slot.ready_head.since_tai, slot.ready_head.index)
            if slot.ready_head is not None and slot.ready_head.is_overdue
            else None,
        )
        for slot in ledger.slots.values()
    ]
    return slots, scripts
