# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the queue thinks about many slots and many waiting scripts.

For each number of slots and of waiting scripts: the CPU time of one walk over
all of them, of an event that changes nothing that admission looks at (a
checkpoint of a running script), and of one after which another starts (a
script ends). The first slot is held by one running script, and in each slot
one more runs where it can.

With ``--svg`` it draws instead how long a walk takes with many numbers of
slots and of waiting scripts, as in the documentation.

    .venv/bin/python bench/bench_admission.py [--rounds 50] [--svg doc/admission.svg]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from plot import Panel, svg

from lsst.ts.scriptqueue.core import QueueModel
from lsst.ts.scriptqueue.core.admission import walk
from lsst.ts.scriptqueue.core.commands import AddScript
from lsst.ts.scriptqueue.core.effects import ConfigureScript, Effect, LaunchProcess, RunScript, SetGroupId
from lsst.ts.scriptqueue.core.events import (
    CommandGiven,
    EnabledChanged,
    Event,
    ProcessStarted,
    ScriptAnswered,
    ScriptDescriptionReported,
    ScriptMetadataReported,
    ScriptStateReported,
)
from lsst.ts.scriptqueue.core.layout import MAIN, Layout, SlotSettings
from lsst.ts.scriptqueue.core.needs import Description
from lsst.ts.scriptqueue.core.states import ScriptState
from lsst.ts.scriptqueue.core.views import VisitMetadata

GOAL_MS = 1.0
DRAWN_SLOTS = (1, 4, 8, 20, 50)
DRAWN_WAITING = (25, 50, 100, 200, 350)
SIZES = ((1, 40), (1, 350), (4, 40), (4, 350), (50, 50), (50, 350))
METADATA = VisitMetadata(duration=30.0)


@dataclass(frozen=True, slots=True)
class Case:
    """What waits: in slots of which kind, and needing one thing or each its own."""

    name: str
    is_eager: bool
    resources: str


CASES = (
    Case("ordered, one resource", False, "MTMount"),
    Case("ordered, all different", False, "Thing:{}"),
    Case("eager, one resource", True, "MTMount"),
    Case("eager, all different", True, "Thing:{}"),
)


class Crowd:
    """A queue whose scripts run until they are told to end.

    Parameters
    ----------
    case
        What waits.
    slots
        How many slots.
    waiting
        How many wait, spread over the slots.
    """

    def __init__(self, case: Case, slots: int, waiting: int) -> None:
        beside = (SlotSettings(f"slot{number}", is_eager=case.is_eager) for number in range(1, slots))
        self.model = QueueModel(1, layout=Layout((SlotSettings(announces_visits=True), *beside)))
        self.running: deque[int] = deque()
        self._inbox: deque[Event] = deque()
        self._now = 2_000_000_000.0
        self._case, self._names = case, [MAIN, *(f"slot{number}" for number in range(1, slots))]
        self._added = 0
        self.apply(EnabledChanged(self._now, True))
        for _ in range(waiting + slots):
            self.add()
        # One resource is held by one script only, so that more wait than there would.
        while len(self.model.slots.scripts) - len(self.running) > waiting:
            self.end_one()

    def add(self) -> None:
        slot = self._names[self._added % len(self._names)]
        self._added += 1
        wish = AddScript(True, "x.py", slot=slot, resources=self._case.resources.format(self._added))
        self.apply(CommandGiven(self._tick(), self._added, wish))

    def end_one(self) -> float:
        """End the script that has run longest; the CPU time that took, in seconds."""
        index = self.running.popleft()
        self.apply(ScriptStateReported(self._tick(), index, ScriptState.ENDING, "", index, self._now))
        return self.apply(ScriptStateReported(self._tick(), index, ScriptState.DONE, "", index, self._now))

    def checkpoint(self) -> float:
        """Let one that runs pass a checkpoint; the CPU time that took, in seconds."""
        index = self.running[0]
        return self.apply(ScriptStateReported(self._tick(), index, ScriptState.RUNNING, "", index, self._now))

    def apply(self, event: Event) -> float:
        """Let something happen and all that comes of it; the CPU time of the event itself, in seconds."""
        start = time.process_time()
        effects = self.model.handle(event)
        took = time.process_time() - start
        for effect in effects:
            self._answer(effect)
        while self._inbox:
            for effect in self.model.handle(self._inbox.popleft()):
                self._answer(effect)
        return took

    def _tick(self) -> float:
        self._now += 0.001
        return self._now

    def _report(self, index: int, state: ScriptState) -> None:
        now = self._tick()
        self._inbox.append(ScriptStateReported(now, index, state, "", index, now))

    def _answer(self, effect: Effect) -> None:
        match effect:
            case LaunchProcess(index):
                now = self._tick()
                self._inbox.append(ProcessStarted(now, index, index))
                self._inbox.append(ScriptDescriptionReported(now, index, Description(), index, now))
                self._report(index, ScriptState.UNCONFIGURED)
            case ConfigureScript(index, request):
                self._inbox.append(ScriptMetadataReported(self._tick(), index, METADATA, index, self._now))
                self._report(index, ScriptState.CONFIGURED)
                self._inbox.append(ScriptAnswered(self._tick(), index, request, True))
            case SetGroupId(index, request):
                self._inbox.append(ScriptAnswered(self._tick(), index, request, True))
            case RunScript(index, _):
                self._report(index, ScriptState.RUNNING)
                self.running.append(index)
            case _:
                pass


def median_ms(seconds: list[float]) -> float:
    return 1000 * statistics.median(seconds)


def measure(case: Case, slots: int, waiting: int, rounds: int) -> tuple[float, float, float]:
    """CPU time of a walk, of a checkpoint and of an end, in milliseconds (medians)."""
    crowd = Crowd(case, slots, waiting)
    walks, checkpoints, ends = [], [], []
    for _ in range(rounds):
        start = time.process_time()
        walk(crowd.model._ledger)
        walks.append(time.process_time() - start)
        checkpoints.append(crowd.checkpoint())
        ends.append(crowd.end_one())
        crowd.add()
    return median_ms(walks), median_ms(checkpoints), median_ms(ends)


def walk_ms(case: Case, slots: int, waiting: int, rounds: int) -> float:
    """CPU time of a walk, in milliseconds (median)."""
    crowd = Crowd(case, slots, waiting)
    walks = []
    for _ in range(rounds):
        start = time.process_time()
        walk(crowd.model._ledger)
        walks.append(time.process_time() - start)
    return median_ms(walks)


def draw(rounds: int) -> str:
    """A plot of the usual case and of the worst."""
    panels = [
        Panel(
            case.name,
            {
                f"{slots} slot{'s' if slots > 1 else ''}": [
                    (waiting, walk_ms(case, slots, waiting, rounds)) for waiting in DRAWN_WAITING
                ]
                for slots in DRAWN_SLOTS
            },
        )
        for case in (CASES[0], CASES[2])
    ]
    return svg(panels, "waiting scripts", "ms", GOAL_MS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=50, help="how often each is measured")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw a plot instead")
    arguments = parser.parse_args()
    if arguments.svg:
        arguments.svg.write_text(draw(arguments.rounds))
        return
    print(f"CPU time in ms (medians of {arguments.rounds}; goal {GOAL_MS:g})")
    print(f"{'case':24}{'slots':>6}{'waiting':>9}{'walk':>8}{'checkpoint':>12}{'end':>8}")
    for case in CASES:
        for slots, waiting in SIZES:
            figures = measure(case, slots, waiting, arguments.rounds)
            print(f"{case.name:24}{slots:6}{waiting:9}" + "{:8.3f}{:12.3f}{:8.3f}".format(*figures))


if __name__ == "__main__":
    main()
