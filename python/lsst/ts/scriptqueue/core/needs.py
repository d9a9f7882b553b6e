# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which resources one script needs, and who said so.

The first that speaks counts: the command that added it; a rule of the
configuration; the script's own declaration; the components it commands, as
far as it says; what its slot assumes. Not known means exclusive.

They are settled once, when the script is configured and has described
itself, and never change after that.
"""

from __future__ import annotations

from dataclasses import dataclass

from .layout import SlotSettings
from .refusals import Refused
from .resources import EVERYTHING, Catalogue, Claim
from .rulings import Ruling

__all__ = ["Description", "Needs", "needs_at_add"]


@dataclass(frozen=True, slots=True)
class Description:
    """What a script says of its resources.

    Attributes
    ----------
    resources
        Its declaration: names separated by commas, or ``none``; "" if it
        makes none.
    remotes
        The components it commands, ``Name:index`` separated by commas.
    """

    resources: str = ""
    remotes: str = ""


@dataclass(slots=True)
class Needs:
    """What one script needs.

    Attributes
    ----------
    foreseen
        What was known when it was added; None if nothing was.
    claim
        What it needs; None until that is settled.
    source
        Who said so, in words.
    is_certain
        False if what was foreseen is only what is safe.
    """

    foreseen: Claim | None = None
    claim: Claim | None = None
    source: str = ""
    is_certain: bool = True

    @property
    def expected(self) -> Claim:
        """The best that is known now; everything, if nothing is."""
        return self.claim or self.foreseen or EVERYTHING

    def settle(self, description: Description | None, catalogue: Catalogue, slot: SlotSettings) -> str:
        """Decide what it needs; return what is wrong with what it said, "" if nothing."""
        said = description or Description()
        if self.foreseen is not None:
            self.claim = self.foreseen
            return ""
        for text, source in ((said.resources, "its own declaration"), (said.remotes, "its remotes")):
            if text.strip():
                self.source = source
                try:
                    self.claim = catalogue.parse(text)
                except Refused as refusal:
                    self.claim = EVERYTHING
                    return f"{source}, {text!r:.200}, cannot be used, so it runs alone: {refusal}"
                return ""
        self.claim = slot.assumed
        self.source = f"assumed by slot {slot.name}"
        return ""


def needs_at_add(resources: str, ruling: Ruling, catalogue: Catalogue) -> Needs:
    """What is known of a script when it is added.

    Parameters
    ----------
    resources
        What the command says.
    ruling
        What the rules say.

    Raises
    ------
    Refused
        If the command's resources cannot be understood.
    """
    if resources.strip():
        try:
            return Needs(catalogue.parse(resources), source="the command that added it")
        except Refused as refusal:
            raise Refused(f"resources {resources!r:.200}: {refusal}") from None
    if ruling.claim is not None:
        return Needs(ruling.claim, source=ruling.rule, is_certain=ruling.is_certain)
    return Needs()
