# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each participant tells about itself, for those who open a link.

A small topic, kept for late readers, that DDS answers by itself: no Python
runs in the process that is asked. `settling` says what it proves.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..contract import FieldSpec, FieldType, TopicKind, TopicSpec
from .library import check, dds
from .participant import Participant
from .qos import endpoint_qos
from .sample import address_of, stamp_ns
from .topic_type import topic_name

__all__ = ["PRESENCE", "Presence", "held_event"]

PRESENCE = TopicSpec(
    "ts_scriptqueue",
    "presence",
    TopicKind.EVENT,
    (
        FieldSpec("tag", FieldType.STRING, description="The participant's user data."),
        FieldSpec("readers", FieldType.LONG, description="How many readers it has, but for this topic."),
        FieldSpec("held", FieldType.STRING, description="The events it keeps for late readers."),
    ),
    "What a participant has, so that others know when they have found it all.",
)


def held_event(topic: TopicSpec, index: int) -> str:
    """Return the word by which an event of an index is named."""
    return f"{topic_name(topic)}/{index}"


class Presence:
    """The presence of one participant.

    Parameters
    ----------
    participant
        Whose.
    """

    def __init__(self, participant: Participant) -> None:
        self._tag = participant.tag
        self._held: dict[str, None] = {}
        self._readers = 0
        topic, self._sample = participant.topic(PRESENCE)
        with endpoint_qos(TopicKind.EVENT, participant.settings.subname, b"") as qos:
            self._entity = check(
                dds.dds_create_writer(participant.entity, topic, qos, None), "write its presence"
            )
        self._tell()

    def hold(self, event: str) -> None:
        """Say that an event is about to be written for the first time."""
        if event not in self._held:
            self._held[event] = None
            self._tell()

    def change(self, *, readers: int, no_longer_held: Iterable[str] = ()) -> None:
        """Say that there are more or fewer readers, and which events are gone."""
        self._readers += readers
        for event in no_longer_held:
            self._held.pop(event, None)
        self._tell()

    def _tell(self) -> None:
        message = {"tag": self._tag, "readers": self._readers, "held": " ".join(self._held)}
        packed = self._sample.pack(message)
        check(dds.dds_write_ts(self._entity, address_of(packed), stamp_ns()), "write its presence")
