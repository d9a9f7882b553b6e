# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every event that a client hears, handed to whoever listens, and the latest of what matters.

A listener that began before the client was started gets the history too.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ...bus.contract import TopicSpec
from ...sal.records import Record
from .slots import Slot, slots_in

__all__ = ["Board", "Event", "Feed"]


@dataclass(frozen=True, slots=True)
class Event:
    """An event that was heard.

    Attributes
    ----------
    topic
        Its topic.
    data
        Its fields.
    """

    topic: TopicSpec
    data: Record

    @property
    def component(self) -> str:
        """Whose event it is: ``ScriptQueue`` or ``Script``."""
        return self.topic.component

    @property
    def name(self) -> str:
        """Its plain name, such as ``queue``."""
        return self.topic.name.removeprefix("logevent_")


class Board:
    """What is known of the queue and its scripts, from the latest events.

    Attributes
    ----------
    latest
        The latest event of the queue, by plain name.
    scripts
        The latest ``script`` event of the queue, by index of the script.
    reports
        The latest ``state`` event of each script itself, by its index.
    """

    def __init__(self) -> None:
        self.latest: dict[str, Record] = {}
        self.scripts: dict[int, Record] = {}
        self.reports: dict[int, Record] = {}

    def take(self, event: Event) -> None:
        """Keep an event."""
        if event.component == "Script":
            if event.name == "state":
                self.reports[event.data.salIndex] = event.data
            return
        self.latest[event.name] = event.data
        if event.name == "script":
            self.scripts[event.data.scriptSalIndex] = event.data
        elif event.name == "queue":
            self._forget_all_but(self.live + self.past)

    @property
    def live(self) -> tuple[int, ...]:
        """Scripts that run or wait, as they are in the queue; slot by slot if there are several."""
        if self.has_slots:
            return tuple(index for slot in self.slots for index in (*slot.active, *slot.waiting))
        queue = self.latest.get("queue")
        if queue is None:
            return ()
        current = (queue.currentSalIndex,) if queue.currentSalIndex else ()
        return (*current, *queue.salIndices[: queue.length])

    @property
    def past(self) -> tuple[int, ...]:
        """Scripts that have ended, the latest first."""
        queue = self.latest.get("queue")
        if queue is None:
            return ()
        listed = tuple(queue.pastSalIndices[: queue.pastLength])
        if not self.has_slots:
            return listed
        # For clients that know of no slots, live scripts of others than main can be among them.
        live = frozenset(self.live)
        return tuple(index for index in listed if index not in live)

    @property
    def slots(self) -> tuple[Slot, ...]:
        """The slots, in order of priority; none if the queue tells of none."""
        told, queue = self.latest.get("slots"), self.latest.get("queue")
        # A newer queue that ran before an older one can have left the event behind.
        if told is None or queue is None or told.private_origin != queue.private_origin:
            return ()
        return slots_in(told)

    @property
    def has_slots(self) -> bool:
        """Are there others than main?"""
        return len(self.slots) > 1

    def available(self, kind: str) -> tuple[str, ...]:
        """Return the paths of the scripts there are, of kind ``standard`` or ``external``."""
        record = self.latest.get("availableScripts")
        return () if record is None else tuple(path for path in getattr(record, kind).split(":") if path)

    def _forget_all_but(self, listed: tuple[int, ...]) -> None:
        kept = frozenset(listed)
        for known in (self.scripts, self.reports):
            for index in [index for index in known if index not in kept]:
                # Its report can come before the queue lists it; then it is higher than all that are listed.
                if index < max(kept, default=0):
                    del known[index]


class Feed:
    """Hands events to listeners.

    Attributes
    ----------
    board
        What is known.
    """

    def __init__(self) -> None:
        self.board = Board()
        self._sinks: list[Callable[[Event], None]] = []

    def publish(self, topic: TopicSpec, data: Record) -> None:
        """Take an event in."""
        event = Event(topic, data)
        self.board.take(event)
        for sink in list(self._sinks):
            sink(event)

    @contextlib.contextmanager
    def listening(self) -> Iterator[asyncio.Queue[Event]]:
        """Collect events from now on in a queue."""
        events: asyncio.Queue[Event] = asyncio.Queue()
        with self.telling(events.put_nowait):
            yield events

    @contextlib.contextmanager
    def telling(self, sink: Callable[[Event], None]) -> Iterator[None]:
        """Tell a function of each event from now on."""
        self._sinks.append(sink)
        try:
            yield
        finally:
            self._sinks.remove(sink)
