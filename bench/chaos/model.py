# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must be so, by what was acknowledged.

It knows nothing of how the queue works: only what clients have asked, how
they were answered, and what they have heard. Whether a command was carried
out of which no answer came is in doubt until the queue has been seen again.
"""

from __future__ import annotations

import collections
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from lsst.ts.scriptqueue.sal import Location

from .blocks import Execution

__all__ = ["Model", "Script"]


@dataclass
class Script:
    """What is known of a script.

    Attributes
    ----------
    name
        The name in its configuration; "" if its add was not answered.
    slot
        Where it was added, or moved to, as far as that is known.
    may_be_in
        All slots where it may be.
    is_acknowledged
        Was its add acknowledged, or was it only seen?
    is_stop_asked
        May somebody have stopped it?
    stopped_at
        When it was acknowledged that it was stopped (UTC, unix seconds); 0 if it was not.
    """

    name: str
    slot: str
    is_acknowledged: bool = True
    is_stop_asked: bool = False
    stopped_at: float = 0.0
    may_be_in: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.put(self.slot)

    def put(self, slot: str) -> None:
        """It is known to be in a slot."""
        self.slot = slot
        self.may_be_in = {slot}


class Model:
    """What must be so.

    Attributes
    ----------
    scripts
        All scripts that are known, by index.
    plans
        How each script is to end, by its name.
    asked, granted
        How often a script of a name was added or requeued, in all and with an acknowledgement.
    waiting
        The scripts that wait in each slot, in order.
    before
        (index, index of one that must run after it) -> since when that is so (UTC, unix seconds).
    carried
        How many moves to another slot were acknowledged.
    executions
        Of blocks, as far as their opening was not refused.
    paused
        Spans in which nothing may begin to run (UTC, unix seconds).
    endings
        How each script has ended, by what the queue has told.
    killed
        Scripts whose process was killed after they had begun, so that this must be their end.
    killed_early
        Scripts whose process was killed before they had begun. They are launched again, and run all the
        same, unless they had been told to run: then nobody knows how far they came, and they have failed.
    keeper_is_lost
        Was a keeper ever killed?
    faults
        What was found wrong.
    """

    def __init__(self, slots: Sequence[str]) -> None:
        self.scripts: dict[int, Script] = {}
        self.plans: dict[str, str] = {}
        self.asked: collections.Counter[str] = collections.Counter()
        self.granted: collections.Counter[str] = collections.Counter()
        self.waiting: dict[str, list[int]] = {slot: [] for slot in slots}
        self.before: dict[tuple[int, int], float] = {}
        self.carried = 0
        self.executions: list[Execution] = []
        self.paused: list[tuple[float, float]] = []
        self.endings: dict[int, tuple[int, int]] = {}
        self.killed: set[int] = set()
        self.killed_early: set[int] = set()
        self.keeper_is_lost = False
        self.faults: list[str] = []
        self._doubtful: set[int] = set()
        self._moving: set[int] = set()
        self._gone: set[int] = set()

    def fault(self, text: str) -> None:
        """Note what is wrong."""
        if text not in self.faults:
            self.faults.append(text)
            print(f"chaos: WRONG: {text}", flush=True)

    def added(self, index: int, name: str, slot: str, location: Location, beside: int) -> None:
        """An add, or a requeue, was acknowledged."""
        self.granted[name] += 1
        known = self.scripts.get(index)
        if known is not None and not known.name:
            # It was seen before its answer came.
            known.name, known.is_acknowledged = name, True
            return
        if known is not None:
            self.fault(f"index {index} was given to {known.name} and to {name}")
            return
        self.scripts[index] = Script(name, slot)
        self._insert(slot, index, location, beside)

    def refused(self, name: str) -> None:
        """An add, or a requeue, was refused: nothing came of it."""
        self.asked[name] -= 1

    def moving(self, index: int) -> None:
        """A move was sent: until it is answered nobody knows who comes before this script, and who after it.

        Others may have started by where it is now before the answer is heard.
        """
        self._moving.add(index)
        self._forget_order(index)
        name = self.scripts[index].name
        for execution in self.executions:
            if name in execution.names or (not name and execution.is_doubtful):
                execution.is_shuffled = True

    def moved(self, index: int, slot: str, location: Location, beside: int) -> None:
        """A move was acknowledged."""
        self._moving.discard(index)
        self._take_out(index)
        self.carried += slot != self.scripts[index].slot
        self.scripts[index].put(slot)
        self._insert(slot, index, location, beside)

    def not_moved(self, index: int) -> None:
        """A move was refused."""
        self._moving.discard(index)
        self._note_order(self.scripts[index].slot)

    def perhaps_moved(self, index: int, slot: str) -> None:
        """A move was not answered."""
        self._moving.discard(index)
        self.scripts[index].may_be_in.add(slot)
        self._doubt(index)

    def has_left(self, index: int) -> None:
        """A script does not wait any more."""
        self._gone.add(index)
        self._take_out(index)

    def ended(self, index: int, process_state: int, script_state: int) -> None:
        """The queue has told how a script ended."""
        known = self.endings.setdefault(index, (process_state, script_state))
        if known != (process_state, script_state):
            self.fault(f"script {index} ended as {known}, and again as {(process_state, script_state)}")

    def was_ended_by_kill(self, index: int, *, is_told_to_run: bool, has_begun: bool) -> bool:
        """May a script have failed because its process was killed?"""
        return index in self.killed or (index in self.killed_early and is_told_to_run and not has_begun)

    def differs(self, seen: dict[str, list[int]], present: set[int]) -> str:
        """Say in what the queue differs from what was acknowledged; "" if in nothing.

        Parameters
        ----------
        seen
            Who waits in each slot, in order, as the queue says.
        present
            Who waits or runs in any.
        """
        for slot, order in self.waiting.items():
            certain = [index for index in order if self._is_certain(index)]
            kept = [index for index in seen.get(slot, []) if index in certain]
            expected = [index for index in certain if index in kept]
            if kept != expected:
                return f"slot {slot} has {kept} waiting in this order, but {expected} was acknowledged"
        for slot, order in seen.items():
            for index in order:
                script = self.scripts.get(index)
                if script is not None and index not in self._moving and slot not in script.may_be_in:
                    return f"script {index} waits in slot {slot}, but it was to be in {script.slot}"
        strangers = present - self.scripts.keys()
        open_adds = sum((self.asked - self.granted).values())
        if len(strangers) > open_adds:
            return f"{sorted(strangers)} are there, but only {open_adds} adds were not answered"
        return ""

    def take(self, seen: dict[str, list[int]]) -> None:
        """Go on from what the queue says."""
        self._doubtful.clear()
        for slot, order in seen.items():
            for index in order:
                self.scripts.setdefault(index, Script("", slot, is_acknowledged=False)).put(slot)
            self._gone.difference_update(order)
            self.waiting[slot] = list(order)
        for slot in seen:
            self._note_order(slot)

    def _insert(self, slot: str, index: int, location: Location, beside: int) -> None:
        if index in self._gone:
            # It was heard to run before the answer came.
            return
        order = self.waiting[slot]
        if location in (Location.BEFORE, Location.AFTER):
            if beside not in order:
                order.append(index)
                self._doubt(index)
                return
            order.insert(order.index(beside) + (location is Location.AFTER), index)
            if not self._is_certain(beside):
                self._doubt(index)
        else:
            order.insert(0 if location is Location.FIRST else len(order), index)
        self._note_order(slot)

    def _take_out(self, index: int) -> None:
        for order in self.waiting.values():
            if index in order:
                order.remove(index)

    def _doubt(self, index: int) -> None:
        """It is not known where a script waits, until the queue is seen again."""
        self._doubtful.add(index)
        self._forget_order(index)

    def _is_certain(self, index: int) -> bool:
        return index not in self._doubtful and index not in self._moving

    def _forget_order(self, index: int) -> None:
        self.before = {pair: at for pair, at in self.before.items() if index not in pair}

    def _note_order(self, slot: str) -> None:
        now = time.time()
        certain = [index for index in self.waiting[slot] if self._is_certain(index)]
        for place, first in enumerate(certain):
            for second in certain[place + 1 :]:
                self.before.pop((second, first), None)
                self.before.setdefault((first, second), now)
