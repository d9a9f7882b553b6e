# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Acknowledgements, as a client waits for them.

A client takes only those whose identity and origin are its own. The wait ends
with a final acknowledgement, or when the time is up; one in progress extends
the time by its ``timeout``. A code nobody knows is logged and ignored.
"""

from __future__ import annotations

import asyncio
import collections
import math
from typing import TYPE_CHECKING, Any

from ..bus.contract import Message
from .enums import SalRetCode
from .errors import AckError, AckTimeoutError, ComponentError
from .records import Record, record_class

if TYPE_CHECKING:
    from .endpoint import Endpoint

__all__ = ["DEFAULT_TIMEOUT_S", "FAILED_CODES", "FINAL_CODES", "Acknowledgements", "PendingCommand"]

#: Time limit of a command for which none is given (seconds).
DEFAULT_TIMEOUT_S = 3600.0

FAILED_CODES = frozenset(
    {
        SalRetCode.CMD_ABORTED,
        SalRetCode.CMD_FAILED,
        SalRetCode.CMD_NOACK,
        SalRetCode.CMD_NOPERM,
        SalRetCode.CMD_STALLED,
        SalRetCode.CMD_TIMEOUT,
    }
)
FINAL_CODES = FAILED_CODES | {SalRetCode.CMD_COMPLETE}
_KNOWN_CODES = FINAL_CODES | {SalRetCode.CMD_ACK, SalRetCode.CMD_INPROGRESS}

#: How many commands are kept track of. A client that waits for the first
#: acknowledgement only, and then forgets the command, leaves one behind.
_PENDING_KEPT = 10_000


class PendingCommand:
    """A command that has been sent and not been finished.

    Parameters
    ----------
    number
        Its ``private_seqNum``.
    title
        Component and command, for messages.
    """

    def __init__(self, number: int, title: str) -> None:
        self.number = number
        self.title = title
        self.last: Record | None = None
        self._queue: collections.deque[Record] = collections.deque()
        self._arrived = asyncio.Event()
        self._is_given_up = False

    def add(self, ack: Record) -> None:
        """Take an acknowledgement."""
        self._queue.append(ack)
        self._arrived.set()

    def give_up(self) -> None:
        """Let whoever waits know that nothing will come."""
        self._is_given_up = True
        self._arrived.set()

    async def answer(self, limit: asyncio.Timeout, *, wait_done: bool) -> Record:
        """Wait for the final acknowledgement, or just for the next one.

        Parameters
        ----------
        limit
            The time limit in force, which is extended.
        wait_done
            Wait for the final one?

        Raises
        ------
        ComponentError
            If the remote was closed meanwhile.
        """
        while True:
            while not self._queue:
                self._arrived.clear()
                await self._arrived.wait()
                if self._is_given_up:
                    raise ComponentError(f"{self.title}: the remote was closed before it was done")
            self.last = ack = self._queue.popleft()
            if ack.ack in FINAL_CODES or not wait_done:
                return ack
            extension_s = ack.timeout
            if ack.ack == SalRetCode.CMD_INPROGRESS and extension_s > 0 and math.isfinite(extension_s):
                limit.reschedule((limit.when() or 0.0) + extension_s)


class Acknowledgements:
    """The commands of one remote that wait for acknowledgement.

    Parameters
    ----------
    owner
        The remote.
    """

    def __init__(self, owner: Endpoint) -> None:
        self._owner = owner
        self._record = record_class(owner.spec.ackcmd)
        self._pending: dict[int, PendingCommand] = {}

    @property
    def under_way(self) -> list[int]:
        """The numbers of the commands that wait, the oldest first."""
        return list(self._pending)

    def deliver(self, message: Message) -> None:
        """Take an acknowledgement from the bus."""
        domain = self._owner.domain
        if message["identity"] != domain.identity or message["origin"] != domain.origin:
            return
        pending = self._pending.get(message["private_seqNum"])
        if pending is None:
            return
        if message["ack"] not in _KNOWN_CODES:
            self._owner.log.warning(
                "%s: ignored an unknown acknowledgement %s", pending.title, message["ack"]
            )
            return
        message["private_rcvStamp"] = domain.clock.tai()
        pending.add(self._record.received(message))

    def expect(self, number: int, title: str) -> PendingCommand:
        """Begin to take the acknowledgements of a command."""
        if len(self._pending) >= _PENDING_KEPT:
            del self._pending[next(iter(self._pending))]
        pending = self._pending[number] = PendingCommand(number, title)
        return pending

    def find(self, number: int) -> PendingCommand | None:
        """Return the command that still waits under a number."""
        return self._pending.get(number)

    def forget(self, pending: PendingCommand) -> None:
        """Take no more acknowledgements of a command."""
        self._pending.pop(pending.number, None)

    def close(self) -> None:
        """Give up all commands that wait."""
        for pending in self._pending.values():
            pending.give_up()

    def settle(self, pending: PendingCommand, ack: Record) -> Any:
        """Return an acknowledgement, or raise what it says.

        Raises
        ------
        AckError
            If the command failed.
        """
        if ack.ack in FINAL_CODES:
            self.forget(pending)
        if ack.ack in FAILED_CODES:
            raise AckError(f"{pending.title} failed", ack)
        return ack

    def timed_out(self, pending: PendingCommand, timeout_s: float) -> AckTimeoutError:
        """Give a command up, and return the error to be raised."""
        self.forget(pending)
        last = pending.last or self._record(
            private_seqNum=pending.number,
            ack=SalRetCode.CMD_NOACK,
            result="No command acknowledgement seen",
        )
        return AckTimeoutError(f"{pending.title} was not done within {timeout_s} s", last)
