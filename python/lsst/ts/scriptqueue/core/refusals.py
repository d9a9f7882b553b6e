# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors of the core: what a client may not do, and what must not happen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .phases import Phase, Trigger
    from .stories import Story

__all__ = ["IllegalTransition", "InvariantBroken", "Refused", "listing"]

#: A person reads no more.
_MAX_LISTED = 20


class Refused(Exception):
    """A command that changes nothing; the text says why and what would be right."""


def listing(items: Sequence[object]) -> str:
    """List what there is, in a text for people."""
    more = len(items) - _MAX_LISTED
    text = ", ".join(map(str, items[:_MAX_LISTED])) or "none"
    return f"{text} and {more} more" if more > 0 else text


class InvariantBroken(AssertionError):
    """The model contradicts itself."""


class IllegalTransition(RuntimeError):
    """A trigger that the script's phase has no transition for.

    The text holds the script's story.
    """

    def __init__(self, index: int, phase: Phase, trigger: Trigger, story: Story) -> None:
        super().__init__(
            f"script {index}: {trigger.name} is not possible in phase {phase.name}; its story:\n{story}"
        )
