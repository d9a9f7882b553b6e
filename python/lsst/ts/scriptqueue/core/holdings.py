# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who holds which resources, who has reserved some, and what is in whose way.

A resource without a capacity is in the way of whatever overlaps it. A name
with capacity n is in nobody's way until n scripts hold or have reserved it.
A claim on everything, but what it spares, is in the way of all and has all
in its way.

Of several who are in the way of one resource the first counts, which is one
that holds it if anybody does: so a look costs the same however many wait.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import NamedTuple

from .resources import Claim, Resource

__all__ = ["Holdings", "Obstacle"]


class Obstacle(NamedTuple):
    """Something in a script's way.

    Attributes
    ----------
    holder
        SAL index of the script whose it is.
    is_reserved
        Is it only reserved?
    resource
        What both need; None for everything.
    has_failed
        Has the script that holds it failed?
    """

    holder: int
    is_reserved: bool
    resource: Resource | None
    has_failed: bool = False


class Holdings:
    """What is held and reserved. What is held is to be added first.

    Parameters
    ----------
    capacities
        How many may hold a name at once, where that is not one.
    """

    __slots__ = ("_capacities", "_counted", "_everything", "_named")

    def __init__(self, capacities: Mapping[str, int]) -> None:
        self._capacities = capacities
        # Component to index to the first who has it: index 0 is all of it.
        self._named: dict[str, dict[int, Obstacle]] = {}
        self._counted: dict[str, list[Obstacle]] = {}
        self._everything: list[tuple[Obstacle, Claim]] = []

    def add(self, holder: int, claim: Claim, *, is_reserved: bool = False, has_failed: bool = False) -> None:
        """Let a script hold what it claims, or reserve it."""
        if claim.everything:
            self._everything.append((Obstacle(holder, is_reserved, None, has_failed), claim))
        for resource in claim.resources:
            component = resource.component
            if component in self._capacities:
                entry = Obstacle(holder, is_reserved, resource, has_failed)
                self._counted.setdefault(component, []).append(entry)
                continue
            by_index = self._named.get(component)
            if by_index is None:
                by_index = self._named[component] = {}
            if resource.index not in by_index:
                by_index[resource.index] = Obstacle(holder, is_reserved, resource, has_failed)

    def obstacles(self, claim: Claim) -> tuple[Obstacle, ...]:
        """What is in the way of a claim, what is held first; empty if it can be had."""
        found = self._in_way_of_everything(claim) if claim.everything else self._in_way_of_names(claim)
        if len(found) > 1:
            found.sort(key=_IS_RESERVED)
        return tuple(found)

    def _in_way_of_names(self, claim: Claim) -> list[Obstacle]:
        found: list[Obstacle] = []
        for resource in claim.resources:
            capacity = self._capacities.get(resource.component)
            if capacity is not None:
                entries = self._counted.get(resource.component, [])
                if len(entries) >= capacity:
                    found += entries[:capacity]
            elif by_index := self._named.get(resource.component):
                entry = _first(by_index, resource.index)
                if entry is not None:
                    found.append(entry if entry.resource == resource else entry._replace(resource=resource))
            for entry, everything in self._everything:
                if not everything.spares(resource):
                    found.append(entry._replace(resource=resource))
                    break
        return found

    def _in_way_of_everything(self, claim: Claim) -> list[Obstacle]:
        found = [self._everything[0][0]] if self._everything else []
        for entries in (*(by_index.values() for by_index in self._named.values()), *self._counted.values()):
            for entry in entries:
                if entry.resource is not None and not claim.spares(entry.resource):
                    found.append(entry)
                    break
        return found


_IS_RESERVED = operator.attrgetter("is_reserved")


def _first(by_index: Mapping[int, Obstacle], index: int) -> Obstacle | None:
    """Who has this index of a component, or all of it; if it is 0, the first who has any index of it.

    Of two, one who holds it comes before one who has only reserved it.
    """
    if index == 0:
        return next(iter(by_index.values()), None)
    whole, one = by_index.get(0), by_index.get(index)
    if whole is None or one is None:
        return whole or one
    return one if whole.is_reserved and not one.is_reserved else whole
