# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bus on DDS: one participant, and its links."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Mapping

from ..contract import Bus, BusError, Link, Reading, TopicSpec
from .discovery import Role, Settings
from .link import DdsLink, in_thread
from .participant import Participant
from .presence import Presence

__all__ = ["DdsBus"]


class DdsBus(Bus):
    """A connection of this process to DDS; made at the first ``open``.

    Parameters
    ----------
    role
        ``hub`` for queues, clients and tools; ``leaf`` for scripts, which
        find hubs only.
    environ
        Where ``LSST_DDS_DOMAIN_ID``, ``LSST_TOPIC_SUBNAME`` and
        ``CYCLONEDDS_URI`` are read from.

    Raises
    ------
    BusError
        If the environment makes no sense.
    """

    def __init__(self, role: Role = "hub", environ: Mapping[str, str] = os.environ) -> None:
        self._role = role
        self._settings = Settings.from_environment(environ)
        self._participant: Participant | None = None
        self._presence: Presence | None = None
        self._links: set[DdsLink] = set()
        self._closed = False

    async def open(
        self,
        *,
        index: int,
        writes: Iterable[TopicSpec],
        reads: Iterable[Reading],
    ) -> Link:
        if self._closed:
            raise BusError("this bus was closed; connect a new one")
        if self._participant is None:
            self._participant = Participant(self._settings, self._role)
        if self._presence is None:
            self._presence = Presence(self._participant)
        if self._participant.loop is not asyncio.get_running_loop():
            raise BusError("this bus belongs to another event loop; connect one bus per loop")
        link = DdsLink(self._participant, self._presence, index, writes, reads, self._links.discard)
        self._links.add(link)
        try:
            await link.open()
        except BaseException:
            await link.aclose()
            raise
        return link

    async def aclose(self) -> None:
        self._closed = True
        for link in list(self._links):
            await link.aclose()
        participant, self._participant = self._participant, None
        if participant is not None:
            await in_thread(participant.close)
