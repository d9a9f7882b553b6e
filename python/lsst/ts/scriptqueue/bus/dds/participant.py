# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The DDS participant of a bus, and the one thread that waits for it.

The thread sleeps in a wait set until an entity it watches has news, collects
them all, and hands them to the event loop with one wake-up. No thread of
Cyclone DDS ever runs Python code, so a busy event loop delays this process
only: it still acknowledges what it receives, and its lease does not run out.

Entities are created on the event loop and deleted by whoever closes.
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
import threading
from typing import Any, Protocol

from ..contract import BusError, TopicSpec
from . import domain
from .discovery import Role, Settings
from .library import FOREVER, check, dds
from .qos import participant_qos
from .sample import SampleFormat
from .topic_type import create_topic

__all__ = ["Participant", "Source"]

logger = logging.getLogger(__name__)

_TRIGGERED_AT_ONCE = 64

_process = f"{os.getpid()}-{os.urandom(6).hex()}"


class Source(Protocol):
    """A watched entity."""

    entity: int

    def collect(self) -> Any:
        """Take the news from DDS, on the waiting thread; None if there are none."""

    def hand_over(self, news: Any) -> None:
        """Act on the news, on the event loop."""


class Participant:
    """A participant of a DDS domain.

    Parameters
    ----------
    settings
        Which domain, and how.
    role
        Role of this process.

    Attributes
    ----------
    entity
        The DDS entity.
    role
        Role that the process has in the domain.
    process
        Name of this process among all that ever were.
    tag
        Name of this participant, which the others see.

    Raises
    ------
    BusError
        If DDS refuses.
    """

    def __init__(self, settings: Settings, role: Role) -> None:
        self.settings = settings
        self.process = _process
        self.loop = asyncio.get_running_loop()
        self.role = domain.join(settings, role)
        self.tag = f"{self.family}/{self.process}/{os.urandom(4).hex()}"
        self._topics: dict[tuple[str, str], tuple[TopicSpec, int, SampleFormat]] = {}
        self._sources: dict[int, Source] = {}
        self._stopping = False
        try:
            with participant_qos(self.tag.encode()) as qos:
                self.entity = check(
                    dds.dds_create_participant(settings.domain, qos, None), "create a participant"
                )
        except BusError:
            domain.leave(settings.domain)
            raise
        try:
            self._waitset = check(dds.dds_create_waitset(self.entity), "create a wait set")
            self._alarm = check(dds.dds_create_guardcondition(self.entity), "create a guard condition")
            check(dds.dds_waitset_attach(self._waitset, self._alarm, self._alarm), "attach a guard condition")
        except BusError:
            self._leave()
            raise
        self._thread = threading.Thread(target=self._wait, name="dds", daemon=True)
        self._thread.start()

    @property
    def family(self) -> str:
        """What the tags of participants begin with that this one talks with."""
        return f"ts_scriptqueue/{self.settings.subname}"

    def topic(self, spec: TopicSpec) -> tuple[int, SampleFormat]:
        """Return the DDS topic and the sample format, made at first use.

        Raises
        ------
        BusError
            If the topic is known with other fields, or DDS refuses it.
        """
        key = (spec.component, spec.name)
        known = self._topics.get(key)
        if known is None:
            sample = SampleFormat(spec)
            known = self._topics[key] = (spec, create_topic(self.entity, spec, sample), sample)
        known[0].check_same_fields(spec)
        return known[1], known[2]

    def watch(self, source: Source, status: int) -> None:
        """Have the news of an entity collected from now on."""
        entity = source.entity
        self._sources[entity] = source
        check(dds.dds_set_status_mask(entity, status), "set a status mask")
        check(dds.dds_waitset_attach(self._waitset, entity, entity), "watch an entity")

    def forget(self, source: Source) -> None:
        """Stop watching an entity that is about to be deleted."""
        self._sources.pop(source.entity, None)

    def close(self) -> None:
        """Leave; blocks for some milliseconds, so not for the event loop."""
        self._stopping = True
        dds.dds_set_guardcondition(self._alarm, True)
        self._thread.join()
        self._leave()

    def _leave(self) -> None:
        dds.dds_delete(self.entity)
        domain.leave(self.settings.domain)

    def _wait(self) -> None:
        triggered = (ctypes.c_void_p * _TRIGGERED_AT_ONCE)()
        while True:
            count = dds.dds_waitset_wait(self._waitset, triggered, _TRIGGERED_AT_ONCE, FOREVER)
            if self._stopping or count < 0:
                return
            news = []
            for entity in triggered[: min(count, _TRIGGERED_AT_ONCE)]:
                source = self._sources.get(entity or 0)
                if source is not None and (collected := self._collect(source)) is not None:
                    news.append((source, collected))
            if news and not self._post(news):
                return

    def _collect(self, source: Source) -> Any:
        try:
            return source.collect()
        except Exception:
            # Not watching it any more keeps a broken source from spinning.
            dds.dds_set_status_mask(source.entity, 0)
            logger.exception("a DDS entity cannot be read; it is not read any more")
            return None

    def _post(self, news: list[tuple[Source, Any]]) -> bool:
        try:
            self.loop.call_soon_threadsafe(self._hand_over, news)
        except RuntimeError:
            # The loop was closed without closing the bus: nobody listens any more.
            return False
        return True

    def _hand_over(self, news: list[tuple[Source, Any]]) -> None:
        for source, collected in news:
            source.hand_over(collected)
