# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Admission keeps its contract, in any state: compared with the contract written again, slow and plain."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lsst.ts.scriptqueue.core.admission import Walk, walk
from lsst.ts.scriptqueue.core.holdings import Obstacle
from lsst.ts.scriptqueue.core.ledger import Ledger
from lsst.ts.scriptqueue.core.phases import READY_PHASES, Trigger
from lsst.ts.scriptqueue.core.scripts import Reason

from .ledgers import ledgers, slow_view
from .slow_admission import Fate, expected_fates, walking_order

#: The same ledgers every time, so that a change is to blame for what it breaks.
QUICK = settings(
    max_examples=500, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
#: Other ledgers every time.
LONG = settings(QUICK, max_examples=50_000, derandomize=False, print_blob=True)


def quickly_and_for_long(strategy: st.SearchStrategy[Any]) -> Callable[[Callable[[Any], None]], Any]:
    """A property of what a strategy gives, tested on few and, if that is asked for, on many."""

    def decorate(prop: Callable[[Any], None]) -> Any:
        def test(how: settings) -> None:
            how(given(strategy)(prop))()

        test.__doc__ = prop.__doc__
        long = pytest.param(LONG, id="long", marks=[pytest.mark.long, pytest.mark.timeout(0)])
        return pytest.mark.parametrize("how", [pytest.param(QUICK, id="quick"), long])(test)

    return decorate


def starts(found: Walk) -> list[int]:
    """Who is admitted, in this order."""
    return [decision.index for decision in found.decisions if decision.trigger is Trigger.ADMITTED]


def fate_of(ledger: Ledger, index: int, found: Walk) -> Fate:
    """What a walk says of a waiting script, in the words of the slow one."""
    script, reason = ledger.scripts[index], found.reasons[index]
    slot = ledger.slot_of(script)
    if index in starts(found):
        return Fate.START
    if not isinstance(reason, str):
        return Fate.LACKS
    if reason.startswith((f"slot {slot.name} is taken by ", f"slot {slot.name} is full: ")):
        return Fate.ROOM
    if "was added before and needs" in reason:
        return Fate.ROUTED
    if script.phase in READY_PHASES and reason == script.phase.value:
        return Fate.NAMING
    return Fate.NOT_YET


def obstacles(reason: Reason) -> list[Obstacle]:
    return [] if isinstance(reason, str) else [thing.obstacle for thing in reason]


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
