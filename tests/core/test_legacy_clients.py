# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that know of no slots: what they are shown, and what they never lose."""

from __future__ import annotations

import random

import pytest

from lsst.ts.scriptqueue.core import commands as cmd
from lsst.ts.scriptqueue.core import effects as fx
from lsst.ts.scriptqueue.core import events as ev
from lsst.ts.scriptqueue.core.layout import LegacyQueue, SlotSettings
from lsst.ts.scriptqueue.core.states import ScriptState
from lsst.ts.scriptqueue.core.views import QueueView, ScriptView

from .driver import Driver
from .layouts import OBSERVATORY, a_layout, a_ruling
from .world import World

S = ScriptState


class Panel:
    """Follows ``queue`` and ``script`` as deployed panels do.

    It keeps only what the latest queue lists, of the past the first ten, and
    drops what it hears of a script that it does not keep.
    """

    def __init__(self) -> None:
        self.scripts: dict[int, ScriptView | None] = {}
        self.lost: list[int] = []

    def see(self, effects: list[fx.Effect]) -> None:
        for effect in effects:
            if isinstance(effect, fx.PublishQueue):
                listed = {effect.view.current, *effect.view.waiting, *effect.view.past[:10]} - {0}
                self.scripts = {index: self.scripts.get(index) for index in listed}
            elif isinstance(effect, fx.PublishScript):
                if effect.view.index in self.scripts:
                    self.scripts[effect.view.index] = effect.view
                else:
                    self.lost.append(effect.view.index)


def is_idle(view: QueueView) -> bool:
    """Does a Scheduler that sends one target at a time take the queue for idle?"""
    return view.running and view.current == 0 and len(view.waiting) == 0


@pytest.mark.parametrize("legacy", [LegacyQueue.YIELDING, LegacyQueue.COMBINED])
@pytest.mark.parametrize("seed", range(4))
def test_a_panel_loses_no_update_while_four_slots_are_busy(legacy: LegacyQueue, seed: int) -> None:
    layout = a_layout(*OBSERVATORY.slots[1:], legacy_queue=legacy)
    chance = random.Random(seed)
    world = World(history=400, layout=layout)
    panel = Panel()
    panel.see(world.driver.effects)
    for _ in range(400):
        seen = len(world.driver.effects)
        world.driver.tick(0.1)
        if chance.random() < 0.2 and len(world.processes) < 8:
            slot = chance.choice([slot.name for slot in layout.slots])
            resources = chance.choice(["MTMount", "ESS:1", "none", "archive"])
            world.give(cmd.AddScript(True, "x.py", slot=slot, resources=resources))
        elif world.launches:
            world.start(world.launches[0])
        elif world.processes:
            world.obey(chance.choice(list(world.processes)))
        panel.see(world.driver.effects[seen:])
        for index, _, _ in world.driver.model.slots.scripts:
            assert panel.scripts[index] == world.driver.watcher.shown.get(index)
    assert panel.lost == []
    assert len(world.known) > 20


def test_what_a_panel_has_forgotten_is_shown_again_when_it_is_listed_again() -> None:
    driver = Driver(layout=a_layout(SlotSettings("many", capacity=20)))
    in_main = driver.add_running(resources="MTMount")
    beside = [driver.add_running(resources="none", slot="many") for _ in range(12)]
    driver.finish(in_main)
    assert driver.queue.past[:12] == tuple(beside), "while main is free they are among the past ones"
    driver.add(resources="MTMount")
    again = {effect.view.index for effect in driver.of(fx.PublishScript) if effect.force}
    assert again >= set(beside[10:]), "those that a panel did not keep"
    assert not again & set(beside[:10])


@pytest.mark.parametrize("legacy", LegacyQueue)
def test_a_script_that_a_panel_sees_first_in_the_history_is_shown_then(legacy: LegacyQueue) -> None:
    """Also if nothing about it changes by that: it has failed, its process has gone, its slot goes on."""
    driver = Driver(layout=a_layout(SlotSettings("many", capacity=20), legacy_queue=legacy))
    beside = [driver.add_running(resources="none", slot="many") for _ in range(12)]
    failed = beside[-1]
    driver.report(failed, S.FAILED)
    driver.exit(failed)
    panel = Panel()
    panel.see(driver.effects)
    seen = len(driver.effects)
    driver.stop(*beside[:-1], terminate=True)
    for index in beside[:-1]:
        driver.exit(index)
    driver.done(cmd.Resume("*"))
    panel.see(driver.effects[seen:])
    assert panel.scripts[failed] == driver.watcher.shown[failed]


@pytest.mark.parametrize(
    ("legacy", "idle", "waiting"),
    [
        (LegacyQueue.YIELDING, True, ()),
        (LegacyQueue.MAIN_ONLY, True, ()),
        (LegacyQueue.COMBINED, False, (100_000, 100_001)),
    ],
)
def test_a_scheduler_and_a_busy_calibration(
    legacy: LegacyQueue, idle: bool, waiting: tuple[int, ...]
) -> None:
    driver = Driver(layout=a_layout(SlotSettings("calibration"), legacy_queue=legacy))
    driver.add_running(resources="ESS:1", slot="calibration")
    driver.add_configured(resources="ESS:1", slot="calibration")
    assert is_idle(driver.queue) is idle
    assert driver.queue.waiting == waiting


def test_the_others_are_listed_behind_those_of_main() -> None:
    driver = Driver(layout=a_layout(SlotSettings("calibration"), SlotSettings("utility")))
    calibration = [driver.add(resources="none", slot="calibration") for _ in range(2)]
    utility = driver.add_running(resources="none", slot="utility")
    in_main = [driver.add(resources="none") for _ in range(2)]
    assert driver.queue.waiting == (*in_main, *calibration, utility)
    assert driver.model.slots.scripts == (
        (in_main[0], 0, False),
        (in_main[1], 0, False),
        (calibration[0], 1, False),
        (calibration[1], 1, False),
        (utility, 2, True),
    )


def test_the_four_hundred_and_first_live_script_is_refused_wherever_it_goes() -> None:
    driver = Driver(layout=a_layout(SlotSettings("calibration")))
    for number in range(400):
        wish = cmd.AddScript(True, "x.py", slot=("", "calibration")[number % 2])
        event = ev.CommandGiven(driver.tick(), 1000 + number, wish)
        # Without the check of the invariants, which takes its time.
        driver.watcher.see(event, driver.model.handle(event))
    assert "400 is the most" in driver.refused(cmd.AddScript(True, "x.py", slot="calibration"))


def test_a_burst_of_endings_leaves_those_that_still_exit_among_the_remembered() -> None:
    driver = Driver(layout=a_layout(SlotSettings("many", capacity=20)))
    beside = [driver.add_running(resources="none", slot="many") for _ in range(12)]
    driver.add_running(resources="MTMount")
    for index in beside:
        driver.report(index, S.DONE)
    for index in beside[1:]:
        driver.exit(index)
    assert beside[0] in driver.queue.past[:10]


def test_in_a_queue_of_one_slot_nothing_more_is_written_than_such_clients_knew() -> None:
    driver = Driver()
    first = driver.add_running()
    second = driver.add_configured()
    waiting = driver.add_configured()
    seen = len(driver.effects)
    driver.pause()
    driver.resume()
    driver.answer(second)
    written = [effect for effect in driver.effects[seen:] if isinstance(effect, fx.PublishScript)]
    assert written == []
    assert driver.watcher.shown[waiting].waiting_for == "its turn in slot main has not come"
    driver.finish(first)
    assert driver.watcher.shown[second].waiting_for == ""


def test_a_rule_routes_only_where_there_is_a_slot_to_go_to() -> None:
    driver = Driver()
    index = driver.add(ruling=a_ruling("utility", "ESS:1"))
    assert driver.slot_of(index).name == "main"
