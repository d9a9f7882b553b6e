# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where events are written before they take effect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ..core.effects import Effect
from ..core.events import Event

__all__ = ["Book", "NoBook"]


class Book(Protocol):
    """What the runtime needs of a journal."""

    async def keep(self, events: Sequence[Event]) -> str:
        """Write events, in order; all that were kept or owed before have been handled.

        Returns
        -------
        str
            "" when they are on disk, else why they are not. What is handled
            all the same is to be owed.
        """
        ...

    def owe(self, event: Event) -> None:
        """Take an event that could not be written and is handled now; it is written when that is possible."""
        ...

    def note(self, effects: Sequence[Effect]) -> None:
        """Take notice of what an event has led to, for the history."""
        ...


class NoBook(Book):
    """Keeps nothing: for a queue that lives as long as its process."""

    async def keep(self, events: Sequence[Event]) -> str:
        return ""

    def owe(self, event: Event) -> None:
        pass

    def note(self, effects: Sequence[Effect]) -> None:
        pass
