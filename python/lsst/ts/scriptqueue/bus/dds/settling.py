# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a link that opens has met everybody who is there.

It waits for evidence, never for time to pass:

1. A place that is taken has somebody behind it (`discovery`). So many
   processes must be found.
2. Of each participant found that is ours its `presence` must arrive, on a
   reader created after all others of the link. DDS announces the readers of
   a participant in order, so whoever serves this one knows the others, and
   nothing it writes from then on is missed.
3. As many of its readers as its presence names must have been found, so that
   nothing we write is missed there.
4. Of each event that it holds and that we read a message must have come.

On an idle machine that takes no time. For a place where nobody was found
(who sits there is suspended, or no participant at all) it waits until nothing
new has come for `QUIET_S`; for somebody who was found but is not yet met
`PATIENCE_S`, because a busy machine is more likely than one that has died.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

from ..contract import Message, TopicKind
from .discovery import count_taken
from .endpoint import user_data_of
from .library import ALIVE, DATA_AVAILABLE, BuiltinEndpoint, BuiltinParticipant, check, dds
from .participant import Participant
from .presence import PRESENCE
from .qos import endpoint_qos
from .reader import Reader, take
from .topic_type import topic_name

__all__ = ["LIMIT_S", "PATIENCE_S", "QUIET_S", "Settling"]

logger = logging.getLogger(__name__)

QUIET_S = 0.3
PATIENCE_S = 1.5

#: How long it waits in all, whatever comes.
LIMIT_S = 5.0

_PARTICIPANTS = 0x7FFF0001
_SUBSCRIPTIONS = 0x7FFF0004
_PRESENCE_NAME = topic_name(PRESENCE).encode()


class Settling:
    """Meeting everybody who is there; a context manager for one opening.

    Enter it when all readers and writers of the link exist.

    Parameters
    ----------
    participant
        Who opens.
    readers
        The readers of the link.
    """

    def __init__(self, participant: Participant, readers: Sequence[Reader]) -> None:
        self._participant = participant
        self._readers = readers
        self._news = asyncio.Event()
        self._others = _Others(participant, self._news)

    def __enter__(self) -> Settling:
        for reader in self._readers:
            reader.on_received = self._news.set
        self._others.look()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._others.close()
        for reader in self._readers:
            reader.on_received = None

    async def wait(self) -> None:
        """Wait until everybody was met, or does not answer."""
        loop = asyncio.get_running_loop()
        limit = loop.time() + LIMIT_S
        while missing := self._missing():
            quiet_s = PATIENCE_S if self._others.not_met else QUIET_S
            self._news.clear()
            try:
                async with asyncio.timeout(min(quiet_s, limit - loop.time())):
                    await self._news.wait()
            except TimeoutError:
                logger.debug("not everybody was met: %s", missing)
                return

    def _expected(self) -> int | None:
        """How many other processes there are; None if that cannot be known."""
        settings = self._participant.settings
        hubs = None if settings.uri else count_taken("hub", settings.domain)
        leaves = None if settings.uri else count_taken("leaf", settings.domain)
        if hubs is None or leaves is None:
            return None
        return hubs if self._participant.role == "leaf" else hubs + leaves - 1

    def _missing(self) -> str:
        """Say who or what is missing; empty if nothing is."""
        for guid in list(self._others.not_met):
            missing = self._missing_of(guid)
            if missing:
                return missing
            del self._others.not_met[guid]
        expected = self._expected()
        if expected is None or self._others.count < expected:
            return f"{self._others.count} of {expected or 'unknown'} other processes found"
        return ""

    def _missing_of(self, guid: bytes) -> str:
        tag = self._others.not_met[guid]
        presence = self._others.presences.get(tag)
        if presence is None:
            return f"{tag} has not answered"
        if self._others.readers[guid] < presence["readers"]:
            return f"not all {presence['readers']} readers of {tag} are known"
        for event in presence["held"].split():
            topic, _, index = event.rpartition("/")
            for reader in self._readers:
                if reader.lacks(topic, int(index)):
                    return f"{event} of {tag} has not come"
        return ""


class _Others:
    """The other participants, as DDS finds them.

    Attributes
    ----------
    count
        How many other processes were found, ours or not.
    not_met
        Tag of each participant of ours that was found, by GUID.
    readers
        How many readers each participant was found to have, by GUID.
    presences
        What those that have answered told about themselves, by tag.
    """

    def __init__(self, participant: Participant, news: asyncio.Event) -> None:
        self.not_met: dict[bytes, str] = {}
        self.readers: Counter[bytes] = Counter()
        self.presences: dict[str, Message] = {}
        self._processes: set[str] = set()
        self._participant = participant
        self._news = news
        self._watched: list[_Watched] = []

    @property
    def count(self) -> int:
        return len(self._processes)

    def look(self) -> None:
        """Begin; the reader of presences comes last, which is the point of it."""
        participant = self._participant
        topic, sample = participant.topic(PRESENCE)

        def unpack(address: int, is_alive: bool) -> Message | None:
            return sample.unpack(address) if is_alive else None

        self._watch(_PARTICIPANTS, None, _participant_of, self._found_participant)
        self._watch(_SUBSCRIPTIONS, None, _subscriber_of, self._found_reader)
        with endpoint_qos(TopicKind.EVENT, participant.settings.subname, b"") as qos:
            self._watch(topic, qos, unpack, self._found_presence)

    def close(self) -> None:
        for watched in self._watched:
            watched.close()

    def _watch(
        self,
        topic: int,
        qos: int | None,
        decode: Callable[[int, bool], Any],
        found: Callable[[Any], None],
    ) -> None:
        def act(news: list[Any]) -> None:
            for item in news:
                found(item)
            self._news.set()

        self._watched.append(_Watched(self._participant, topic, qos, decode, act))

    def _found_participant(self, item: tuple[bytes, str | None]) -> None:
        guid, tag = item
        if tag is None:
            self.not_met.pop(guid, None)
            return
        family, process, _ = tag.rsplit("/", 2) if tag.count("/") >= 2 else ("", guid.hex(), "")
        if process != self._participant.process:
            self._processes.add(process)
        if family == self._participant.family:
            self.not_met[guid] = tag

    def _found_reader(self, guid: bytes | None) -> None:
        if guid is not None:
            self.readers[guid] += 1

    def _found_presence(self, presence: Message | None) -> None:
        if presence is not None:
            self.presences[presence["tag"]] = presence


class _Watched:
    """A reader that lives as long as the opening."""

    def __init__(
        self,
        participant: Participant,
        topic: int,
        qos: int | None,
        decode: Callable[[int, bool], Any],
        found: Callable[[list[Any]], None],
    ) -> None:
        self._participant = participant
        self._decode = decode
        self._found = found
        self._closed = False
        self.entity = check(dds.dds_create_reader(participant.entity, topic, qos, None), "look who is there")
        # Who was found before must be known before it is asked who is missing.
        self.hand_over(self.collect() or [])
        participant.watch(self, DATA_AVAILABLE)

    def collect(self) -> list[Any] | None:
        return [
            self._decode(address, info.valid_data and info.instance_state == ALIVE)
            for address, info in take(self.entity)
        ] or None

    def hand_over(self, news: Any) -> None:
        if not self._closed:
            self._found(news)

    def close(self) -> None:
        self._closed = True
        self._participant.forget(self)
        dds.dds_delete(self.entity)


def _participant_of(address: int, is_alive: bool) -> tuple[bytes, str | None]:
    """Return the GUID of a participant, and its tag; None if it has gone."""
    found = BuiltinParticipant.from_address(address)
    return bytes(found.key), user_data_of(found.qos).decode(errors="replace") if is_alive else None


def _subscriber_of(address: int, is_alive: bool) -> bytes | None:
    """Return the GUID of a reader's participant; None for readers that do not count."""
    found = BuiltinEndpoint.from_address(address)
    return bytes(found.participant_key) if is_alive and found.topic_name != _PRESENCE_NAME else None
