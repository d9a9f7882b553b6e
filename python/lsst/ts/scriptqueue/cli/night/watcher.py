# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Watches the bus: SAL events become sightings, and whoever waits is told.

The picture changes only here. Waiting for something is waiting for the picture
to show it: the condition is looked at after every sighting, never by polling.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from ...sal.clock import Clock
from ...sal.enums import ScriptProcessState, ScriptState, State
from ...sal.remote import Remote
from ..commanding.slots import slots_in
from .picture import Happening, Picture
from .sightings import (
    ClaimSeen,
    DeedSeen,
    GroupIdSeen,
    LogSeen,
    MetadataSeen,
    QueueSeen,
    ScriptSeen,
    Sighting,
    SlotsSeen,
    StateSeen,
    SummaryStateSeen,
)

__all__ = ["NotSeenError", "Watcher"]


class NotSeenError(Exception):
    """Something was waited for and did not happen in time; the text says what."""


class Watcher:
    """Keeps a picture up to date.

    Parameters
    ----------
    queue, scripts
        The remotes of the queue and of all its scripts, not yet started.
    picture
        What is kept up to date.
    clock
        Where time comes from.
    tell
        Called with each happening.
    """

    def __init__(
        self,
        queue: Remote,
        scripts: Remote,
        picture: Picture,
        clock: Clock,
        tell: Callable[[Happening], None],
    ) -> None:
        self.picture = picture
        self._clock = clock
        self._tell = tell
        self._waiting: dict[asyncio.Future[None], Callable[[Picture], bool]] = {}
        for remote, translations in ((queue, _QUEUE_EVENTS), (scripts, _SCRIPT_EVENTS)):
            for name, translate in translations.items():
                getattr(remote, f"evt_{name}").callback = self._listener(translate)

    def see(self, sighting: Sighting) -> None:
        """Take a sighting into the picture and tell what is new."""
        for happening in self.picture.see(sighting):
            self._tell(happening)
        for waiting, condition in self._waiting.items():
            if not waiting.done() and condition(self.picture):
                waiting.set_result(None)

    def says(self, deed: str) -> None:
        """Show what the operator does now."""
        self.see(DeedSeen(self._clock.tai(), deed))

    def claim(self, text: str, held: bool) -> None:
        """Show whether something is as it should be."""
        self.see(ClaimSeen(self._clock.tai(), text, held))

    async def expect(self, text: str, condition: Callable[[Picture], bool], limit_s: float = 20.0) -> None:
        """Wait until the picture shows what should happen, and claim it.

        Raises
        ------
        NotSeenError
            If it does not in time; the claim has been made then, as one that did not hold.
        """
        held = condition(self.picture) or await self._seen(condition, limit_s)
        self.claim(text if held else f"{text} (waited {limit_s:g} s)", held)
        if not held:
            raise NotSeenError(text)

    async def _seen(self, condition: Callable[[Picture], bool], limit_s: float) -> bool:
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[waiting] = condition
        try:
            await asyncio.wait_for(waiting, limit_s)
        except TimeoutError:
            return False
        finally:
            del self._waiting[waiting]
        return True

    def _listener(self, translate: Callable[[Any], Sighting]) -> Callable[[Any], None]:
        def listen(data: Any) -> None:
            self.see(translate(data))

        return listen


def _summary_state(data: Any) -> Sighting:
    return SummaryStateSeen(data.private_sndStamp, State(data.summaryState))


def _queue(data: Any) -> Sighting:
    return QueueSeen(
        data.private_sndStamp,
        data.running,
        data.currentSalIndex,
        tuple(data.salIndices[: data.length]),
        tuple(data.pastSalIndices[: data.pastLength]),
    )


def _script(data: Any) -> Sighting:
    return ScriptSeen(
        data.private_sndStamp,
        data.scriptSalIndex,
        data.path,
        ScriptProcessState(data.processState),
        ScriptState(data.scriptState),
        process_start_tai=data.timestampProcessStart,
        run_start_tai=data.timestampRunStart,
        slot=data.slot,
        resources=data.resources,
        waiting_for=data.waitingFor,
    )


def _slots(data: Any) -> Sighting:
    return SlotsSeen(data.private_sndStamp, slots_in(data))


def _next_visit(data: Any) -> Sighting:
    return GroupIdSeen(data.private_sndStamp, data.scriptSalIndex, data.groupId)


def _next_visit_canceled(data: Any) -> Sighting:
    return GroupIdSeen(data.private_sndStamp, data.scriptSalIndex, data.groupId, canceled=True)


def _queue_log(data: Any) -> Sighting:
    return LogSeen(data.private_sndStamp, 0, data.level, data.message)


def _state(data: Any) -> Sighting:
    return StateSeen(
        data.private_sndStamp,
        data.salIndex,
        ScriptState(data.state),
        data.reason,
        data.groupId,
        data.lastCheckpoint,
        data.numCheckpoints,
    )


def _metadata(data: Any) -> Sighting:
    return MetadataSeen(data.private_sndStamp, data.salIndex, data.duration, data.totalCheckpoints)


def _script_log(data: Any) -> Sighting:
    return LogSeen(data.private_sndStamp, data.salIndex, data.level, data.message)


_QUEUE_EVENTS: dict[str, Callable[[Any], Sighting]] = {
    "summaryState": _summary_state,
    "queue": _queue,
    "script": _script,
    "slots": _slots,
    "nextVisit": _next_visit,
    "nextVisitCanceled": _next_visit_canceled,
    "logMessage": _queue_log,
}

_SCRIPT_EVENTS: dict[str, Callable[[Any], Sighting]] = {
    "state": _state,
    "metadata": _metadata,
    "logMessage": _script_log,
}
