# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sending commands."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from ..bus.contract import Message, TopicSpec
from .acks import DEFAULT_TIMEOUT_S
from .errors import ComponentError, FieldError
from .records import Record, as_dict, record_class
from .writer import Stamping

if TYPE_CHECKING:
    from .remote import Remote

__all__ = ["RemoteCommand"]


class RemoteCommand:
    """Sends one command to a component, and waits until it is done.

    Time limits are in seconds, an hour if none is given. They count from the
    call; an acknowledgement in progress extends them by its ``timeout``.

    Parameters
    ----------
    topic
        The command.
    name
        Its plain name.
    owner
        The remote.
    """

    def __init__(self, topic: TopicSpec, name: str, owner: Remote) -> None:
        self.topic = topic
        self.name = name
        self._owner = owner
        self._record = record_class(topic)
        self._message = self._record.default_message()
        self._stamping = Stamping(topic, owner)

    @property
    def data(self) -> Any:
        """The command as last set or sent."""
        return self._record.received(dict(self._message))

    def DataType(self, **fields: Any) -> Any:
        """Make a command that `start` can be given, in salobj's spelling."""
        return self._record(**fields)

    def set(self, **fields: Any) -> bool:
        """Make a new command with these fields, and defaults for the others.

        Returns
        -------
        did_change
            Does it differ from the one before?

        Raises
        ------
        FieldError
            If there is no such field, or it cannot hold the value.
        """
        message = self._record.default_message() | self._record.checked(fields)
        did_change = any(
            value != self._message[name] for name, value in message.items() if not name.startswith("private_")
        )
        self._message = message
        return did_change

    async def set_start(self, timeout: float | None = None, wait_done: bool = True, **fields: Any) -> Any:
        """Make a new command with these fields, send it, and wait.

        Parameters
        ----------
        timeout
            Time limit.
        wait_done
            Wait until it is done, or just for the first acknowledgement?
        **fields
            Fields of the command, and ``salIndex`` for a remote of many.

        Returns
        -------
        ackcmd
            The last acknowledgement.

        Raises
        ------
        AckError
            If it failed.
        AckTimeoutError
            If it was not done in time.
        FieldError
            If there is no such field, or it cannot hold the value.
        """
        self.set(**fields)
        return await self.start(timeout=timeout, wait_done=wait_done)

    async def start(
        self, data: Record | None = None, timeout: float | None = None, wait_done: bool = True
    ) -> Any:
        """Send a command, and wait.

        Parameters
        ----------
        data
            The command; None for what was set.
        timeout, wait_done
            As for `set_start`.

        Returns
        -------
        ackcmd
            The last acknowledgement.

        Raises
        ------
        AckError
            If it failed.
        AckTimeoutError
            If it was not done in time.
        """
        self._owner.check_open()
        message = self._compose(data)
        acknowledgements = self._owner.acknowledgements
        pending = acknowledgements.expect(
            message["private_seqNum"], f"{self._owner.name_of(message)} {self.name}"
        )
        timeout_s = DEFAULT_TIMEOUT_S if timeout is None else timeout
        is_answered = False
        try:
            async with asyncio.timeout(timeout_s) as limit:
                await self._owner.send(self.topic, message)
                ack = await pending.answer(limit, wait_done=wait_done)
            is_answered = True
        except TimeoutError:
            raise acknowledgements.timed_out(pending, timeout_s) from None
        finally:
            if not is_answered:
                acknowledgements.forget(pending)
        return acknowledgements.settle(pending, ack)

    async def next_ackcmd(self, ackcmd: Record, timeout: float | None = None, wait_done: bool = True) -> Any:
        """Wait for more, after an acknowledgement that was not final.

        Parameters
        ----------
        ackcmd
            What `start`, `set_start` or this returned.
        timeout, wait_done
            As for `set_start`.

        Raises
        ------
        AckError, AckTimeoutError
            As `start` does.
        ComponentError
            If the command is finished or unknown.
        """
        acknowledgements = self._owner.acknowledgements
        pending = acknowledgements.find(ackcmd.private_seqNum)
        if pending is None:
            raise ComponentError(f"no command {self.name} with private_seqNum {ackcmd.private_seqNum} waits")
        timeout_s = DEFAULT_TIMEOUT_S if timeout is None else timeout
        try:
            async with asyncio.timeout(timeout_s) as limit:
                ack = await pending.answer(limit, wait_done=wait_done)
        except TimeoutError:
            raise acknowledgements.timed_out(pending, timeout_s) from None
        return acknowledgements.settle(pending, ack)

    def _compose(self, data: Record | None) -> Message:
        if data is not None:
            if not isinstance(data, self._record):
                raise TypeError(f"{self.name}: start takes a {self._record.__name__}, not {data!r:.200}")
            self._message = as_dict(data)
        message = dict(self._message)
        owner = self._owner
        if owner.spec.indexed:
            message["salIndex"] = self._target(message["salIndex"])
        number = owner.domain.sequence_numbers.take(owner.spec, self.name)
        self._stamping.fill(message, owner.domain.identity, number)
        return message

    def _target(self, index: int) -> int:
        owner = self._owner
        if index == 0 and owner.index != 0:
            return owner.index
        if index == 0:
            raise FieldError(f"{owner.spec.name} {self.name}: this remote speaks to many; say salIndex=")
        if index not in owner.indices:
            raise FieldError(
                f"{owner.spec.name} {self.name}: salIndex {index} is not of this remote,"
                f" which has {owner.indices.first} to {owner.indices.last}"
            )
        return index
