# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing events and telemetry.

An event goes out when its content differs from what was last written, or when
it is forced; telemetry always does. The private fields are filled in here,
at the moment of writing, and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..bus.contract import Message, TopicKind, TopicSpec
from .records import record_class
from .revision import revision_code
from .sequence import MAX_SEQUENCE_NUMBER

if TYPE_CHECKING:
    from .endpoint import Endpoint

__all__ = ["EventWriter", "SetWriteResult", "Stamping"]


class Stamping:
    """Fills in the private fields of one topic's messages.

    Parameters
    ----------
    topic
        The topic.
    owner
        The endpoint that writes.
    """

    def __init__(self, topic: TopicSpec, owner: Endpoint) -> None:
        self._topic = topic
        self._owner = owner
        self._revision = ""

    def fill(self, message: Message, identity: str, number: int) -> None:
        """Fill in all private fields.

        Parameters
        ----------
        message
            The message, which is changed.
        identity
            Who writes.
        number
            ``private_seqNum``.
        """
        self._revision = self._revision or revision_code(self._topic)
        domain = self._owner.domain
        stamp = domain.stamper.stamp()
        message["private_sndStamp"] = message["private_kafkaStamp"] = stamp
        message["private_efdStamp"] = domain.clock.utc_from_tai(stamp)
        message["private_rcvStamp"] = 0.0
        message["private_seqNum"] = number
        message["private_revCode"] = self._revision
        message["private_identity"] = identity
        message["private_origin"] = domain.origin


@dataclass(frozen=True, slots=True)
class SetWriteResult:
    """What `EventWriter.set_write` did.

    Attributes
    ----------
    did_change
        Did a value change?
    was_written
        Was the message written?
    data
        The message.
    """

    did_change: bool
    was_written: bool
    data: Any


class EventWriter:
    """Writes one event, or one topic of telemetry, of a controller.

    Parameters
    ----------
    topic
        What to write.
    owner
        The controller.

    Attributes
    ----------
    topic
        As given.
    has_data
        Has `set` or `write` ever been called?
    """

    def __init__(self, topic: TopicSpec, owner: Endpoint) -> None:
        self.topic = topic
        self.has_data = False
        self._owner = owner
        self._record = record_class(topic)
        self._message = self._record.default_message()
        self._stamping = Stamping(topic, owner)
        self._identity = owner.title
        self._number = 0
        self._is_always_written = topic.kind is TopicKind.TELEMETRY
        # What readers have is not what is here.
        self._is_unwritten = True
        if owner.spec.indexed:
            self._message["salIndex"] = owner.index

    @property
    def data(self) -> Any:
        """The message as it was last set or written."""
        return self._record.received(dict(self._message))

    def set(self, **fields: Any) -> bool:
        """Set fields; those given as None stay as they are.

        Returns
        -------
        did_change
            Is the message another one now, or was this the first call?

        Raises
        ------
        FieldError
            If there is no such field, or it cannot hold the value; nothing is
            set then.
        """
        values = self._record.checked(fields)
        did_change = any(_differ(self._message[name], value) for name, value in values.items())
        self._message.update(values)
        self._is_unwritten |= did_change
        did_change |= not self.has_data
        self.has_data = True
        return did_change

    async def write(self) -> Any:
        """Write the message, and return it as written.

        Raises
        ------
        ComponentError
            If the controller was not started, or is closed.
        BusError
            If the middleware does not take it.
        """
        self._number = self._number % MAX_SEQUENCE_NUMBER + 1
        self._stamping.fill(self._message, self._identity, self._number)
        message = dict(self._message)
        self.has_data = True
        self._is_unwritten = False
        try:
            await self._owner.send(self.topic, message)
        except BaseException:
            self._is_unwritten = True
            raise
        return self._record.received(message)

    async def set_write(self, *, force_output: bool | None = None, **fields: Any) -> SetWriteResult:
        """Set fields, and write if that is news to the readers.

        Parameters
        ----------
        force_output
            Write in any case? By default telemetry only.
        **fields
            As for `set`.

        Raises
        ------
        FieldError, ComponentError, BusError
            As `set` and `write` do.
        """
        did_change = self.set(**fields)
        is_forced = self._is_always_written if force_output is None else force_output
        if self._is_unwritten or is_forced:
            return SetWriteResult(did_change, True, await self.write())
        return SetWriteResult(did_change, False, self.data)


def _differ(old: Any, new: Any) -> bool:
    """Do two values of a field differ? NaN is like NaN."""
    if isinstance(old, list):
        return any(map(_differ, old, new)) if old != new else False
    return bool(old != new and (old == old or new == new))
