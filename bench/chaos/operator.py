# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who brings a queue that was started again back to work, and looks after slots that a failure has paused."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from .model import Model
from .observer import Observer
from .service import Service

__all__ = ["Operator"]

#: A service that is started is in STANDBY, and shows what was restored, within this (seconds).
_START_LIMIT_S = 60.0

#: How long the view of the queue may take to be as was acknowledged (seconds).
_VIEW_LIMIT_S = 15.0


class Operator:
    """Brings the queue back to work.

    Parameters
    ----------
    observer
        Through whom it commands.
    model
        Told of what is found.
    """

    def __init__(self, observer: Observer, model: Model) -> None:
        self._observer = observer
        self._model = model
        #: The service that is back at work.
        self._back: Service | None = None

    async def work(self, service: Service, is_up: asyncio.Event) -> None:
        """Look at a queue that was started again, have it go on, and see that it does, until cancelled."""
        if self._back is not service and not await self._bring_back(service):
            return
        self._back = service
        is_up.set()
        while True:
            await self._observer.command("resume", slot="*")
            await asyncio.sleep(0.7)

    async def _bring_back(self, service: Service) -> bool:
        """Look at a queue that was started, and enable it; return whether that is done."""
        try:
            await self._observer.until(lambda: self._observer.state_of(service), _START_LIMIT_S)
        except TimeoutError:
            how = "it runs" if service.status is None else f"it has ended by itself, with {service.status}"
            self._model.fault(f"no summary state was heard within {_START_LIMIT_S:g} s, {how}: {service.log}")
            return False
        if not service.resumes:
            for command in ("start", "enable"):
                if not (await self._observer.command(command)).is_done:
                    return False
        await self._compare(service)
        if service.is_restarted and not service.resumes:
            self._model.paused.append((service.began_at, time.time()))
        return True

    def left(self, service: Service) -> list[int] | None:
        """Return the scripts that wait or run; None if that is not known."""
        slots = self._observer.slots_of(service)
        return list(slots.salIndices[: slots.scripts]) if slots is not None else None

    def is_at_rest(self, service: Service) -> bool:
        """Is there no script any more that waits or runs?"""
        return self.left(service) == []

    async def _compare(self, service: Service) -> None:
        difference = "it has not shown its slots"

        def is_right() -> bool:
            nonlocal difference
            slots = self._observer.slots_of(service)
            if slots is not None:
                difference = self._model.differs(*_seen(slots))
            return not difference

        try:
            await self._observer.until(is_right, _VIEW_LIMIT_S)
        except TimeoutError:
            self._model.fault(f"after a restart ({service.log.name}): {difference}")
        slots = self._observer.slots_of(service)
        if slots is None:
            return
        if service.is_restarted and not service.resumes and any(slots.running[: slots.length]):
            self._model.fault(f"after a restart ({service.log.name}) not all slots are paused")
        self._model.take(_seen(slots)[0])


def _seen(slots: object) -> tuple[dict[str, list[int]], set[int]]:
    """Return who waits in each slot, and who is there at all, by a ``slots`` event."""
    names: Sequence[str] = slots.names.split(":")  # type: ignore[attr-defined]
    count = slots.scripts  # type: ignore[attr-defined]
    waiting: dict[str, list[int]] = {name: [] for name in names}
    indices = slots.salIndices[:count]  # type: ignore[attr-defined]
    for place, index in enumerate(indices):
        if not slots.active[place]:  # type: ignore[attr-defined]
            waiting[names[slots.slotIndex[place]]].append(index)  # type: ignore[attr-defined]
    return waiting, set(indices)
