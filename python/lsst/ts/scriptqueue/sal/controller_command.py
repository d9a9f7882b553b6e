# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Receiving commands: each is run in a task of its own, and acknowledged.

| the callback | acknowledgement |
|---|---|
| returns None | CMD_COMPLETE, "Done" |
| returns text | CMD_COMPLETE, the text |
| returns an acknowledgement | that one |
| raises ExpectedError | CMD_FAILED, "Failed: <why>" |
| raises TimeoutError | CMD_TIMEOUT |
| is cancelled | CMD_ABORTED |
| raises anything else | CMD_FAILED, "Failed: <why>", and a traceback in the log |

Commands of one name wait for each other, unless ``allow_multiple_callbacks``
is set; commands of different names never do. A command that comes while the
controller starts waits until it has; one that comes while it closes fails.
"""

from __future__ import annotations

import asyncio
import collections
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..bus.contract import BusError, Message, TopicSpec
from .endpoint import Phase
from .enums import SalRetCode
from .errors import ExpectedError
from .records import Record, record_class, wire_text

if TYPE_CHECKING:
    from .controller import Controller

__all__ = ["ControllerCommand"]

#: How many commands of one name may wait for their turn.
MAX_WAITING = 1000

CommandCallback = Callable[[Any], Any]


class ControllerCommand:
    """Receives one command of a controller.

    Parameters
    ----------
    topic
        The command.
    name
        Its plain name.
    owner
        The controller.

    Attributes
    ----------
    topic, name
        As given.
    callback
        Does what is commanded; sync or async. None: the command fails.
    allow_multiple_callbacks
        May the callback be called again while it runs?
    cmdtype
        The number of the command in acknowledgements.
    begun
        Called with each command before it is carried out.
    answered
        Called with each command whose last acknowledgement has been sent.
    """

    def __init__(self, topic: TopicSpec, name: str, owner: Controller) -> None:
        self.topic = topic
        self.name = name
        self.callback: CommandCallback | None = None
        self.allow_multiple_callbacks = False
        self.begun: Callable[[Any], None] | None = None
        self.answered: Callable[[Any], None] | None = None
        self.cmdtype = list(owner.spec.topics).index(topic.name)
        self._owner = owner
        self._record = record_class(topic)
        self._waiting: collections.deque[Record] = collections.deque()
        self._running = 0

    def DataType(self, **fields: Any) -> Any:
        """Make a command as the callback gets it, in salobj's spelling."""
        return self._record(**fields)

    def deliver(self, message: Message) -> None:
        """Take a command from the bus."""
        if message["private_seqNum"] <= 0:
            self._owner.log.warning(
                "%s: ignored a command of %s whose private_seqNum is %d, not positive",
                self.name,
                message["private_identity"],
                message["private_seqNum"],
            )
            return
        message["private_rcvStamp"] = self._owner.domain.clock.tai()
        data = self._record.received(message)
        if len(self._waiting) < MAX_WAITING:
            self._waiting.append(data)
            self.run_waiting()
        elif self._owner.is_running:
            self._refuse(data, f"{MAX_WAITING} commands {self.name} wait already; try again later")

    def run_waiting(self) -> None:
        """Run the commands that wait, as far as they may run now."""
        owner = self._owner
        while self._waiting and owner.is_taking_commands and owner.is_running:
            if owner.phase is Phase.CLOSING:
                why = f": {owner.ends_because}" if owner.ends_because else ""
                self._refuse(self._waiting.popleft(), f"{owner.title} is closing{why}")
            elif self._running and not self.allow_multiple_callbacks:
                return
            else:
                self._running += 1
                owner.spawn(self._run(self._waiting.popleft()), f"command {self.name}")

    async def ack(self, data: Any, ackcmd: Any) -> None:
        """Acknowledge a command.

        Parameters
        ----------
        data
            The command.
        ackcmd
            From `Controller.make_ackcmd`.
        """
        await self._owner.write_ack(
            private_seqNum=data.private_seqNum,
            ack=ackcmd.ack,
            error=ackcmd.error,
            result=ackcmd.result,
            identity=data.private_identity,
            origin=data.private_origin,
            cmdtype=self.cmdtype,
            timeout=ackcmd.timeout,
        )

    async def ack_in_progress(self, data: Any, timeout: float, result: str = "") -> None:
        """Say that a command is being carried out.

        Parameters
        ----------
        data
            The command.
        timeout
            How much longer it may take (seconds).
        result
            What is being done.
        """
        await self.ack(data, self._make(data, SalRetCode.CMD_INPROGRESS, result, timeout=timeout))

    async def _run(self, data: Record) -> None:
        try:
            if self.begun is not None:
                self.begun(data)
            await self._answer(data, await self._carry_out(data))
        finally:
            self._running -= 1
            self.run_waiting()

    async def _answer(self, data: Record, ack: Record) -> None:
        try:
            await self.ack(data, ack)
            if self.answered is not None:
                self.answered(data)
        except BusError as error:
            # The client's own time limit tells it; this is no reason to end the component.
            self._owner.log.error(
                "%s: the answer to %s was lost: %s", self.name, data.private_identity, error
            )

    async def _carry_out(self, data: Record) -> Record:
        """Call the callback, and return the acknowledgement."""
        try:
            if self.callback is None:
                raise ExpectedError(f"{self._owner.title} does not support the command {self.name}")
            result = self.callback(data)
            if inspect.isawaitable(result):
                result = await result
            return self._as_ack(data, result)
        except asyncio.CancelledError:
            return self._make(data, SalRetCode.CMD_ABORTED, "Aborted", error=1)
        except TimeoutError:
            return self._make(data, SalRetCode.CMD_TIMEOUT, "Timeout", error=1)
        except ExpectedError as error:
            return self._failed(data, str(error))
        except Exception as error:
            self._owner.log.exception("%s failed with %r", self.name, data)
            return self._failed(data, str(error) or repr(error))

    def _as_ack(self, data: Record, result: object) -> Record:
        if result is None:
            return self._make(data, SalRetCode.CMD_COMPLETE, "Done")
        if isinstance(result, str):
            return self._make(data, SalRetCode.CMD_COMPLETE, result)
        if isinstance(result, Record):
            return result
        raise TypeError(f"a command returns None, text or an acknowledgement, not {result!r:.200}")

    def _failed(self, data: Record, reason: str) -> Record:
        return self._make(data, SalRetCode.CMD_FAILED, f"Failed: {reason}", error=1)

    def _make(
        self, data: Record, code: SalRetCode, result: str, *, error: int = 0, timeout: float = 0.0
    ) -> Record:
        ack: Record = self._owner.make_ackcmd(data.private_seqNum, code, error, wire_text(result), timeout)
        return ack

    def _refuse(self, data: Record, reason: str) -> None:
        self._owner.spawn(self._answer(data, self._failed(data, reason)), f"refusal of {self.name}")
