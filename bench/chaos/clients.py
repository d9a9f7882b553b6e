# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Those who add, also in blocks, move, stop, pause and resume all the time.

Each slot has one client that does one thing after the other, and waits for
its turn where it moves a script to the slot of another one, so that it is
known in which order the commands for a slot were given.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from collections.abc import Mapping
from typing import Any

from lsst.ts.scriptqueue.sal import Location

from .blocks import Execution
from .model import Model
from .moments import Moments
from .observer import Answer, Observer, Outcome
from .stage import ORDERED, SCRIPT, SLOTS, Stage

__all__ = ["Client"]

#: No client lets more scripts wait than this in its slot.
_MOST_WAITING = 4

_HOW = ("done",) * 7 + ("fail", "die", "bad")
_DEEDS = ("add",) * 12 + ("move",) * 4 + ("carry",) * 2 + ("stop",) * 2 + ("requeue", "pause", "resume")

#: In a slot that is ordered, so many of ten adds are to a block.
_OF_BLOCKS = 0.4
_SIZES = (1, 2, 3, 4)

#: Why a command may be refused, the night being as it is.
_EXPECTED = ("no such", "not in", "is not waiting", "is full", "cannot be requeued", "not allowed in state")

#: Slot -> the block that its client adds to.
_BLOCKS = dict(zip(ORDERED, ("BLOCK-1", "BLOCK-T2"), strict=True))


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
    turns
        Who has that of a slot may command it.
    """

    def __init__(
        self,
        slot: str,
        observer: Observer,
        model: Model,
        moments: Moments,
        stage: Stage,
        chance: random.Random,
        turns: Mapping[str, asyncio.Lock],
    ) -> None:
        self.slot = slot
        self._observer = observer
        self._model = model
        self._moments = moments
        self._stage = stage
        self._chance = chance
        self._turns = turns
        self._count = 0
        self._execution: Execution | None = None

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
            others = [slot for slot in SLOTS if slot != self.slot]
            to = self._chance.choice(others) if deed == "carry" else self.slot
            async with contextlib.AsyncExitStack() as turns:
                # Always in the same order, so that no two wait for each other.
                for slot in sorted({self.slot, to}):
                    await turns.enter_async_context(self._turns[slot])
                if deed in ("move", "carry"):
                    await self._move(to)
                else:
                    await getattr(self, f"_{deed}")()

    async def _add(self) -> None:
        if self.slot in _BLOCKS and self._chance.random() < _OF_BLOCKS:
            await self._add_to_block()
            return
        location, beside = self._place(0, self.slot)
        name = self._new_name()
        await self._give("add", name, location, beside, **self._wish(name), slot=self.slot)

    async def _add_to_block(self) -> None:
        execution = self._execution
        if execution is None:
            execution = Execution(_BLOCKS[self.slot], self.slot, self._chance.choice(_SIZES))
            self._execution = execution
            self._model.executions.append(execution)
        is_first, is_full = not execution.names, len(execution.names) == execution.size
        name = self._new_name()
        execution.names.append(name)
        answer = await self._give(
            "add",
            name,
            Location.LAST,
            0,
            **self._wish(name),
            slot=self._chance.choice((self.slot, "")) if not is_first else self.slot,
            block=execution.block,
            blockSize=execution.size,
            startBlock=is_first,
        )
        if answer.outcome is Outcome.REFUSED:
            execution.names.pop()
        elif answer.outcome is Outcome.UNKNOWN:
            # Nobody knows how many it has; so the next one opens another.
            execution.is_doubtful, self._execution = True, None
        elif is_full:
            self._model.fault(f"{name} was let into {execution}, which was full")
        # Now and then one more is tried that must be refused.
        if is_full or (len(execution.names) == execution.size and self._chance.random() < 0.8):
            self._execution = None

    def _new_name(self) -> str:
        self._count += 1
        return f"{self.slot}-{self._count}"

    def _wish(self, name: str) -> dict[str, Any]:
        how = self._chance.choice(_HOW)
        self._model.plans[name] = how
        config = {
            "name": name,
            "diary": str(self._stage.diary),
            "how": how,
            "configure_s": self._chance.choice((0.0, 0.0, 0.3)),
            "run_s": round(self._chance.choice((0.0, 0.2, 0.5, 2.0)), 1),
        }
        return {
            "isStandard": True,
            "path": SCRIPT,
            "config": json.dumps(config),
            "resources": self._chance.choice(("", "Dome", "Camera,Dome")),
        }

    async def _give(self, command: str, name: str, location: Location, beside: int, **fields: Any) -> Answer:
        """Have a script of a name added."""
        self._model.asked[name] += 1
        asyncio.get_running_loop().call_soon(self._moments.note, "an add was sent")
        answer = await self._observer.command(command, location=location, locationSalIndex=beside, **fields)
        if answer.is_done:
            self._moments.note("an add was acknowledged")
            self._model.added(int(answer.text), name, self.slot, location, beside)
        elif answer.outcome is Outcome.REFUSED:
            self._model.refused(name)
            self._say_refused(command, answer.text)
        return answer

    async def _requeue(self) -> None:
        known = [
            (index, script.name)
            for index, script in self._model.scripts.items()
            if script.slot == self.slot and script.name
        ][-20:]
        if not known:
            return
        index, name = self._chance.choice(known)
        answer = await self._give("requeue", name, Location.LAST, 0, scriptSalIndex=index, slot=self.slot)
        if answer.is_done and self._is_of_block(name):
            self._model.fault(f"script {index} of a block was requeued as {answer.text}")

    async def _move(self, to: str) -> None:
        waiting = self._model.waiting[self.slot]
        if not waiting:
            return
        index = self._chance.choice(waiting)
        location, beside = self._place(index, to)
        self._model.moving(index)
        asyncio.get_running_loop().call_soon(self._moments.note, "a move was sent")
        answer = await self._observer.command(
            "move", scriptSalIndex=index, location=location, locationSalIndex=beside, slot=to
        )
        if answer.is_done:
            if to != self.slot and self._is_of_block(self._model.scripts[index].name):
                self._model.fault(f"script {index} of a block was moved from {self.slot} to {to}")
            self._model.moved(index, to, location, beside)
        elif answer.outcome is Outcome.UNKNOWN:
            self._model.perhaps_moved(index, to)
        else:
            self._model.not_moved(index)

    def _is_of_block(self, name: str) -> bool:
        return any(name in execution.names for execution in self._model.executions)

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

    def _place(self, index: int, slot: str) -> tuple[Location, int]:
        """Choose where in a slot a script goes; 0 for a new one."""
        others = [other for other in self._model.waiting[slot] if other != index]
        location = self._chance.choice((Location.LAST, Location.LAST, *Location))
        if location not in (Location.BEFORE, Location.AFTER):
            return location, 0
        return (location, self._chance.choice(others)) if others else (Location.LAST, 0)

    def _say_refused(self, name: str, why: str) -> None:
        if not any(text in why for text in _EXPECTED):
            print(f"chaos: {name} was refused: {why}", flush=True)
