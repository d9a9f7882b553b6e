# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the model has made of an event: what scripts are told, and everything else.

What scripts are told is what people wait for, so it is done first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..core.effects import ConfigureScript, Effect, RunScript, SetGroupId, StopScript

__all__ = ["Outcome", "count_orders", "has_effects", "outcome_of"]

_ORDERS = (ConfigureScript, SetGroupId, RunScript, StopScript)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What has come of an event.

    Attributes
    ----------
    orders
        What scripts are to be told, as far as they have not been.
    effects
        Everything else.
    """

    orders: Sequence[Effect]
    effects: Sequence[Effect]


def outcome_of(effects: Sequence[Effect]) -> Outcome:
    """Part the effects of an event."""
    orders = [effect for effect in effects if isinstance(effect, _ORDERS)]
    return Outcome(orders, [effect for effect in effects if not isinstance(effect, _ORDERS)])


def has_effects(outcome: Outcome) -> bool:
    """Is there anything to be done?"""
    return bool(outcome.orders or outcome.effects)


def count_orders(outcomes: Sequence[Outcome]) -> int:
    """How many orders there are in outcomes."""
    return sum(len(outcome.orders) for outcome in outcomes)
