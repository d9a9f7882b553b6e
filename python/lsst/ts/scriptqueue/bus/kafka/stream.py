# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one topic owes to its readers: history first, then all that comes.

A tap is one reader's view of a topic. It begins at an offset, and what lies
below its bound, the topic's end at the time it was made, is history: of that
the latest message of each index is handed over at once, when the bound has
been reached. What a stream is given may go back in time, because a new tap
needs history; each tap takes each offset once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

from ..contract import BusError, Message, Reading, TopicKind
from .codec import BAD_BYTES, Codec
from .framing import leading_int, schema_id_of
from .registry import RegistryAway
from .schemas import KnownSchemas

__all__ = ["HISTORY_DEPTH", "SchemaWanted", "Stream", "Tap"]

logger = logging.getLogger(__name__)

#: How many messages of a topic are searched for history.
HISTORY_DEPTH = 500


class Tap:
    """One reader of one topic.

    Parameters
    ----------
    name
        The broker's name of the topic.
    codec
        Its bytes.
    reading
        The reader.
    end
        The topic's end now.

    Attributes
    ----------
    name, codec, reading
        As given.
    start
        The first offset wanted.
    caught_up
        Done when the history has been delivered.
    is_closed
        Is nothing wanted any more?
    """

    def __init__(self, name: str, codec: Codec, reading: Reading, end: int) -> None:
        self.name = name
        self.codec = codec
        self.reading = reading
        has_history = reading.topic.kind is TopicKind.EVENT
        self.start = max(0, end - HISTORY_DEPTH) if has_history else end
        self.caught_up: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.is_closed = False
        self._bound = end
        self._next = self.start
        self._history: dict[int, Message] | None = {} if self.start < end else None
        if self._history is None:
            self.caught_up.set_result(None)

    @property
    def owed(self) -> int:
        """The first offset that must not be missing."""
        return max(self._bound, self._next)

    def wants(self, offset: int) -> bool:
        """Is the message at an offset still to come for it?"""
        return offset >= self._next and not self.is_closed

    def take(self, offset: int, index: int, message: Message | None) -> Iterator[Message | None]:
        """Take what is at an offset; yield what is to be delivered, None when it has caught up."""
        self._next = offset + 1
        if self._history is None:
            if message is not None:
                yield message
            return
        if message is not None and offset < self._bound:
            self._history.pop(index, None)
            self._history[index] = message
        if self._next >= self._bound:
            yield from self.reach(self._next)
            if message is not None and offset >= self._bound:
                yield message

    def begin_again(self, offset: int) -> None:
        """The topic was made anew: what comes now has offsets from here."""
        self._next = self._bound = offset

    def refuse(self, why: str) -> None:
        """Have whoever waits for history told that there will be none."""
        if not self.caught_up.done():
            self.caught_up.set_exception(BusError(why))
            # Whoever opened it may have stopped waiting.
            self.caught_up.exception()

    def reach(self, offset: int) -> Iterator[Message | None]:
        """Note that nothing is below an offset any more; yield as `take`."""
        if self._history is not None and offset >= self._bound:
            yield from self._history.values()
            self._history = None
            yield None


class SchemaWanted(Exception):
    """A stream cannot go on without a schema that is not to be had now.

    Parameters
    ----------
    schema_id
        The registry's id of it.
    """

    def __init__(self, schema_id: int) -> None:
        super().__init__(schema_id)
        self.schema_id = schema_id


class Stream:
    """One topic that is read.

    Parameters
    ----------
    name
        The broker's name of the topic.
    codec
        Its bytes.
    schemas
        Where schemas are found.

    Attributes
    ----------
    taps
        Its readers.
    position
        The next offset that will come; below 0 before anything is read.
    is_standing
        Does it wait for a schema? Then nothing is read.
    """

    def __init__(self, name: str, codec: Codec, schemas: KnownSchemas) -> None:
        self.name = name
        self.taps: list[Tap] = []
        self.position = -1
        self.is_standing = False
        self._codec = codec
        self._schemas = schemas
        self._has_complained = False

    def receive(self, offset: int, value: bytes | None) -> Iterator[tuple[Tap, Message | None]]:
        """Take a message; yield what is to be delivered to whom.

        Raises
        ------
        SchemaWanted
            If it cannot be read now; it has not been taken.
        """
        taps = [tap for tap in self.taps if tap.wants(offset)]
        try:
            index, wanted = self._read(taps, value)
        except RegistryAway:
            raise SchemaWanted(schema_id_of(value)) from None
        except (BusError, *BAD_BYTES) as error:
            self._complain(f"at offset {offset}: {error}")
            index, wanted = 0, {}
        self.position = offset + 1
        for tap in taps:
            for message in tap.take(offset, index, wanted.get(id(tap))):
                yield tap, message

    def reach(self, offset: int) -> Iterator[tuple[Tap, Message | None]]:
        """Note that the topic ends at an offset; yield as `receive`."""
        for tap in self.taps:
            for message in tap.reach(offset):
                yield tap, message

    def find_place(self, first: int, end: int) -> None:
        """Go on with what there is: the broker does not have what would come next.

        Parameters
        ----------
        first, end
            The offset of the oldest message it has, and the one of the next to be written.
        """
        if self.position > end:
            # What was done before must not be done again: events alone are told anew.
            is_event = self._codec.topic.kind is TopicKind.EVENT
            self.position = first if is_event else end
            for tap in self.taps:
                tap.begin_again(self.position)
            logger.error("%s was made anew, or cut; reading goes on from offset %d", self.name, self.position)
            return
        owed = min((tap.owed for tap in self.taps), default=first)
        if first > owed:
            logger.error(
                "%s: up to %d messages were removed at the broker before they could be read, "
                "from offset %d on; reading goes on behind them",
                self.name,
                first - owed,
                owed,
            )
        self.position = max(first, self.position)

    def _read(self, taps: list[Tap], value: bytes | None) -> tuple[int, dict[int, Message]]:
        """Return the SAL index, and a message for each tap that wants it."""
        if value is None or not taps:
            return 0, {}
        schema_id = schema_id_of(value)
        if not self._codec.knows(schema_id):
            self._codec.learn(schema_id, self._schemas.text(schema_id))
        shape = self._codec.shape
        first: Message | None = None
        if shape.indexed and self._codec.leads_with_index(schema_id):
            index = leading_int(value)
        else:
            first = self._codec.decode(schema_id, value)
            index = shape.index_of(first)
        readers = [tap for tap in taps if not shape.indexed or index in tap.reading.indices]
        if readers and first is None:
            first = self._codec.decode(schema_id, value)
        if first is None:
            return index, {}
        return index, {
            id(tap): first if number == 0 else shape.copy(first) for number, tap in enumerate(readers)
        }

    def _complain(self, why: str) -> None:
        if not self._has_complained:
            self._has_complained = True
            logger.warning("%s: skipped a message that cannot be decoded, %s", self.name, why)
