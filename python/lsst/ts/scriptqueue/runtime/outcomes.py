# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the model has made of an event: what scripts are told, and everything else.

The two part here because what scripts are told is what people wait for: it
need not be on the disk if it cannot be forgotten as long as the scripts live.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..core.effects import ConfigureScript, Effect, RunScript, SetGroupId, StopScript
from ..core.events import Event

__all__ = ["Outcome", "count_orders", "outcome_of"]

_ORDERS = (ConfigureScript, SetGroupId, RunScript, StopScript)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What has come of an event.

    Attributes
    ----------
    event
        The event.
    orders
        What scripts are to be told, as far as they have not been.
    effects
        Everything else, to be done when the event is on the disk.
    """

    event: Event
    orders: Sequence[Effect]
    effects: Sequence[Effect]


def outcome_of(event: Event, effects: Sequence[Effect]) -> Outcome:
    """Part the effects of an event."""
    orders = [effect for effect in effects if isinstance(effect, _ORDERS)]
    return Outcome(event, orders, [effect for effect in effects if not isinstance(effect, _ORDERS)])


def count_orders(outcomes: Sequence[Outcome]) -> int:
    """How many orders there are in outcomes."""
    return sum(len(outcome.orders) for outcome in outcomes)
