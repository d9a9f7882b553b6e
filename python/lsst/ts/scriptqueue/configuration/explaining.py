# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the configuration says of a script, in words, without running anything."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..core.layout import MAIN
from ..core.resources import Claim
from .configuration import Configuration
from .lookups import Completion

__all__ = ["Explanation", "explain", "explain_all"]


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is said of a script.

    Attributes
    ----------
    is_standard, path
        The script.
    slot
        The slot it goes to if it is added without one.
    slot_in_words
        The same, with what it depends on.
    resources
        What it needs, as in the event ``script``; "" if it is not known before
        the script is configured.
    resources_in_words
        The same, with what it depends on.
    rule
        The rule that speaks, and where it stands; "" if none does.
    is_exclusive
        Does it run alone, as far as that is known?
    warning
        What is wrong with its configuration; "" for nothing.
    is_by_itself
        Is it left to the script to say what it needs?
    """

    is_standard: bool
    path: str
    slot: str
    slot_in_words: str
    resources: str
    resources_in_words: str
    rule: str
    is_exclusive: bool
    warning: str = ""
    is_by_itself: bool = False

    @property
    def kind(self) -> str:
        """Which directory the script is in: ``standard`` or ``external``."""
        return "standard" if self.is_standard else "external"


def explain(
    configuration: Configuration,
    is_standard: bool,
    path: str,
    config: str | None,
    complete: Completion | None = None,
) -> Explanation:
    """Say what the configuration says of a script.

    Parameters
    ----------
    configuration
        The configuration of the queue.
    is_standard, path
        The script; whether there is one is not looked at.
    config
        Its own configuration, as YAML; None for any.
    complete
        As for `Configuration.rule_on`.
    """
    rule = configuration.rule_for(is_standard, path)
    if rule is None:
        assumed = configuration.layout.slots[0].assumed
        return Explanation(
            is_standard,
            path,
            MAIN,
            MAIN,
            "",
            _by_itself(MAIN, assumed),
            "",
            assumed.everything,
            is_by_itself=True,
        )
    place = f"{rule}, {rule.place}"
    if rule.lookup is not None and config is None:
        found = f"what {rule.lookup.expression} finds in its configuration"
        words = f"{found}; if nothing, everything, so that it runs alone"
        slot_in_words = _if_free(rule.slot)
        return Explanation(is_standard, path, rule.slot or MAIN, slot_in_words, "", words, place, False)
    ruling = rule.rule_on(config or "", complete)
    if ruling.claim is None:
        assumed = configuration.layout.slots[0].assumed
        slot_in_words = f"{MAIN}; {rule.slot} only if the add says what it needs" if rule.slot else MAIN
        words = _by_itself(MAIN, assumed)
        return Explanation(
            is_standard,
            path,
            MAIN,
            slot_in_words,
            "",
            words,
            place,
            assumed.everything,
            is_by_itself=True,
        )
    if not ruling.is_certain:
        slot_in_words = f"{MAIN}; {rule.slot} only if what it needs is known" if rule.slot else MAIN
        words = "not known from its configuration, so everything; it runs alone"
        return Explanation(
            is_standard, path, MAIN, slot_in_words, str(ruling.claim), words, place, True, ruling.warning
        )
    return Explanation(
        is_standard,
        path,
        rule.slot or MAIN,
        _if_free(rule.slot),
        str(ruling.claim),
        _in_words(ruling.claim),
        place,
        ruling.claim.everything,
    )


def explain_all(configuration: Configuration, scripts: Iterable[tuple[bool, str]]) -> list[Explanation]:
    """Explain scripts, whatever their configurations; those that run alone first."""
    found = [explain(configuration, is_standard, path, None) for is_standard, path in scripts]
    return sorted(found, key=lambda said: (not said.is_exclusive, not said.is_standard, said.path))


def _if_free(slot: str) -> str:
    if slot in ("", MAIN):
        return MAIN
    return f"{slot}; {MAIN} if a script in {MAIN} needs any of it when this one is added"


def _by_itself(slot: str, assumed: Claim) -> str:
    return (
        "what the script itself declares when it is configured, else the remotes in its description, "
        f"else what slot {slot} assumes: {_in_words(assumed)}"
    )


def _in_words(claim: Claim) -> str:
    if not claim.everything:
        return str(claim).replace(",", ", ") if claim.resources else "nothing"
    spared = ", ".join(map(str, claim.spared))
    return f"everything but {spared}" if spared else "everything, so that it runs alone"
