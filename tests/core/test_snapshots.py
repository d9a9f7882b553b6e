# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whoever has a snapshot and the events after it knows what the queue knew."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lsst.ts.scriptqueue.core import effects as fx
from lsst.ts.scriptqueue.core import events as ev
from lsst.ts.scriptqueue.core.encoding import NotEncoded
from lsst.ts.scriptqueue.core.model import QueueModel
from lsst.ts.scriptqueue.core.phases import Phase
from lsst.ts.scriptqueue.core.states import Location

from .builders import a_script
from .driver import START_TAI, Driver, written_and_read
from .layouts import OBSERVATORY
from .walks import Walk

#: What was shown last is not kept, so it may be shown again.
SHOWN = (fx.PublishQueue, fx.PublishSlots, fx.PublishScript)


def done(effects: list[fx.Effect]) -> list[str]:
    """What is to be done but for what is shown; as text, in which nothing hides behind equality."""
    return [repr(effect) for effect in effects if not isinstance(effect, SHOWN)]


def text(model: QueueModel) -> str:
    return json.dumps(model.snapshot())


def a_model_at_the_beginning(walk: Walk) -> QueueModel:
    model = QueueModel(1, walk.world.driver.limits, walk.layout)
    model._ledger.indices.next = walk.world.first_index
    model.handle(ev.EnabledChanged(START_TAI, True))
    return model


@pytest.mark.parametrize("seed", range(12))
def test_a_snapshot_and_what_came_after_it_make_the_same_queue(seed: int) -> None:
    walk = Walk(seed, restarts=True)
    walk.go(150)
    events = walk.world.events
    model = a_model_at_the_beginning(walk)
    chosen = {walk.random.randrange(len(events)) for _ in range(5)}
    followers: list[QueueModel] = []
    for number, event in enumerate(events):
        if number in chosen:
            followers.append(written_and_read(model, walk.world.driver.limits))
        wanted = done(model.handle(event))
        for follower in followers:
            assert done(follower.handle(event)) == wanted
    for follower in followers:
        follower.validate()
        assert text(follower) == text(model)


@pytest.mark.parametrize("seed", range(4))
def test_what_is_read_is_what_was_written_after_every_event(seed: int) -> None:
    walk = Walk(seed, restarts=True)
    walk.go(60)
    model = a_model_at_the_beginning(walk)
    for event in walk.world.events:
        model.handle(event)
        assert text(written_and_read(model, walk.world.driver.limits)) == text(model)


@pytest.mark.parametrize("phase", list(Phase))
def test_a_script_in_any_phase_is_kept(phase: Phase) -> None:
    driver, index = a_script(phase)
    read = written_and_read(driver.model, driver.limits)
    assert repr(read._ledger.scripts[index]) == repr(driver.model._ledger.scripts[index])
    assert read.story(index) == driver.model.story(index)
    assert read.processes() == driver.model.processes()
    assert (read.queue, read.slots) == (driver.model.queue, driver.model.slots)


def test_numbers_go_on_so_that_no_answer_is_taken_for_another() -> None:
    driver = Driver()
    first = driver.add_configured()
    driver.model = written_and_read(driver.model, driver.limits)
    assert driver.model.last_command_id == 1
    given = driver.all_of(fx.SetGroupId)[-1]
    second = driver.add(location=Location.FIRST)
    assert second == first + 1
    withdrawn = driver.all_of(fx.SetGroupId)[-1]
    assert withdrawn.request > given.request
    driver.answer(first)
    driver.configure(second)
    assert driver.all_of(fx.SetGroupId)[-1].group_id > given.group_id


def test_slots_stay_in_the_order_of_the_layout_whatever_became_of_the_text() -> None:
    driver = Driver(layout=OBSERVATORY)
    shuffled = json.loads(json.dumps(driver.model.snapshot(), sort_keys=True))
    assert QueueModel.restored(shuffled, 1).slots == driver.model.slots


def a_snapshot_with(**fields: Any) -> Any:
    driver, _ = a_script(Phase.RUNNING)
    return driver.model.snapshot() | fields


@pytest.mark.parametrize(
    "plain",
    [
        None,
        [],
        {},
        a_snapshot_with(scripts=[{"index": 1}]),
        a_snapshot_with(slots={}),
        a_snapshot_with(slots={"aside": {"waiting": [], "current": []}}),
        a_snapshot_with(now_tai="now"),
        {name: value for name, value in a_snapshot_with().items() if name != "history"},
    ],
)
def test_what_is_no_snapshot_makes_no_queue(plain: Any) -> None:
    with pytest.raises(NotEncoded):
        QueueModel.restored(plain, 1)
