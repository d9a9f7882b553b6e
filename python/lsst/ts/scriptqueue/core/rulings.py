# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the rules of the configuration say about a script that is added.

Rules match paths by globs and look into configurations; that is done at the
edge. Here is the verdict, which arrives with the command.
"""

from __future__ import annotations

from dataclasses import dataclass

from .resources import Claim

__all__ = ["NO_RULING", "Ruling"]


@dataclass(frozen=True, slots=True)
class Ruling:
    """A verdict.

    Attributes
    ----------
    rule
        The rule that spoke, in words for people; "" if none did.
    slot
        The slot it proposes; "" for none.
    claim
        The resources it says; None if it says nothing about them.
    is_certain
        False if the rule could not be applied to this script's configuration,
        so that the claim, everything, is only what is safe.
    warning
        What is wrong with the script's configuration in the eyes of the rule;
        "" for nothing.
    """

    rule: str = ""
    slot: str = ""
    claim: Claim | None = None
    is_certain: bool = True
    warning: str = ""


#: No rule spoke.
NO_RULING = Ruling()
