# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of resources in a configuration: which there are, and what is wrong with others."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..core.refusals import Refused, listing
from ..core.resources import NONE, NOTHING, Catalogue, Claim, Resource
from .documents import Key
from .faults import Fault
from .merging import Merged

__all__ = ["Names", "near"]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_SPARED = "!"
_NAME_IN_WORDS = "a letter, then letters, digits and _"


class Names:
    """The names that a configuration gives, and the claims made of them.

    Parameters
    ----------
    merged
        The configuration.
    report
        Told what is wrong.

    Attributes
    ----------
    catalogue
        Groups, with their members resolved, and capacities; what is wrong is
        left out.
    """

    def __init__(self, merged: Merged, report: Callable[[Fault], None]) -> None:
        self._merged = merged
        self._report = report
        data = merged.data
        self._groups: Mapping[str, Sequence[str]] = data.get("groups", {})
        self._capacities: Mapping[str, int] = data.get("capacities", {})
        self._components: Sequence[str] = data.get("components", ())
        self._check_keys()
        resolved: dict[str, tuple[Resource, ...]] = {}
        for name in self._groups:
            self._resolve(name, resolved, ())
        self.catalogue = Catalogue(
            groups=resolved,
            capacities={name: number for name, number in self._capacities.items() if _NAME.fullmatch(name)},
        )

    def claim(self, names: Sequence[str], key: Key) -> Claim:
        """Make a claim of names; what is wrong is reported, and nothing claimed."""
        # A wrong group has been reported where it stands.
        plain = [
            (place, name.removeprefix(_SPARED).strip()) for place, name in enumerate(names) if name != "*"
        ]
        faults = [self._fault_of_name(name, (*key, place)) for place, name in plain]
        if not any(faults):
            try:
                return self.catalogue.claim(names)
            except Refused as error:
                faults.append(self._merged.fault(key, str(error)))
        for fault in filter(None, faults):
            self._report(fault)
        return NOTHING

    def _check_keys(self) -> None:
        for place, name in enumerate(self._components):
            if not _NAME.fullmatch(name):
                self._fault(("components", place), f"{name!r} is no name of a component: {_NAME_IN_WORDS}")
        for name in self._groups:
            key = ("groups", name)
            if not _NAME.fullmatch(name) or name == NONE:
                self._fault(key, f"{name!r} is no name of a group: {_NAME_IN_WORDS}, and not {NONE}")
            if name in self._components:
                self._fault(key, f"{name} is among the components, so it can be no group")
        for name in self._capacities:
            key = ("capacities", name)
            if not _NAME.fullmatch(name) or name == NONE:
                self._fault(key, f"{name!r} cannot be shared: write a component, without an index")
            if name in self._groups:
                self._fault(key, f"{name} is a group, and groups have no capacity; name its members")

    def _resolve(
        self, group: str, resolved: dict[str, tuple[Resource, ...]], above: tuple[str, ...]
    ) -> tuple[Resource, ...]:
        """The members of a group, with those of the groups among them in their place."""
        if group in resolved:
            return resolved[group]
        found: dict[Resource, None] = {}
        for place, member in enumerate(self._groups[group]):
            key = ("groups", group, place)
            if member == group:
                self._fault(key, f"{group} is a member of itself; leave it out")
            elif member in above:
                way = " -> ".join([*above[above.index(member) :], group, member])
                self._fault(key, f"groups contain each other: {way}")
            elif member in self._groups:
                found.update(dict.fromkeys(self._resolve(member, resolved, (*above, group))))
            elif fault := self._fault_of_member(member, key):
                self._report(fault)
            else:
                found.update(dict.fromkeys(Catalogue().expand(member)))
        resolved[group] = tuple(sorted(found))
        return resolved[group]

    def _fault_of_member(self, member: str, key: Key) -> Fault | None:
        component = member.partition(":")[0]
        if member.startswith((_SPARED, "*")):
            return self._merged.fault(key, f"{member!r} cannot be in a group; name each member")
        if component in self._capacities:
            return self._merged.fault(
                key, f"{component} is among the capacities; what is shared by number can be in no group"
            )
        return self._fault_of_name(member, key)

    def _fault_of_name(self, name: str, key: Key) -> Fault | None:
        """What is wrong with the name of a resource, or of a group."""
        if name in self._groups:
            return None
        component = name.partition(":")[0]
        if name == NONE:
            return self._merged.fault(key, f"{NONE!r} cannot be here; nothing is the empty list, []")
        catalogue = Catalogue(groups=dict.fromkeys(self._groups, ()), capacities=self._capacities)
        try:
            catalogue.expand(name)
        except Refused as error:
            return self._merged.fault(key, str(error))
        known = [*self._components, *self._capacities]
        if self._components and component not in known:
            hint = near(component, [*known, *self._groups])
            return self._merged.fault(key, f"{component} is neither a component nor a group{hint}")
        return None

    def _fault(self, key: Key, text: str) -> None:
        self._report(self._merged.fault(key, text))


def near(word: str, known: Iterable[Any]) -> str:
    """Return a hint at what was meant: the names like it, else some that there are."""
    names = {str(name).casefold(): str(name) for name in known}
    found = [names[folded] for folded in difflib.get_close_matches(word.casefold(), names)]
    return (
        f"; did you mean {' or '.join(found)}?" if found else f"; there are {listing(sorted(names.values()))}"
    )
