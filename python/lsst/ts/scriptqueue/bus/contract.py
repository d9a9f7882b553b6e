# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a middleware must offer, and nothing more.

The rules of this contract, which `tests/bus` holds every implementation to:

* A component opens one `Link` for all the topics it writes and reads, in one
  call, so that a middleware may set them all up in one go. `Bus.open` returns
  when the history of every topic read has been handed to its ``deliver``, and
  nothing written by anybody from then on is missed.
* Messages are plain mappings from field name to value, complete, and are
  delivered in the order of `TopicSpec.fields`. Numbers are in the range of
  their type; text can be encoded as UTF-8 and has no NUL. The bus moves them;
  it neither fills nor interprets a field, except ``salIndex``, by which it
  routes. Whoever is given a message may keep and change it.
* An event has history: a late reader is given the latest message of each SAL
  index, at least as long as its writer's link is open. (Of hundreds of
  indices, a middleware may forget those that were written longest ago.)
  Commands, acknowledgements and telemetry have none.
* The acknowledgement of a client's first command is not lost to discovery
  either: a command is delivered only when its answer can be.
* Order holds within one topic and writer. ``deliver`` is called on the event
  loop, never from inside `Bus.open` of another task or from `Link.write`, and
  an exception it raises is logged and stops nobody.
* No intermediate message is lost to a reader that is late or slow for a
  while, and a reader that has stopped blocks no writer.
* A message that cannot be decoded is logged once per topic and skipped.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

__all__ = [
    "Bus",
    "BusError",
    "FieldSpec",
    "FieldType",
    "IndexRange",
    "Link",
    "Message",
    "Reading",
    "TopicKind",
    "TopicSpec",
]

#: Field name to value: bool, int, float, str, or a list of those for an
#: array field.
Message = dict[str, Any]


class BusError(RuntimeError):
    """The middleware could not do what was asked; the text says what to do."""


class FieldType(enum.Enum):
    """The SAL types of a field, named as in the interface definitions."""

    BOOLEAN = "boolean"
    BYTE = "byte"
    SHORT = "short"
    INT = "int"
    LONG = "long"
    LONG_LONG = "long long"
    UNSIGNED_SHORT = "unsigned short"
    UNSIGNED_INT = "unsigned int"
    FLOAT = "float"
    DOUBLE = "double"
    STRING = "string"


class TopicKind(enum.Enum):
    """What a topic carries, which decides about history and routing."""

    COMMAND = "command"
    ACKNOWLEDGEMENT = "acknowledgement"
    EVENT = "event"
    TELEMETRY = "telemetry"


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field of a topic.

    Attributes
    ----------
    name
        Name on the wire.
    type
        SAL type.
    count
        Number of elements; above 1 the field is an array of that length.
        Strings are never arrays.
    units
        Units as astropy writes them, or ``unitless``.
    description
        What the field means.
    """

    name: str
    type: FieldType
    count: int = 1
    units: str = "unitless"
    description: str = ""


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """One SAL topic of one component.

    Attributes
    ----------
    component
        Name of the component, such as ``ScriptQueue``.
    name
        SAL topic name, such as ``command_add``, ``logevent_queue``, ``ackcmd``.
    kind
        What it carries.
    fields
        All fields in wire order: ``salIndex`` (if indexed), the private
        ones, the topic's own.
    description
        What the topic means.
    """

    component: str
    name: str
    kind: TopicKind
    fields: tuple[FieldSpec, ...]
    description: str = ""

    def check_same_fields(self, other: TopicSpec) -> None:
        """Raise `BusError` if another definition of this topic has other fields."""
        if other is not self and other.fields != self.fields:
            raise BusError(f"{self.component}.{self.name} is open with other fields; use one definition")


@dataclass(frozen=True, slots=True)
class IndexRange:
    """SAL indices ``first`` to ``last``, both included.

    ``IndexRange.one(5)`` is index 5 alone, ``IndexRange.every()`` all of
    them. A bus may use it to keep messages of other indices from waking the
    process; it never delivers a message outside the range.
    """

    first: int
    last: int

    @classmethod
    def one(cls, index: int) -> IndexRange:
        return cls(index, index)

    @classmethod
    def every(cls) -> IndexRange:
        return cls(0, 2**31 - 1)

    def __contains__(self, index: int) -> bool:
        return self.first <= index <= self.last


@dataclass(frozen=True, slots=True)
class Reading:
    """A wish to read one topic.

    Attributes
    ----------
    topic
        What to read.
    indices
        The SAL indices wanted.
    deliver
        Called on the event loop with each message, in order.
    """

    topic: TopicSpec
    indices: IndexRange
    deliver: Callable[[Message], None]


class Link(Protocol):
    """The topics one component writes and reads, opened together."""

    async def write(self, topic: TopicSpec, message: Mapping[str, Any]) -> None:
        """Write a message.

        Returns when the middleware has taken it over: every reader that is
        open gets it, also if this process ends right after `aclose`. A
        command is not lost to discovery: where readers are found only after a
        while, writing waits a bounded time for the reader of its
        ``salIndex``; if there is none the message is dropped silently, and
        the client's own time limit tells.

        Raises
        ------
        BusError
            If the topic was not opened for writing, the message does not fit
            the topic, or the middleware did not take it.
        """
        ...

    async def aclose(self) -> None:
        """Stop reading, flush what was written, and let go. Idempotent."""
        ...


class Bus(Protocol):
    """A connection of this process to a middleware."""

    async def open(
        self,
        *,
        index: int,
        writes: Iterable[TopicSpec],
        reads: Iterable[Reading],
    ) -> Link:
        """Open a link.

        Parameters
        ----------
        index
            SAL index of the opening component itself; 0 for a client of many.
        writes
            Topics to be written.
        reads
            Topics to be read, with their readers.

        Raises
        ------
        BusError
            If the middleware cannot be reached or refuses.
        """
        ...

    async def hand_down(self, topics: Iterable[TopicSpec]) -> Mapping[str, str]:
        """Make ready what processes started by this one will read and write.

        Parameters
        ----------
        topics
            What they will read and write.

        Returns
        -------
        dict
            What to add to their environment, so that they need not find out
            again what is known here. They do without it as well.

        Raises
        ------
        BusError
            If the middleware cannot be reached or refuses.
        """
        return {}

    async def aclose(self) -> None:
        """Close every link that is open, and the connection. Idempotent."""
        ...
