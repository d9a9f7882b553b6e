# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What overlaps is never used together, seen from outside, whatever the slots and whatever happens.

The observer knows what is published and what is sent, and nothing else. It
takes a script to use what its ``script`` event says from when the ``slots``
event first shows it in a place, before it is told to run, until that shows it
no more; or until its process has gone after it was told to stop.
"""

from __future__ import annotations

import random
from collections import Counter

from hypothesis import strategies as st

from lsst.ts.scriptqueue.core import commands as cmd
from lsst.ts.scriptqueue.core import effects as fx
from lsst.ts.scriptqueue.core.layout import Layout
from lsst.ts.scriptqueue.core.states import Location, ScriptState
from lsst.ts.scriptqueue.core.views import ScriptView, SlotsView

from .layouts import RULINGS
from .ledgers import a_random_layout
from .properties import quickly_and_for_long
from .world import World

#: Everything there is, for who looks at names only. Nobody ever names Z.
THINGS = frozenset(
    {
        "A",
        "B",
        "C",
        "E:1",
        "E:2",
        "E:3",
        "archive",
        "disk",
        "ESS:1",
        "ESS:2",
        "MTMount",
        "MTDome",
        "MTHexapod:1",
        "Z",
    }
)
#: How many may use these at once.
SHARED = {"archive": 2, "disk": 1}
RESOURCES = [
    "none",
    "A",
    "B",
    "A,B",
    "E",
    "E:1",
    "E:2",
    "E:1,A",
    "archive",
    "archive",
    "disk",
    "*,!E",
    "*,!archive",
    "",
]
FAILED = frozenset({ScriptState.FAILED, ScriptState.CONFIGURE_FAILED})
RUNS = frozenset(
    {ScriptState.RUNNING, ScriptState.PAUSED, ScriptState.ENDING, ScriptState.STOPPING, ScriptState.FAILING}
)


def things(text: str) -> frozenset[str]:
    """What a published text of resources stands for."""
    found: set[str] = set()
    names = text.split(",")
    for name in names:
        if name == "*":
            found = set(THINGS)
    for name in names:
        meant = {
            thing for thing in THINGS if thing.split(":")[0] == name.lstrip("!") or thing == name.lstrip("!")
        }
        found = found - meant if name.startswith("!") else found | meant
    return frozenset(found)


class Observer:
    """Follows what is published and sent."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._slots = SlotsView((), ())
        self._shown: dict[int, ScriptView] = {}
        self._stopped: set[int] = set()
        self._in_place: set[int] = set()
        self.most_together = 0

    def see(self, effects: list[fx.Effect]) -> None:
        """Take notice of what came of one event, and check that nothing is used twice."""
        for effect in effects:
            match effect:
                case fx.PublishSlots(view):
                    self._slots = view
                case fx.PublishScript(view):
                    self._shown[view.index] = view
                case fx.StopScript(index) | fx.TerminateProcess(index):
                    self._stopped.add(index)
                case _:
                    pass
        in_place = {index: slot for index, slot, is_active in self._slots.scripts if is_active}
        per_slot = Counter(in_place.values())
        for slot, settings in enumerate(self._layout.slots):
            assert per_slot[slot] <= settings.capacity, f"{per_slot[slot]} in {settings.name}"
        for effect in effects:
            if isinstance(effect, fx.RunScript):
                assert effect.index in in_place, f"{effect.index} runs, but is shown in no place"
        using = [index for index in in_place if not self._has_gone(index)]
        if len(self._layout.slots) > 1:
            # In a queue of one slot nobody is told of resources.
            self._check(using, {index for index in using if index not in self._in_place})
        self._in_place = set(in_place)
        self.most_together = max(self.most_together, len(using))

    def _has_gone(self, index: int) -> bool:
        view = self._shown[index]
        return index in self._stopped and view.process_end_tai > 0 and view.script_state not in FAILED

    def _check(self, using: list[int], new: set[int]) -> None:
        runs_untold = [
            index
            for index, slot, is_active in self._slots.scripts
            if not is_active and index in self._shown and self._shown[index].script_state in RUNS
        ]
        needs = {index: self._needs(index) for index in using}
        for number, one in enumerate(using):
            for other in using[:number]:
                self._check_pair(one, needs[one], other, needs[other])
        for one in new:
            for other in runs_untold:
                theirs = self._shown[other].resources
                if theirs:
                    self._check_pair(one, needs[one], other, (theirs, things(theirs)))
        for name, capacity in SHARED.items():
            users = [index for index, (text, mine) in needs.items() if name in mine]
            assert len(users) <= capacity, f"{name} is used by {users}"
            if any(needs[index][0].startswith("*") for index in users):
                assert len(users) == 1, f"{name} is used by {users}, one of whom needs all of it"

    def _needs(self, index: int) -> tuple[str, frozenset[str]]:
        text = self._shown[index].resources
        assert text, f"{index} is in its place, but nobody was told what it needs"
        return text, things(text)

    def _check_pair(
        self, one: int, ours: tuple[str, frozenset[str]], other: int, theirs: tuple[str, frozenset[str]]
    ) -> None:
        shared = ours[1] & theirs[1] - SHARED.keys()
        assert not shared, f"{one} ({ours[0]}) and {other} ({theirs[0]}) both use {sorted(shared)}"


class History:
    """Scripts that mostly behave, in slots of any kind, under the eyes of an observer."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        layout = a_random_layout(self._chance)
        self._names = [slot.name for slot in layout.slots]
        self.observer = Observer(layout)
        self._world = World(history=400, layout=layout)
        self._world.on_effects = self.observer.see

    def go(self, steps: int) -> None:
        """Let so many things happen, and then all come to an end."""
        world, chance = self._world, self._chance
        for _ in range(steps):
            world.driver.tick(chance.choice([0.1, 5.0]))
            if chance.random() < 0.12:
                self._disturb(chance.choice([*world.live(), 0]))
            elif chance.random() < 0.3 and len(world.live()) < 25:
                slot, resources = chance.choice(self._names), chance.choice(RESOURCES)
                rule = chance.choice(RULINGS)
                world.give(cmd.AddScript(True, "x.py", slot=slot, resources=resources, ruling=rule))
                world.start(world.launches[0])
            else:
                # What runs is left running for a while, so that more runs beside it.
                preparing = [index for index in world.processes if world.processes[index].said not in RUNS]
                if not any(world.obey(index) for index in chance.sample(preparing, len(preparing))):
                    self._end_one()
        world.come_to_rest()

    def _end_one(self) -> None:
        world, chance = self._world, self._chance
        for index in chance.sample(list(world.processes), min(1, len(world.processes))):
            if world.processes[index].said is ScriptState.RUNNING and chance.random() < 0.3:
                world.report(index, ScriptState.FAILED)
            else:
                world.obey(index)

    def _disturb(self, index: int) -> None:
        world, chance = self._world, self._chance
        slot = chance.choice(self._names)
        match chance.randrange(9):
            case 0 if index in world.processes:
                world.exit(index, chance.choice([0, 1]))
            case 1:
                world.report(
                    index, chance.choice([ScriptState.FAILED, ScriptState.RUNNING, ScriptState.DONE])
                )
            case 2 | 3:
                world.give(cmd.StopScripts((index,), chance.random() < 0.5))
            case 4:
                world.give(cmd.MoveScript(index, cmd.Target(chance.choice(list(Location)), index), slot))
            case 5:
                world.give(cmd.Pause(chance.choice(["", slot])))
            case 6 | 7:
                world.give(cmd.Resume("*"))
            case _:
                timers = list(world.driver.watcher.timers.values())
                self._end_one() if not timers else world.expire(chance.choice(timers))


@quickly_and_for_long(st.integers(0, 2**32), quick=25, long=3_000)
def test_what_overlaps_is_never_used_together(seed: int) -> None:
    History(seed).go(100)


def test_the_observer_sees_scripts_side_by_side() -> None:
    """Otherwise there would be nothing to see."""
    together = []
    for seed in range(10):
        history = History(seed)
        history.go(100)
        together.append(history.observer.most_together)
    assert sum(together) > 15, together
