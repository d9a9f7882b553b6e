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
from collections.abc import Iterator, Mapping
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
    """

    holder: int
    is_reserved: bool
    resource: Resource | None


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

    def add(self, holder: int, claim: Claim, *, is_reserved: bool = False) -> None:
        """Let a script hold what it claims, or reserve it."""
        if claim.everything:
            self._everything.append((Obstacle(holder, is_reserved, None), claim))
        for resource in claim.resources:
            entry = Obstacle(holder, is_reserved, resource)
            if resource.component in self._capacities:
                self._counted.setdefault(resource.component, []).append(entry)
            else:
                self._named.setdefault(resource.component, {}).setdefault(resource.index, entry)

    def obstacles(self, claim: Claim) -> tuple[Obstacle, ...]:
        """What is in the way of a claim, what is held first; empty if it can be had."""
        found = list(self._in_way_of_everything(claim) if claim.everything else self._in_way_of_names(claim))
        if len(found) > 1:
            found.sort(key=_IS_RESERVED)
        return tuple(found)

    def _in_way_of_names(self, claim: Claim) -> Iterator[Obstacle]:
        for resource in claim.resources:
            capacity = self._capacities.get(resource.component)
            if capacity is not None:
                entries = self._counted.get(resource.component, [])
                if len(entries) >= capacity:
                    yield from entries[:capacity]
            elif by_index := self._named.get(resource.component):
                entry = _first(by_index, resource.index)
                if entry is not None:
                    yield entry if entry.resource == resource else entry._replace(resource=resource)
            for entry, everything in self._everything:
                if not everything.spares(resource):
                    yield entry._replace(resource=resource)
                    break

    def _in_way_of_everything(self, claim: Claim) -> Iterator[Obstacle]:
        if self._everything:
            yield self._everything[0][0]
        for entries in (*(by_index.values() for by_index in self._named.values()), *self._counted.values()):
            for entry in entries:
                if entry.resource is not None and not claim.spares(entry.resource):
                    yield entry
                    break


_IS_RESERVED = operator.attrgetter("is_reserved")


def _first(by_index: Mapping[int, Obstacle], index: int) -> Obstacle | None:
    """The first who has this index of a component, or any index if it is 0."""
    if index == 0:
        return next(iter(by_index.values()), None)
    return by_index.get(0) or by_index.get(index)
