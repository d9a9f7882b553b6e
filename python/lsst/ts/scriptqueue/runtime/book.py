# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where events are written before they take effect."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol, TypeGuard

from ..core.commands import ChangeState, Pause, ShowQueue, ShowScript, StopScripts
from ..core.effects import Effect
from ..core.events import CommandGiven, Event

__all__ = ["Book", "NoBook", "needs_the_book"]

#: Commands that make the night safe, only look, or ask nothing of the queue: they are carried out even
#: if they cannot be written down.
_ALWAYS_TAKEN = (Pause, StopScripts, ShowQueue, ShowScript, ChangeState)


def needs_the_book(event: Event) -> TypeGuard[CommandGiven]:
    """Is it a command that is refused if it cannot be written?"""
    return isinstance(event, CommandGiven) and not isinstance(event.command, _ALWAYS_TAKEN)


class Book(Protocol):
    """What the runtime needs of a journal.

    Several writes may be waited for at once; they become known in the order
    in which they were asked for.
    """

    def keep(self, events: Sequence[Event], *, are_handled: bool) -> asyncio.Future[str]:
        """Have events written, in order.

        Parameters
        ----------
        events
            What happened.
        are_handled
            Does the model know of them already, and of nothing else that was
            not given here before? Then they may wait a moment for what comes
            next, and are written later if they cannot be written now.

        Returns
        -------
        asyncio.Future
            "" when they are on disk, else why they are not. Which of those
            that were not handled yet are handled all the same is to be said
            by `owe` at once, before anything else is to be written.
        """
        ...

    def jot(self) -> bool:
        """Note, where it outlives this process, all that the model has handled and that is to be written.

        Returns
        -------
        bool
            Whether that was possible. It is still to be written, at once if it
            was not, and only then outlives the machine.
        """
        ...

    def owe(self, event: Event) -> None:
        """Take an event that could not be written, and is handled; it is written when that is possible."""
        ...

    def note(self, effects: Sequence[Effect]) -> None:
        """Take notice of what an event has led to, for the history."""
        ...

    def distrust(self) -> None:
        """Take notice that the model has failed halfway through an event, so that it is not written down."""
        ...


class NoBook(Book):
    """Keeps nothing: for a queue that lives as long as its process."""

    def keep(self, events: Sequence[Event], *, are_handled: bool) -> asyncio.Future[str]:
        kept: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        kept.set_result("")
        return kept

    def jot(self) -> bool:
        return True

    def owe(self, event: Event) -> None:
        pass

    def note(self, effects: Sequence[Effect]) -> None:
        pass

    def distrust(self) -> None:
        pass
