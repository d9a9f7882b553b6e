# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules: which scripts they speak for, and what they say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..core.resources import Claim
from ..core.rulings import Ruling
from .documents import Key
from .faults import Fault
from .globs import Glob, GlobError, uncovered
from .lookups import Completion, Lookup, fault_of_expression
from .merging import Merged
from .names import Names, near

__all__ = ["Rule", "rules_of"]

#: What may stand before the path, and which scripts it means: standard ones, or others.
_KINDS = {"standard": (True,), "external": (False,), "*": (True, False)}


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule.

    Attributes
    ----------
    number
        Which one it is, from 1.
    script
        Which scripts it speaks for, as it was written.
    kinds
        For standard scripts (True), others (False), or both?
    glob
        For which paths?
    place
        Where it stands: file and line.
    slot
        The slot it proposes; "" for none.
    claim
        What the scripts need; None if it does not say.
    lookup
        How to find that in their configuration; None if it does not say.
    """

    number: int
    script: str
    kinds: tuple[bool, ...]
    glob: Glob
    place: str
    slot: str = ""
    claim: Claim | None = None
    lookup: Lookup | None = None

    def __str__(self) -> str:
        return f"rule {self.number} ({self.script})"

    def matches(self, is_standard: bool, path: str) -> bool:
        """Does it speak for a script?"""
        return is_standard in self.kinds and self.glob.matches(path)

    def rule_on(self, config: str | dict[Any, Any], complete: Completion | None = None) -> Ruling:
        """Say what it says of a script that has a configuration."""
        if self.lookup is None:
            return Ruling(str(self), self.slot, self.claim)
        found = self.lookup.find(config, complete)
        warning = f"{self}: {found.warning}; so the script runs alone" if found.warning else ""
        return Ruling(str(self), self.slot, found.claim, found.is_certain, warning)


def rules_of(
    merged: Merged, names: Names, slots: Sequence[str], report: Callable[[Fault], None]
) -> tuple[Rule, ...]:
    """Read the rules; what is wrong is reported, and left out."""
    rules: list[Rule] = []
    for place, entry in enumerate(merged.data.get("rules", ())):
        key: Key = ("rules", place)
        claim = names.claim(entry["resources"], (*key, "resources")) if "resources" in entry else None
        lookup = _lookup(merged, names, entry, key, report)
        slot = entry.get("slot", "")
        if "slot" in entry and slot not in slots:
            report(merged.fault((*key, "slot"), f"there is no slot {slot!r}{near(slot, slots)}"))
        if "resources" in entry and lookup is not None:
            text = "says both resources and resources_from; leave out one"
            report(merged.fault((*key, "resources_from"), text))
        try:
            kinds, glob = _scripts(entry["script"])
        except GlobError as error:
            report(merged.fault((*key, "script"), f"{entry['script']!r}: {error}"))
            continue
        stands = merged.fault(key, "")
        place_in_words = f"{stands.file.name}, line {stands.line}"
        rule = Rule(place + 1, entry["script"], kinds, glob, place_in_words, slot, claim, lookup)
        if text := _swallowed(rule, rules):
            report(merged.fault((*key, "script"), text))
        rules.append(rule)
    return tuple(rules)


def _scripts(text: str) -> tuple[tuple[bool, ...], Glob]:
    kind, colon, path = text.partition(":")
    if not colon or kind not in _KINDS:
        raise GlobError(f"begin with {', '.join(f'{kind}:' for kind in _KINDS)} and then the path")
    return _KINDS[kind], Glob.parse(path)


def _lookup(
    merged: Merged, names: Names, entry: Mapping[str, Any], key: Key, report: Callable[[Fault], None]
) -> Lookup | None:
    expression = entry.get("resources_from")
    if expression is None:
        return None
    if text := fault_of_expression(expression):
        report(merged.fault((*key, "resources_from"), f"{expression!r} is no JMESPath: {text}"))
    return Lookup(expression, names.catalogue)


def _swallowed(rule: Rule, earlier: Sequence[Rule]) -> str:
    """Why a rule never speaks; "" if it does."""
    speaking: dict[int, Rule] = {}
    for kind in rule.kinds:
        before = [other for other in earlier if kind in other.kinds]
        if uncovered(rule.glob, [other.glob for other in before]) is not None:
            return ""
        # Each that can be left out is, so that those are named without which it would speak.
        for other in list(before):
            rest = [another for another in before if another is not other]
            if uncovered(rule.glob, [another.glob for another in rest]) is None:
                before = rest
        speaking.update({other.number: other for other in before})
    places = [f"{other.script} in {other.place}" for _, other in sorted(speaking.items())]
    verb = "speaks" if len(places) == 1 else "speak"
    first = f"for each of its scripts {' or '.join(places)} {verb} first"
    return f"never speaks: {first}; move it up, or leave it out"
