# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who holds which resources, who has reserved some, and what is in whose way.

A resource without a capacity is in the way of whatever overlaps it. A name
with capacity n is in nobody's way until n scripts hold or have reserved it.
A claim on everything, but what it spares, is in the way of all and has all
in its way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .resources import Claim, Resource

__all__ = ["Holdings", "Obstacle"]


@dataclass(frozen=True, slots=True)
class Obstacle:
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


@dataclass(frozen=True, slots=True)
class _Entry:
    holder: int
    is_reserved: bool
    resource: Resource


class Holdings:
    """What is held and reserved.

    Parameters
    ----------
    capacities
        How many may hold a name at once, where that is not one.
    """

    __slots__ = ("_capacities", "_everything", "_named")

    def __init__(self, capacities: Mapping[str, int]) -> None:
        self._capacities = capacities
        self._named: dict[str, list[_Entry]] = {}
        self._everything: list[tuple[int, bool, Claim]] = []

    def add(self, holder: int, claim: Claim, *, is_reserved: bool = False) -> None:
        """Let a script hold what it claims, or reserve it."""
        if claim.everything:
            self._everything.append((holder, is_reserved, claim))
        for resource in claim.resources:
            self._named.setdefault(resource.component, []).append(_Entry(holder, is_reserved, resource))

    def obstacles(self, claim: Claim) -> list[Obstacle]:
        """What is in the way of a claim, what is held first; empty if it can be had."""
        found = list(self._in_way_of_everything(claim) if claim.everything else self._in_way_of_names(claim))
        found.sort(key=lambda obstacle: obstacle.is_reserved)
        return found

    def _in_way_of_names(self, claim: Claim) -> Iterator[Obstacle]:
        for resource in claim.resources:
            entries = self._named.get(resource.component, ())
            capacity = self._capacities.get(resource.component)
            if capacity is None:
                for entry in entries:
                    if entry.resource.overlaps(resource):
                        yield Obstacle(entry.holder, entry.is_reserved, resource)
            elif len(entries) >= capacity:
                for entry in entries:
                    yield Obstacle(entry.holder, entry.is_reserved, resource)
            for holder, is_reserved, everything in self._everything:
                if not everything.spares(resource):
                    yield Obstacle(holder, is_reserved, resource)

    def _in_way_of_everything(self, claim: Claim) -> Iterator[Obstacle]:
        for holder, is_reserved, _ in self._everything:
            yield Obstacle(holder, is_reserved, None)
        for entries in self._named.values():
            for entry in entries:
                if not claim.spares(entry.resource):
                    yield Obstacle(entry.holder, entry.is_reserved, entry.resource)
