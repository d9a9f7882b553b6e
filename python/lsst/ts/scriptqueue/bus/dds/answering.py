# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""No command is delivered before its acknowledgement can be.

A component may get a client's first command a moment before it has found the
client's reader of acknowledgements; what it answered then would be lost. So
the first commands of a client wait, in order, until that reader is found, or
for `PATIENCE_S` in case the client does not care for answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from .endpoint import address_of_client
from .library import dds
from .reader import Reader
from .writer import Writer

__all__ = ["PATIENCE_S", "Answering"]

#: How long a command waits for a way back to its client.
PATIENCE_S = 1.0

#: How many command writers are remembered as being able to hear the answer.
_REMEMBERED = 5000


class Answering:
    """The gate before the commands of one component.

    Parameters
    ----------
    acknowledgements
        Writer of the component's acknowledgements.
    """

    def __init__(self, acknowledgements: Writer) -> None:
        self._acknowledgements = acknowledgements
        self._clients = acknowledgements.clients()
        self._open: set[int] = set()
        self._waiting: dict[int, _Waiting] = {}

    def guard(self, commands: Reader) -> None:
        """Put the gate before a reader of commands."""

        def gate(writer: int, deliver: Callable[[], None]) -> None:
            if writer in self._open:
                deliver()
            elif writer in self._waiting:
                self._waiting[writer].deliveries.append(deliver)
            else:
                self._meet(commands, writer, deliver)

        commands.gate = gate

    def look_again(self) -> None:
        """Let through whose reader has been found meanwhile."""
        self._clients = self._acknowledgements.clients()
        for writer, waiting in list(self._waiting.items()):
            if waiting.client in self._clients:
                self._let_through(writer)

    def close(self) -> None:
        """Drop what waits."""
        for waiting in self._waiting.values():
            waiting.timer.cancel()
        self._waiting.clear()

    def _meet(self, commands: Reader, writer: int, deliver: Callable[[], None]) -> None:
        client = address_of_client(dds.dds_get_matched_publication_data(commands.entity, writer))
        if not client or client in self._clients:
            self._remember(writer)
            deliver()
            return
        timer = asyncio.get_running_loop().call_later(PATIENCE_S, self._let_through, writer)
        self._waiting[writer] = _Waiting(client, timer, [deliver])

    def _let_through(self, writer: int) -> None:
        waiting = self._waiting.pop(writer)
        waiting.timer.cancel()
        self._remember(writer)
        for deliver in waiting.deliveries:
            deliver()

    def _remember(self, writer: int) -> None:
        if len(self._open) >= _REMEMBERED:
            self._open.clear()
        self._open.add(writer)


class _Waiting:
    __slots__ = ("client", "deliveries", "timer")

    def __init__(
        self, client: bytes, timer: asyncio.TimerHandle, deliveries: list[Callable[[], None]]
    ) -> None:
        self.client = client
        self.timer = timer
        self.deliveries = deliveries
