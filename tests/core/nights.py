# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A night on the core alone: scripts that behave and run as long as is said, and a clock that jumps."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from lsst.ts.scriptqueue.core import commands as cmd
from lsst.ts.scriptqueue.core import effects as fx
from lsst.ts.scriptqueue.core import events as ev
from lsst.ts.scriptqueue.core.layout import Layout
from lsst.ts.scriptqueue.core.model import QueueModel
from lsst.ts.scriptqueue.core.needs import Description
from lsst.ts.scriptqueue.core.states import ScriptState
from lsst.ts.scriptqueue.core.views import SlotsView, VisitMetadata

__all__ = ["Job", "Night"]

START_TAI = 2_000_000_000.0
METADATA = VisitMetadata()
S = ScriptState


@dataclass(frozen=True)
class Job:
    """A script: when it is added, to which slot, what it needs and for how long it runs (seconds)."""

    at_s: int
    slot: str
    resources: str
    runs_s: int


class Night:
    """Plays a night.

    Everything but running takes no time: a script is configured when it is
    added, and answers at once.

    Attributes
    ----------
    now_s
        Seconds since the night began.
    jobs
        The script of each index.
    started_s
        When each was told to run.
    slots
        The slots, as published last.
    """

    def __init__(self, layout: Layout, jobs: Iterable[Job]) -> None:
        self.now_s = 0.0
        self.jobs: dict[int, Job] = {}
        self.started_s: dict[int, float] = {}
        self.slots = SlotsView((), ())
        self._model = QueueModel(1, layout=layout)
        self._due: list[tuple[float, int, Job | fx.SetTimer | int]] = []
        self._planned = 0
        self._cancelled: set[int] = set()
        self._inbox: deque[ev.Event] = deque([ev.EnabledChanged(START_TAI, True)])
        self._adding: Job | None = None
        self._work()
        for job in jobs:
            self._plan(job.at_s, job)

    def go_on(self) -> bool:
        """Let the next thing happen, and all that comes of it; is there any?"""
        if not self._due:
            return False
        self.now_s, _, what = heapq.heappop(self._due)
        now = START_TAI + self.now_s
        match what:
            case Job():
                self._adding = what
                wish = cmd.AddScript(True, "x.py", slot=what.slot, resources=what.resources)
                self._inbox.append(ev.CommandGiven(now, len(self.jobs) + 1, wish))
            case fx.SetTimer():
                if what.request not in self._cancelled:
                    self._inbox.append(ev.TimerExpired(now, what.index, what.request))
            case index:
                self._report(index, S.DONE)
                self._inbox.append(ev.ProcessExited(now, index, 0, None, ""))
        self._work()
        return True

    def remaining_s(self) -> float:
        """How long what runs now will run on at most."""
        active = [index for index, _, is_active in self.slots.scripts if is_active]
        return max(
            (self.started_s[index] + self.jobs[index].runs_s - self.now_s for index in active), default=0
        )

    def _plan(self, at_s: float, what: Job | fx.SetTimer | int) -> None:
        self._planned += 1
        heapq.heappush(self._due, (at_s, self._planned, what))

    def _report(self, index: int, state: ScriptState) -> None:
        now = START_TAI + self.now_s
        self._inbox.append(ev.ScriptStateReported(now, index, state, "", index, now))

    def _work(self) -> None:
        while self._inbox:
            for effect in self._model.handle(self._inbox.popleft()):
                self._see(effect)
        self._model.validate()

    def _see(self, effect: fx.Effect) -> None:
        now = START_TAI + self.now_s
        match effect:
            case fx.LaunchProcess(index):
                assert self._adding is not None
                self.jobs[index] = self._adding
                self._inbox.append(ev.ProcessStarted(now, index, index))
                self._inbox.append(ev.ScriptDescriptionReported(now, index, Description(), index, now))
                self._report(index, S.UNCONFIGURED)
            case fx.ConfigureScript(index, request):
                self._inbox.append(ev.ScriptMetadataReported(now, index, METADATA, index, now))
                self._report(index, S.CONFIGURED)
                self._inbox.append(ev.ScriptAnswered(now, index, request, True))
            case fx.SetGroupId(index, request):
                self._inbox.append(ev.ScriptAnswered(now, index, request, True))
            case fx.RunScript(index):
                self.started_s[index] = self.now_s
                self._report(index, S.RUNNING)
                self._plan(self.now_s + self.jobs[index].runs_s, index)
            case fx.SetTimer(timer=timer) if timer is timer.PATIENCE:
                self._plan(self.now_s + effect.delay_s, effect)
            case fx.CancelTimer(request):
                self._cancelled.add(request)
            case fx.PublishSlots(view):
                self.slots = view
            case _:
                pass
