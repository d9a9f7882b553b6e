# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What scripts need: names of components, and which of them get in each other's way.

A resource is a component, ``MTMount`` or all of ``ESS``, or one of its
indices, ``ESS:3``. A `Claim` is what one script needs: some resources, or
everything but some. Two claims overlap if there may be a thing that both
need: ``ESS`` overlaps ``ESS:3``, ``ESS:3`` does not overlap ``ESS:4``, and
``*`` overlaps whatever it does not spare.

A `Catalogue` says which names stand for several (groups), and which can be
shared (capacities); it turns what people and scripts write into claims.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .refusals import Refused

__all__ = ["EVERYTHING", "NONE", "NOTHING", "Catalogue", "Claim", "Resource"]

#: How a client says that a script needs nothing.
NONE = "none"

_ALL = "*"
_SPARED = "!"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_INDEX = re.compile(r"[0-9]{1,10}|[*]")
_RIGHT = "Component or Component:index, separated by commas; '*' for everything, '*,!ESS' for all but ESS"


@dataclass(frozen=True, slots=True, order=True)
class Resource:
    """A component, or one index of it.

    Attributes
    ----------
    component
        Name of the component.
    index
        Its SAL index; 0 stands for all of it, as it does in SAL.
    """

    component: str
    index: int = 0

    def __str__(self) -> str:
        return f"{self.component}:{self.index}" if self.index else self.component

    def covers(self, other: Resource) -> bool:
        """Is the other one a part of this one, or the same?"""
        return self.component == other.component and self.index in (0, other.index)

    def overlaps(self, other: Resource) -> bool:
        """Is there something that is in both?"""
        return self.covers(other) or other.covers(self)


@dataclass(frozen=True, slots=True)
class Claim:
    """What one script needs.

    Attributes
    ----------
    resources
        The resources it needs, in order, none twice.
    everything
        Does it need everything there is? Then ``resources`` is empty.
    spared
        What it does not need although it needs everything else.
    """

    resources: tuple[Resource, ...] = ()
    everything: bool = False
    spared: tuple[Resource, ...] = ()

    def __str__(self) -> str:
        if self.everything:
            return ",".join([_ALL, *(f"{_SPARED}{resource}" for resource in self.spared)])
        return ",".join(map(str, self.resources)) or NONE

    def spares(self, resource: Resource) -> bool:
        """Can this claim on everything leave a resource to others?"""
        return any(spared.covers(resource) for spared in self.spared)

    def overlaps(self, other: Claim) -> bool:
        """Is there something that both may need?"""
        if self.everything:
            return other.everything or not all(map(self.spares, other.resources))
        if other.everything:
            return other.overlaps(self)
        return any(mine.overlaps(theirs) for mine in self.resources for theirs in other.resources)

    def shared_with(self, other: Claim) -> Claim:
        """What both may need."""
        if self.everything and other.everything:
            return Claim(everything=True, spared=tuple(sorted({*self.spared, *other.spared})))
        if other.everything:
            return other.shared_with(self)
        if self.everything:
            return Claim(tuple(theirs for theirs in other.resources if not self.spares(theirs)))
        both = {
            theirs if mine.covers(theirs) else mine
            for mine in self.resources
            for theirs in other.resources
            if mine.overlaps(theirs)
        }
        return Claim(tuple(sorted(both)))


#: A script that needs nothing.
NOTHING = Claim()

#: A script of which nothing is known, or that needs all there is.
EVERYTHING = Claim(everything=True)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Which names stand for several, and which can be shared.

    Attributes
    ----------
    groups
        Name of a group to its members, none of which is a group.
    capacities
        Name of a component to how many scripts may hold it at a time; 1 for
        those that are not named. Such a component has no indices.
    """

    groups: Mapping[str, tuple[Resource, ...]] = field(default_factory=dict)
    capacities: Mapping[str, int] = field(default_factory=dict)

    def claim(self, names: Iterable[str]) -> Claim:
        """Make a claim of names as people write them, groups among them.

        Raises
        ------
        Refused
            If a name is none, or an index of what is shared without one.
        """
        needed: set[Resource] = set()
        spared: set[Resource] = set()
        everything = False
        for name in names:
            if name == _ALL:
                everything = True
            elif name.startswith(_SPARED):
                spared.update(self.expand(name[len(_SPARED) :].strip()))
            else:
                needed.update(self.expand(name))
        if spared and not everything:
            raise Refused(
                f"'!{min(spared)}' means all but {min(spared)}, so it needs '*' beside it: {_RIGHT}"
            )
        if everything:
            kept = {resource for resource in spared if not any(other.overlaps(resource) for other in needed)}
            return Claim(everything=True, spared=_tidy(kept))
        return Claim(_tidy(needed))

    def parse(self, text: str) -> Claim:
        """Make a claim of a text: names separated by commas, or ``none``.

        Raises
        ------
        Refused
            As `claim`.
        """
        names = [name.strip() for name in text.split(",")]
        if names == [NONE]:
            return NOTHING
        return self.claim(names)

    def expand(self, name: str) -> tuple[Resource, ...]:
        """The resources that one name stands for; ``ESS:*`` is all of ESS.

        Raises
        ------
        Refused
            As `claim`.
        """
        members = self.groups.get(name)
        if members is not None:
            return members
        component, colon, index = name.partition(":")
        if name == NONE:
            raise Refused(f"{NONE!r} stands alone, for no resource at all")
        if not _NAME.fullmatch(component) or (colon and not _INDEX.fullmatch(index)):
            raise Refused(f"{name!r} is no resource; write {_RIGHT}")
        if component in self.groups:
            raise Refused(f"{name} cannot be: {component} is a group, so it has no index; name its members")
        # Scripts take Component:* for all of its indices.
        resource = Resource(component, 0 if index in ("", _ALL) else int(index))
        if resource.index and component in self.capacities:
            raise Refused(f"{name} cannot be: {component} is shared by number, so it has no index")
        return (resource,)


def _tidy(resources: set[Resource]) -> tuple[Resource, ...]:
    """In order, without those that others among them cover."""
    return tuple(
        sorted(
            resource
            for resource in resources
            if not any(other != resource and other.covers(resource) for other in resources)
        )
    )
