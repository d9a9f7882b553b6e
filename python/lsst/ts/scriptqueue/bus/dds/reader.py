# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading one topic: from DDS to the ``deliver`` of its reading.

Samples are taken and unpacked on the waiting thread, and delivered on the
event loop. Left out are: notices that carry no data (an instance disposed of,
a writer gone), indices nobody asked for, text that is not UTF-8, and events
that come once more. The last happens when this process was stopped for so
long that the others gave it up, and then found it again: they give it the
history anew.
"""

from __future__ import annotations

import ctypes
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ..contract import Message, Reading, TopicKind
from .endpoint import guid_of
from .library import DATA_AVAILABLE, SampleInfo, check, dds
from .participant import Participant
from .partition import pattern_of
from .qos import endpoint_qos
from .topic_type import topic_name

__all__ = ["Gate", "Reader", "Received", "take"]

logger = logging.getLogger(__name__)

#: How many samples are taken at a time.
_BATCH = 64

#: How many writers are remembered to recognize what comes once more.
_REMEMBERED = 2000

#: Decides for each message of a writer whether it may be delivered now, or
#: keeps it and delivers it later: gate(writer handle, deliver it).
Gate = Callable[[int, Callable[[], None]], None]


@dataclass(frozen=True, slots=True)
class Received:
    """A message with where it came from.

    Attributes
    ----------
    message
        The message, or None if it could not be decoded.
    writer
        Instance handle of its DDS writer.
    stamp_ns
        When it was written, by the writer's clock.
    """

    message: Message | None
    writer: int
    stamp_ns: int


def take(entity: int) -> Iterator[tuple[int, SampleInfo]]:
    """Take all samples of a reader; yields their addresses and their infos.

    What an address points to is good until the next is asked for.
    """
    addresses = (ctypes.c_void_p * _BATCH)()
    infos = (SampleInfo * _BATCH)()
    while True:
        addresses[0] = None
        count = dds.dds_take(entity, addresses, infos, _BATCH, _BATCH)
        if count <= 0:
            # An error means that the reader was closed meanwhile.
            return
        try:
            for number in range(count):
                yield addresses[number] or 0, infos[number]
        finally:
            dds.dds_return_loan(entity, addresses, count)


class Reader:
    """A DDS reader and its reading.

    Parameters
    ----------
    participant
        Who reads.
    reading
        What is read.
    token
        Names the link.

    Attributes
    ----------
    gate
        Decides when a command may be delivered; None for no gate.
    on_received
        Called after messages have been delivered; None for nobody. As long
        as there is somebody, it is remembered which indices have come.
    """

    def __init__(self, participant: Participant, reading: Reading, token: bytes) -> None:
        spec = reading.topic
        self.reading = reading
        self.gate: Gate | None = None
        self.on_received: Callable[[], None] | None = None
        self._seen: set[int] = set()
        self._name = f"{spec.component}.{spec.name}"
        self._topic_name = topic_name(spec)
        self._is_event = spec.kind is TopicKind.EVENT
        self._participant = participant
        self._closed = False
        self._complained = False
        self._guids: dict[int, bytes] = {}
        self._latest: dict[tuple[bytes, int], int] = {}
        topic, self._sample = participant.topic(spec)
        pattern = pattern_of(participant.settings.subname, reading.indices)
        with endpoint_qos(spec.kind, pattern, token) as qos:
            self.entity = check(
                dds.dds_create_reader(participant.entity, topic, qos, None), f"read {self._name}"
            )
        participant.watch(self, DATA_AVAILABLE)

    def lacks(self, topic: str, index: int) -> bool:
        """Should a message of an index have come, by its DDS topic, that has not?"""
        return topic == self._topic_name and index in self.reading.indices and index not in self._seen

    def close(self) -> None:
        """Deliver nothing more, and delete the DDS reader. Idempotent."""
        if not self._closed:
            self._closed = True
            self._participant.forget(self)
            dds.dds_delete(self.entity)

    def collect(self) -> list[Received] | None:
        received: list[Received] = []
        for address, info in take(self.entity):
            if info.valid_data:
                try:
                    message = self._sample.unpack(address)
                except UnicodeDecodeError:
                    message = None
                received.append(Received(message, info.publication_handle, info.source_timestamp))
        return received or None

    def hand_over(self, news: Any) -> None:
        for received in news:
            if not self._closed:
                self._hand_over(received)
        if self.on_received is not None:
            self.on_received()

    def _hand_over(self, received: Received) -> None:
        message = received.message
        if message is None:
            if not self._complained:
                self._complained = True
                logger.warning("%s: skipped a message with text that is not UTF-8", self._name)
            return
        index = self._sample.shape.index_of(message)
        if index not in self.reading.indices or (self._is_event and self._came_before(received, index)):
            return
        if self.on_received is not None:
            self._seen.add(index)
        if self.gate is None:
            self._deliver(message)
        else:
            self.gate(received.writer, lambda: self._deliver(message))

    def _deliver(self, message: Message) -> None:
        if self._closed:
            return
        try:
            self.reading.deliver(message)
        except Exception:
            logger.exception("%s: the reader of a message failed", self._name)

    def _came_before(self, received: Received, index: int) -> bool:
        key = (self._guid_of(received.writer), index)
        latest = self._latest.get(key)
        if latest is not None and received.stamp_ns <= latest:
            return True
        if latest is None and len(self._latest) >= _REMEMBERED:
            del self._latest[next(iter(self._latest))]
        self._latest[key] = received.stamp_ns
        return False

    def _guid_of(self, writer: int) -> bytes:
        guid = self._guids.get(writer)
        if guid is None:
            # The handle of a writer changes when it is found again, its GUID does not.
            guid = guid_of(dds.dds_get_matched_publication_data(self.entity, writer)) or b"%d" % writer
            if len(self._guids) >= _REMEMBERED:
                del self._guids[next(iter(self._guids))]
            self._guids[writer] = guid
        return guid
