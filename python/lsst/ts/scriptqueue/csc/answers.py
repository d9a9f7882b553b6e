# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What clients are told: refusals, and what becomes of a command that is under way at the end."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..core.commands import ChangeState, Command
from ..core.effects import AnswerAgain, Effect
from ..core.refusals import Refused
from ..launch.paths import ScriptPathError
from ..launch.schema import SchemaError
from ..runtime import Runtime
from ..sal.controller_command import ControllerCommand
from ..sal.enums import SalRetCode
from ..sal.errors import ExpectedError

__all__ = ["Answers", "refusals"]

#: Commands that ask nothing of the queue, and are not done if the service is torn away.
_CHANGE_STATE = ("enable", "disable", "standby", "exitControl")

#: A command that is under way when the component closes is waited for this long (seconds).
LAST_ANSWERS_S = 1.0


@dataclasses.dataclass(frozen=True, slots=True)
class _Asker:
    """Whom to answer: the command's number, and who gave it."""

    cmd_id: int
    identity: str
    origin: int


class Answers:
    """Gives commands to the queue, and answers them; also those that an earlier service has not answered.

    Parameters
    ----------
    runtime
        The queue.
    commands
        The commands of the component.
    make_ackcmd
        Makes an acknowledgement.
    is_left
        If the component closes: does another one go on with what is in the queue?
    """

    def __init__(
        self,
        runtime: Runtime,
        commands: Mapping[str, ControllerCommand],
        make_ackcmd: Callable[..., Any],
        is_left: Callable[[], bool],
    ) -> None:
        self._runtime = runtime
        self._commands = commands
        self._make_ackcmd = make_ackcmd
        self._is_left = is_left
        self._open: dict[_Asker, int] = {}
        for command in commands.values():
            command.answered = self._answered
        for name in _CHANGE_STATE:
            commands[name].begun = functools.partial(self._note_change, name)

    @property
    def effects(self) -> Mapping[type[Effect], Callable[..., None]]:
        """What this edge carries out."""
        return {AnswerAgain: self._answer_again}

    def give(self, name: str, command: Command, data: Any) -> asyncio.Future[str]:
        """Give the queue a command that has come as a SAL command of that name; return its reply."""

        async def progress(timeout_s: float, text: str) -> None:
            await self._commands[name].ack_in_progress(data, timeout_s, text)

        asker = _asker(data)
        command_id, reply = self._runtime.give(
            command, asker.cmd_id, progress, asker.identity, asker.origin, name
        )
        self._open[asker] = command_id
        return reply

    async def obtain(self, name: str, command: Command, data: Any) -> Any:
        """Give the queue a command, and return its answer."""
        return await self.answer(data, self.give(name, command, data))

    async def answer(self, data: Any, reply: asyncio.Future[str]) -> Any:
        """Wait for the reply to a command; if the component closes meanwhile, say what becomes of it."""
        try:
            return await _answered(reply) or None
        except _UnfinishedError as unfinished:
            advice = "; look at the next one before you repeat it" if self._is_left() else ""
            text = f"Aborted: {unfinished}{advice}"
            return self._make_ackcmd(data.private_seqNum, SalRetCode.CMD_ABORTED, 1, text)

    def _note_change(self, name: str, data: Any) -> None:
        """Let it be known whom to answer; a queue that has stopped working can still be sent away."""
        if self._runtime.is_running:
            # Nobody waits for what the queue says to it.
            self.give(name, ChangeState(), data).add_done_callback(
                lambda reply: reply.cancelled() or reply.exception()
            )

    def _answered(self, data: Any) -> None:
        command_id = self._open.pop(_asker(data), None)
        if command_id is not None:
            self._runtime.answered(command_id)

    def _answer_again(self, effect: AnswerAgain) -> None:
        command = self._commands[effect.name]
        data = command.DataType(
            private_seqNum=effect.cmd_id, private_identity=effect.identity, private_origin=effect.origin
        )
        if effect.accepted:
            code, error, text = SalRetCode.CMD_COMPLETE, 0, effect.result or "Done"
        else:
            code, error, text = SalRetCode.CMD_FAILED, 1, f"Failed: {effect.result}"

        async def send() -> None:
            await command.ack(data, self._make_ackcmd(effect.cmd_id, code, error, text))
            self._runtime.answered(effect.command_id)

        self._runtime.outbox.put(send, after_all=True)


class _UnfinishedError(Exception):
    """The component ends before a command is done."""


def _asker(data: Any) -> _Asker:
    return _Asker(data.private_seqNum, data.private_identity, data.private_origin)


async def _answered(reply: asyncio.Future[str]) -> str:
    """Wait for the reply of the queue; one who is cancelled waits a moment longer.

    Raises
    ------
    Refused
        If the queue refuses.
    _UnfinishedError
        If the wait was cancelled, and there was no reply in that moment.
    """
    try:
        return await asyncio.shield(reply)
    except asyncio.CancelledError:
        # It has been given to the queue, where most commands are done in a moment.
        await asyncio.wait({reply}, timeout=LAST_ANSWERS_S)
        if reply.done():
            return reply.result()
        reply.cancel()
        raise _UnfinishedError("the service ends before this is done") from None


@contextlib.contextmanager
def refusals() -> Iterator[None]:
    """What the queue refuses is an error the client expected."""
    try:
        yield
    except (Refused, ScriptPathError, SchemaError) as error:
        raise ExpectedError(str(error)) from None
