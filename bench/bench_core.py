# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast the core alone is: nights of 20 scripts a second.

A night is 20 scripts added at once, each loaded, configured, given a group
id, run with five checkpoints and ended, while the history is full. Nothing
but the model is measured: the world around it is a loop that answers each
effect at once. The floor is the same loop without a model, so that the ratio
says what the model costs.

    .venv/bin/python bench/bench_core.py [--seconds 5] [--profile]
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import statistics
import time
from collections import deque

from lsst.ts.scriptqueue.core import QueueModel
from lsst.ts.scriptqueue.core.commands import AddScript
from lsst.ts.scriptqueue.core.effects import ConfigureScript, Effect, LaunchProcess, RunScript, SetGroupId
from lsst.ts.scriptqueue.core.events import (
    CommandGiven,
    EnabledChanged,
    Event,
    ProcessExited,
    ProcessStarted,
    ScriptAnswered,
    ScriptDescriptionReported,
    ScriptMetadataReported,
    ScriptStateReported,
)
from lsst.ts.scriptqueue.core.limits import MAX_LISTED
from lsst.ts.scriptqueue.core.needs import Description
from lsst.ts.scriptqueue.core.states import ScriptState
from lsst.ts.scriptqueue.core.views import VisitMetadata

SCRIPTS_PER_NIGHT = 20
CHECKPOINTS = 5
GOAL_NIGHTS_PER_S = 100
METADATA = VisitMetadata(duration=30.0)
WISH = AddScript(True, "slew.py", config="az: 10")


class World:
    """Answers every effect at once, as a quick and obedient world would."""

    def __init__(self, model: QueueModel) -> None:
        self.model = model
        self.now = 2_000_000_000.0
        self.events = 0
        self._inbox: deque[Event] = deque([EnabledChanged(self.now, True)])
        self._commands = 0

    def night(self, scripts: int) -> None:
        """Let a night pass: scripts added at once, then all that comes of it."""
        for _ in range(scripts):
            self._commands += 1
            self._inbox.append(CommandGiven(self._tick(), self._commands, WISH, self._commands))
        while self._inbox:
            self.events += 1
            for effect in self.model.handle(self._inbox.popleft()):
                self._answer(effect)

    def _tick(self) -> float:
        self.now += 0.001
        return self.now

    def _answer(self, effect: Effect) -> None:
        match effect:
            case LaunchProcess(index):
                self._inbox.append(ProcessStarted(self._tick(), index, index))
                self._report(index, ScriptState.UNCONFIGURED)
                self._inbox.append(
                    ScriptDescriptionReported(self._tick(), index, Description("", ""), index, self.now)
                )
            case ConfigureScript(index, request):
                self._inbox.append(ScriptMetadataReported(self._tick(), index, METADATA, index, self.now))
                self._report(index, ScriptState.CONFIGURED)
                self._inbox.append(ScriptAnswered(self._tick(), index, request, True))
            case SetGroupId(index, request):
                self._inbox.append(ScriptAnswered(self._tick(), index, request, True))
            case RunScript(index, request):
                for _ in range(1 + CHECKPOINTS):
                    self._report(index, ScriptState.RUNNING)
                self._report(index, ScriptState.ENDING)
                self._report(index, ScriptState.DONE)
                self._inbox.append(ScriptAnswered(self._tick(), index, request, True))
                self._inbox.append(ProcessExited(self._tick(), index, 0))
            case _:
                pass

    def _report(self, index: int, state: ScriptState) -> None:
        now = self._tick()
        self._inbox.append(ScriptStateReported(now, index, state, "", index, now))


class NoModel(QueueModel):
    """Gives the effects that lead a script through its life, and does nothing else."""

    def __init__(self) -> None:
        super().__init__(1)
        self._next = 100_000

    def handle(self, event: Event) -> list[Effect]:
        match event:
            case CommandGiven():
                self._next += 1
                return [LaunchProcess(self._next, True, "slew.py")]
            case ScriptStateReported(state=ScriptState.UNCONFIGURED):
                return [ConfigureScript(event.index, 1, "", 0, "", "", "", "")]
            case ScriptStateReported(state=ScriptState.CONFIGURED):
                return [SetGroupId(event.index, 1, "x"), RunScript(event.index, 1)]
            case _:
                return []


def measure(world: World, scripts: int, seconds: float) -> tuple[float, float]:
    """Scripts and events a second of CPU time; of the scripts the median of five parts.

    CPU time, because whoever else is busy on the machine is no part of it.
    """
    rates, events_before, start = [], world.events, time.process_time()
    for _ in range(5):
        done, part_start = 0, time.process_time()
        while time.process_time() - part_start < seconds / 5:
            world.night(scripts)
            done += scripts
        rates.append(done / (time.process_time() - part_start))
    return statistics.median(rates), (world.events - events_before) / (time.process_time() - start)


def a_full_world() -> World:
    """A queue whose history is full."""
    world = World(QueueModel(1))
    for _ in range(MAX_LISTED // SCRIPTS_PER_NIGHT + 1):
        world.night(SCRIPTS_PER_NIGHT)
    assert len(world.model.queue.past) == MAX_LISTED
    assert world.model.queue.waiting == ()
    return world


def profile(world: World) -> None:
    """Show where the time of a hundred nights goes."""
    profiler = cProfile.Profile()
    profiler.enable()
    for _ in range(100):
        world.night(SCRIPTS_PER_NIGHT)
    profiler.disable()
    pstats.Stats(profiler).sort_stats("tottime").print_stats(25)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5.0, help="how long to measure")
    parser.add_argument("--profile", action="store_true", help="show where the time goes instead")
    arguments = parser.parse_args()
    world = a_full_world()
    if arguments.profile:
        profile(world)
        return
    scripts, events = measure(world, SCRIPTS_PER_NIGHT, arguments.seconds)
    floor, _ = measure(World(NoModel()), SCRIPTS_PER_NIGHT, arguments.seconds / 5)
    crowd, _ = measure(world, MAX_LISTED, arguments.seconds)
    nights = scripts / SCRIPTS_PER_NIGHT
    verdict = "reached" if nights >= GOAL_NIGHTS_PER_S else "missed"
    print(f"nights of {SCRIPTS_PER_NIGHT}    {nights:8.0f} /s  (goal {GOAL_NIGHTS_PER_S}: {verdict})")
    print(f"scripts         {scripts:8.0f} /s")
    print(f"events          {events:8.0f} /s")
    print(f"without a model {floor:8.0f} scripts/s, {floor / scripts:.1f} times as many")
    print(f"{MAX_LISTED} at once     {crowd:8.0f} scripts/s")


if __name__ == "__main__":
    main()
