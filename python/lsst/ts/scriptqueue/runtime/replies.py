# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who waits for what becomes of a command, and who has been told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from ..core.effects import AckCommand, ReportInProgress
from ..core.refusals import Refused

__all__ = ["Progress", "Replies"]

#: Told that a command takes up to so many seconds more, and why.
Progress = Callable[[float, str], Coroutine[Any, Any, None]]


class Replies:
    """The commands that were given to the queue and have not been answered.

    Parameters
    ----------
    last_command_id
        The largest number that a command has had.
    """

    def __init__(self, last_command_id: int) -> None:
        self._last_command_id = last_command_id
        self._waiting: dict[int, tuple[asyncio.Future[str], Progress]] = {}
        #: Commands whose last acknowledgement has been sent, and is not written down.
        self._answered: list[int] = []

    def expect(self, progress: Progress) -> tuple[int, asyncio.Future[str]]:
        """Give a command its number, and return it with the reply that will come."""
        self._last_command_id += 1
        reply: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting[self._last_command_id] = (reply, progress)
        return self._last_command_id, reply

    async def answer(self, effect: AckCommand) -> None:
        """Let whoever waits know what has become of a command."""
        reply, _ = self._waiting.pop(effect.command_id, (None, None))
        if reply is None or reply.done():
            return
        if effect.accepted:
            reply.set_result(effect.result)
        else:
            reply.set_exception(Refused(effect.result))

    async def report(self, effect: ReportInProgress) -> None:
        """Let whoever waits know that it takes longer."""
        entry = self._waiting.get(effect.command_id)
        if entry is not None:
            await entry[1](effect.timeout_s, effect.text)

    def note_answered(self, command_id: int) -> None:
        """Note that the last acknowledgement of a command was sent."""
        self._answered.append(command_id)

    def take_answered(self) -> tuple[int, ...]:
        """Return the commands of which that is to be written down, once."""
        answered, self._answered = tuple(self._answered), []
        return answered

    def cancel_all(self) -> None:
        """Let nobody wait any longer."""
        for reply, _ in self._waiting.values():
            reply.cancel()
        self._waiting.clear()
