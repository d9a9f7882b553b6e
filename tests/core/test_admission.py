# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Admission keeps its contract, in any state: compared with the contract written again, slow and plain."""

from __future__ import annotations

from hypothesis import strategies as st

from lsst.ts.scriptqueue.core.admission import Walk, walk
from lsst.ts.scriptqueue.core.holdings import Obstacle
from lsst.ts.scriptqueue.core.ledger import Ledger
from lsst.ts.scriptqueue.core.phases import PLACED_PHASES, READY_PHASES, TRANSITIONS, Phase, Place, Trigger
from lsst.ts.scriptqueue.core.scripts import Full, Reason

from .ledgers import ledgers, slow_view
from .properties import quickly_and_for_long
from .slow_admission import Fate, can_be_had, expected_fates, walking_order

LEAVING = frozenset({Phase.ABANDONED, Phase.STRAYING, Phase.DROPPING, Phase.LOST_WAITING})


def starts(found: Walk) -> list[int]:
    """Who is admitted, in this order."""
    return [decision.index for decision in found.decisions if decision.trigger is Trigger.ADMITTED]


def fate_of(ledger: Ledger, index: int, found: Walk) -> Fate:
    """What a walk says of a waiting script, in the words of the slow one."""
    script, reason = ledger.scripts[index], found.reasons[index]
    if index in starts(found):
        return Fate.START
    if isinstance(reason, Full):
        assert reason.slot == script.slot
        return Fate.ROOM
    if not isinstance(reason, str):
        return Fate.LACKS
    if "was added before and needs" in reason:
        return Fate.ROUTED
    if script.phase in READY_PHASES and reason == script.phase.value:
        return Fate.NAMING
    return Fate.NOT_YET


def obstacles(reason: Reason) -> list[Obstacle]:
    return [] if isinstance(reason, str | Full) else list(reason)


@quickly_and_for_long(ledgers())
def test_a_walk_says_of_each_what_the_contract_says(ledger: Ledger) -> None:
    slots, scripts = slow_view(ledger)
    found = walk(ledger)
    waiting = [index for slot in ledger.slots.values() for index in slot.waiting]
    assert {index: fate_of(ledger, index, found) for index in waiting} == expected_fates(
        slots, scripts, ledger.layout.catalogue.capacities
    )


@quickly_and_for_long(ledgers())
def test_what_is_said_to_be_in_the_way_is_in_the_way(ledger: Ledger) -> None:
    """Each reason names somebody who looks at the same, and is before it in the walk if it reserves."""
    found = walk(ledger)
    slots, scripts = slow_view(ledger)
    order = [index for _, index in walking_order(slots, scripts)]
    for index, reason in found.reasons.items():
        for obstacle in obstacles(reason):
            assert scripts[obstacle.holder].claim.overlaps(scripts[index].claim)
            if obstacle.is_reserved:
                assert order.index(obstacle.holder) < order.index(index)
                assert found.reasons[obstacle.holder], "who starts holds, and does not reserve"


@quickly_and_for_long(ledgers())
def test_a_walk_changes_nothing(ledger: Ledger) -> None:
    before = [(script.index, script.phase, script.slot) for script in ledger.live()]
    assert walk(ledger) == walk(ledger)
    assert before == [(script.index, script.phase, script.slot) for script in ledger.live()]
    assert not ledger.effects


def in_order(ledger: Ledger) -> list[int]:
    """The waiting scripts in the order of the walk."""
    return list(dict.fromkeys(index for _, index in walking_order(*slow_view(ledger))))


def forget_former_heads(ledger: Ledger) -> None:
    """Forget, as each walk does, of heads before which others were put since when they were ready.

    Else they would be the heads again, and overdue, as soon as those are removed.
    """
    for slot in ledger.slots.values():
        aside = LEAVING | {Phase.ENTERING}
        head = next((index for index in slot.waiting if ledger.scripts[index].phase not in aside), None)
        if slot.ready_head is not None and slot.ready_head.index != head:
            slot.ready_head = None


def remove(ledger: Ledger, index: int) -> None:
    """Let a live script never have been."""
    script = ledger.scripts.pop(index)
    slot = ledger.slots[script.slot]
    (slot.waiting if index in slot.waiting else slot.current).remove(index)


def carry_out(ledger: Ledger, found: Walk) -> None:
    """Do what a walk has decided, but nothing that comes of it."""
    for decision in found.decisions:
        script = ledger.scripts[decision.index]
        script.phase = TRANSITIONS[script.phase, decision.trigger]
        if script.place is Place.CURRENT:
            slot = ledger.slot_of(script)
            slot.waiting.remove(script.index)
            slot.current.append(script.index)


@quickly_and_for_long(st.tuples(ledgers(), st.integers(0, 30)))
def test_nobody_is_touched_by_those_that_come_later_in_the_walk(drawn: tuple[Ledger, int]) -> None:
    """Starts and reasons of the first are the same without the others.

    Who was put beside main by a rule does not come later, wherever it waits:
    main keeps the order in which they were added. And who has been admitted,
    or runs unbidden, does not wait.
    """
    ledger, kept = drawn
    forget_former_heads(ledger)
    order = in_order(ledger)
    before = walk(ledger)
    for index in order[kept:]:
        script = ledger.scripts[index]
        if script.phase is not Phase.ENTERING and not script.runs_unbidden and not script.is_routed:
            remove(ledger, index)
    after = walk(ledger)
    first = order[:kept]
    assert [index for index in starts(before) if index in first] == [
        index for index in starts(after) if index in first
    ]
    assert {index: before.reasons[index] for index in first} == {
        index: after.reasons[index] for index in first
    }


@quickly_and_for_long(ledgers())
def test_what_was_decided_and_done_is_not_decided_again(ledger: Ledger) -> None:
    carry_out(ledger, walk(ledger))
    assert not starts(walk(ledger))


@quickly_and_for_long(ledgers())
def test_nobody_overtakes_for_the_same_resource(ledger: Ledger) -> None:
    """Nobody starts with what one before it in its own slot lacks, eager or not."""
    found = walk(ledger)
    for index in starts(found):
        script = ledger.scripts[index]
        waiting = ledger.slot_of(script).waiting
        passed = [
            ledger.scripts[other].needs.expected
            for other in waiting[: waiting.index(index)]
            if fate_of(ledger, other, found) in (Fate.LACKS, Fate.NAMING)
        ]
        assert can_be_had(script.needs.expected, passed, ledger.layout.catalogue.capacities)


@quickly_and_for_long(ledgers())
def test_where_nothing_is_held_the_first_that_is_ready_starts(ledger: Ledger) -> None:
    """Nobody waits for resources that nobody uses.

    Two do not start although nothing is held. One whose group id is on its
    way: it starts, without another walk over the others, when it has it, or
    is ended when that takes too long. And one of main that was added after
    one that a rule has put beside main and that overlaps it: clients that
    know of no slots rely on their order, so it waits even where the slot of
    the other is paused or its first script still loads. It reserves nothing,
    so that it holds up nobody else.
    """
    for script in list(ledger.live()):
        if script.phase in PLACED_PHASES or script.runs_unbidden:
            remove(ledger, script.index)
    found = walk(ledger)
    fates = [fate_of(ledger, index, found) for index in in_order(ledger)]
    firsts = [fate for fate in fates if fate in (Fate.LACKS, Fate.NAMING, Fate.START)]
    assert firsts[:1] in ([], [Fate.NAMING], [Fate.START])
    if not firsts:
        for slot in ledger.slots.values():
            heads = [index for index in slot.waiting if ledger.scripts[index].phase not in LEAVING]
            if ledger.enabled and slot.pause is None and heads:
                head = ledger.scripts[heads[0]]
                is_ready = head.phase in READY_PHASES and not head.deaf_because
                assert not is_ready or fate_of(ledger, heads[0], found) is Fate.ROUTED
