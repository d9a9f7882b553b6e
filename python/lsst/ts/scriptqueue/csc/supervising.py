# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge that watches what lives: heartbeats, and processes as the kernel shows them.

The clock of each script's heartbeats is kept here, and the queue is told of
changes only. What the queue knows already is asked of it at each look, so
nothing is told twice, and what was missed is told at the next look.

A script is silent when none of its heartbeats has come for so long. That time
stands still while the middleware is not seen to carry messages, and while this
process itself stood still: then it is not the script that is silent. It begins
with the first heartbeat, for which a script that loads may take its time; or,
for one that an earlier service has left, when this one took it over; and anew
when a process that was stopped goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from ..core.concerns import Concern
from ..core.events import (
    ProcessContinued,
    ProcessStopped,
    ScriptFellSilent,
    ScriptHeardAgain,
    ScriptOverdue,
)
from ..core.limits import MAX_LISTED, Supervision
from ..launch.contract import Launcher, Vitals
from ..runtime import Runtime

__all__ = ["LOOK_S", "Supervising"]

#: Time between two looks (seconds).
LOOK_S = 1.0

#: Of so many scripts it is remembered what they used.
_USES_KEPT = 2 * MAX_LISTED


@dataclass(slots=True)
class _Ear:
    """What is heard of one process.

    Attributes
    ----------
    heard_tai
        When its last heartbeat came, or since when one is waited for (TAI, unix seconds).
    was_heard
        Has one come?
    quiet_s
        For how long none has come that would have (seconds).
    """

    heard_tai: float
    was_heard: bool
    quiet_s: float = 0.0


class Supervising:
    """Watches the scripts of a queue.

    Parameters
    ----------
    runtime
        Where events go.
    launcher
        Who owns the processes.
    limits
        How long a script may be silent.
    """

    def __init__(self, runtime: Runtime, launcher: Launcher, limits: Supervision) -> None:
        self._runtime = runtime
        self._launcher = launcher
        self._limits = limits
        #: By SAL index and process id.
        self._ears: dict[tuple[int, int], _Ear] = {}
        self._uses: dict[int, Vitals] = {}

    def use_of(self, index: int) -> Vitals | None:
        """What a script's process was last seen to use; None if it has not been seen."""
        return self._uses.get(index)

    def heartbeat(self, index: int, origin: int) -> None:
        """Take a heartbeat, whoever says that it is that script's."""
        ear = self._ears.setdefault((index, origin), _Ear(0.0, was_heard=True))
        ear.heard_tai, ear.was_heard, ear.quiet_s = self._runtime.now(), True, 0.0

    def take_over(self) -> None:
        """Wait from now on for the heartbeats of the scripts that an earlier service has left."""
        for script in self._runtime.model.supervised():
            if script.has_spoken:
                ear = self._ears[script.index, script.origin] = _Ear(self._runtime.now(), was_heard=False)
                if Concern.SILENT in script.concerns:
                    ear.quiet_s = self._limits.silence_s

    async def run(self) -> None:
        """Look, until cancelled."""
        loop = asyncio.get_running_loop()
        last = loop.time()
        while True:
            await asyncio.sleep(LOOK_S)
            now = loop.time()
            # One that was itself stopped, or had no processor, has heard nobody.
            elapsed_s, last = min(now - last, 2 * LOOK_S), now
            vitals = await self._launcher.look()
            if self._runtime.is_running:
                self._note(vitals, elapsed_s if self._runtime.hears else 0.0)

    def _note(self, vitals: Mapping[str, Vitals], elapsed_s: float) -> None:
        """Take notice of what was seen, and of how much time has passed in which scripts could be heard."""
        now_tai = self._runtime.now()
        ears: dict[tuple[int, int], _Ear] = {}
        for script in self._runtime.model.supervised():
            seen = vitals.get(script.launch_id)
            ear = self._ears.get((script.index, script.origin))
            if seen is not None:
                self._remember(script.index, seen)
                if seen.is_stopped is not (Concern.STOPPED in script.concerns):
                    kind = ProcessStopped if seen.is_stopped else ProcessContinued
                    self._runtime.post(kind(now_tai, script.index))
                    if ear is not None and not seen.is_stopped:
                        ear.quiet_s = 0.0
            if ear is not None:
                ears[script.index, script.origin] = ear
                ear.quiet_s += elapsed_s
                is_silent = ear.quiet_s >= self._limits.silence_s
                if is_silent and Concern.SILENT not in script.concerns:
                    self._runtime.post(ScriptFellSilent(now_tai, script.index, ear.heard_tai, ear.was_heard))
                elif not is_silent and Concern.SILENT in script.concerns:
                    self._runtime.post(ScriptHeardAgain(now_tai, script.index))
            if now_tai >= script.overdue_tai and Concern.OVERDUE not in script.concerns:
                self._runtime.post(ScriptOverdue(now_tai, script.index))
        self._ears = ears

    def _remember(self, index: int, seen: Vitals) -> None:
        self._uses.pop(index, None)
        self._uses[index] = seen
        if len(self._uses) > _USES_KEPT:
            del self._uses[next(iter(self._uses))]
