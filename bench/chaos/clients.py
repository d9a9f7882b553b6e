# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Those who add, move, stop, pause and resume all the time.

Each slot has one client that does one thing after the other, so that it is
known in which order its commands were given. The operator brings a queue that
was started again back to work, and looks after slots that a failure has paused.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Sequence

from lsst.ts.scriptqueue.sal import Location

from .model import Model
from .moments import Moments
from .observer import Observer, Outcome
from .service import Service
from .stage import SCRIPT, Stage

__all__ = ["Client", "Operator"]

#: No client lets more scripts wait than this in its slot.
_MOST_WAITING = 4

#: A service that is started is in STANDBY, and shows what was restored, within this (seconds).
_START_LIMIT_S = 60.0

#: How long the view of the queue may take to be as was acknowledged (seconds).
_VIEW_LIMIT_S = 15.0

_HOW = ("done",) * 7 + ("fail", "die", "bad")
_DEEDS = ("add",) * 12 + ("move",) * 5 + ("stop",) * 2 + ("requeue", "pause", "resume")


class Client:
    """Commands one slot.

    Parameters
    ----------
    slot
        Its name.
    observer
        Through whom it commands.
    model, moments
        Told of what it does.
    stage
        Where its scripts write.
    chance
        Decides what it does.
    """

    def __init__(
        self,
        slot: str,
        observer: Observer,
        model: Model,
        moments: Moments,
        stage: Stage,
        chance: random.Random,
    ) -> None:
        self.slot = slot
        self._observer = observer
        self._model = model
        self._moments = moments
        self._stage = stage
        self._chance = chance
        self._count = 0

    async def work(self, is_up: asyncio.Event) -> None:
        """Go on until cancelled. Now and then a command is given although no queue is there."""
        while True:
            await asyncio.sleep(self._chance.expovariate(4.0))
            if not is_up.is_set() and self._chance.random() > 0.02:
                await is_up.wait()
            waiting = self._model.waiting[self.slot]
            deed = self._chance.choice(_DEEDS) if waiting else "add"
            if deed in ("add", "requeue") and len(waiting) >= _MOST_WAITING:
                deed = "move"
            await getattr(self, f"_{deed}")()

    async def _add(self) -> None:
        self._count += 1
        name = f"{self.slot}-{self._count}"
        how = self._chance.choice(_HOW)
        config = {
            "name": name,
            "diary": str(self._stage.diary),
            "how": how,
            "configure_s": self._chance.choice((0.0, 0.0, 0.3)),
            "run_s": round(self._chance.choice((0.0, 0.2, 0.5, 2.0)), 1),
        }
        location, beside = self._place(0)
        self._model.plans[name] = how
        self._model.asked[name] += 1
        asyncio.get_running_loop().call_soon(self._moments.note, "an add was sent")
        answer = await self._observer.command(
            "add",
            isStandard=True,
            path=SCRIPT,
            config=json.dumps(config),
            location=location,
            locationSalIndex=beside,
            slot=self.slot,
            resources=self._chance.choice(("", "Dome", "Camera,Dome")),
        )
        if answer.is_done:
            self._moments.note("an add was acknowledged")
            self._model.added(int(answer.text), name, self.slot, location, beside)
        elif answer.outcome is Outcome.REFUSED:
            self._refused("add", answer.text)

    async def _requeue(self) -> None:
        known = [
            (index, script.name)
            for index, script in self._model.scripts.items()
            if script.slot == self.slot and script.name
        ][-20:]
        if not known:
            return
        index, name = self._chance.choice(known)
        self._model.asked[name] += 1
        answer = await self._observer.command(
            "requeue", scriptSalIndex=index, location=Location.LAST, slot=self.slot
        )
        if answer.is_done:
            self._model.added(int(answer.text), name, self.slot, Location.LAST, 0)

    async def _move(self) -> None:
        waiting = self._model.waiting[self.slot]
        if not waiting:
            return
        index = self._chance.choice(waiting)
        location, beside = self._place(index)
        asyncio.get_running_loop().call_soon(self._moments.note, "a move was sent")
        answer = await self._observer.command(
            "move", scriptSalIndex=index, location=location, locationSalIndex=beside, slot=self.slot
        )
        if answer.is_done:
            self._model.moved(index, self.slot, location, beside)
        elif answer.outcome is Outcome.UNKNOWN:
            self._model.doubt(index)

    async def _stop(self) -> None:
        known = [
            index
            for index, script in self._model.scripts.items()
            if script.slot == self.slot and index not in self._model.endings
        ]
        if not known:
            return
        index = self._chance.choice(known)
        script = self._model.scripts[index]
        script.is_stop_asked = True
        asyncio.get_running_loop().call_soon(self._moments.note, "a stop was sent")
        answer = await self._observer.command(
            "stopScripts",
            length=1,
            salIndices=[index] + [0] * 399,
            terminate=self._chance.random() < 0.3,
        )
        if answer.is_done:
            script.stopped_at = time.time()

    async def _pause(self) -> None:
        await self._observer.command("pause", slot=self._chance.choice(("", self.slot)))

    async def _resume(self) -> None:
        await self._observer.command("resume", slot=self._chance.choice(("", "*", self.slot)))

    def _place(self, besides: int) -> tuple[Location, int]:
        others = [index for index in self._model.waiting[self.slot] if index != besides]
        location = self._chance.choice((Location.LAST, Location.LAST, *Location))
        if location not in (Location.BEFORE, Location.AFTER):
            return location, 0
        return (location, self._chance.choice(others)) if others else (Location.LAST, 0)

    def _refused(self, name: str, why: str) -> None:
        if "no such" not in why and "not in" not in why and "is not waiting" not in why:
            print(f"chaos: {name} was refused: {why}", flush=True)


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

    async def work(self, service: Service, is_up: asyncio.Event) -> None:
        """Look at a queue that was started again, have it go on, and see that it does, until cancelled."""
        try:
            await self._observer.until(lambda: self._observer.state_of(service), _START_LIMIT_S)
        except TimeoutError:
            self._model.fault(f"no summary state was heard within {_START_LIMIT_S:g} s: {service.log}")
            return
        if not service.resumes:
            for command in ("start", "enable"):
                if not (await self._observer.command(command)).is_done:
                    return
        await self._compare(service)
        if service.is_restarted and not service.resumes:
            self._model.paused.append((service.began_at, time.time()))
        is_up.set()
        while True:
            await self._observer.command("resume", slot="*")
            await asyncio.sleep(0.7)

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
