# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several slots: who runs beside whom, who waits, and what is said of it."""

from __future__ import annotations

import pytest

from lsst.ts.scriptqueue.core import commands as cmd
from lsst.ts.scriptqueue.core import effects as fx
from lsst.ts.scriptqueue.core.layout import SlotSettings
from lsst.ts.scriptqueue.core.phases import Phase
from lsst.ts.scriptqueue.core.states import Location, ScriptState

from .layouts import a_layout
from .three_slots import a_driver, waits_for

S = ScriptState


def test_unrelated_scripts_run_side_by_side() -> None:
    driver = a_driver()
    first = driver.add_running(resources="MTMount")
    second = driver.add_running(resources="ESS:1", slot="utility")
    assert (driver.phase(first), driver.phase(second)) == (Phase.RUNNING, Phase.RUNNING)


def test_a_script_beside_main_is_admitted_then_given_its_group_id_then_run() -> None:
    driver = a_driver()
    index = driver.add_configured(resources="ESS:1", slot="utility")
    assert driver.phase(index) is Phase.ENTERING
    assert waits_for(driver, index).startswith("being given its group id since 03:3")
    (given,) = driver.of(fx.SetGroupId)
    assert given.group_id
    assert driver.all_of(fx.RunScript) == []
    driver.answer(index)
    assert [effect.index for effect in driver.of(fx.RunScript)] == [index]
    assert driver.all_of(fx.PublishNextVisit) == [], "only a slot that announces visits does"


def test_what_announces_visits_announces_before_run_also_where_it_is_overtaken() -> None:
    eager = SlotSettings("second", capacity=2, is_eager=True, announces_visits=True)
    driver = a_driver(a_layout(eager))
    holder = driver.add_running(resources="MTMount")
    waiting = driver.add_configured(resources="MTMount", slot="second")
    overtaking = driver.add_configured(resources="ESS", slot="second")
    assert driver.phase(overtaking) is Phase.ENTERING
    driver.answer(overtaking)
    kinds = [type(effect) for effect in driver.last]
    assert kinds.index(fx.PublishNextVisit) < kinds.index(fx.RunScript)
    driver.answer(waiting)
    assert driver.phase(waiting) is Phase.NAMED
    driver.finish(holder)
    assert driver.phase(waiting) is Phase.STARTING


@pytest.mark.parametrize(
    ("held", "wanted", "runs"),
    [
        ("MTMount", "MTMount", False),
        ("MTMount", "MTDome", True),
        ("ESS:3", "ESS:4", True),
        ("ESS:3", "ESS", False),
        ("ESS", "ESS:3", False),
        ("MTCS", "MTHexapod:1", False),
        ("MTCS", "MTHexapod:2", True),
        ("none", "none", True),
        ("*", "none", True),
        ("none", "*", True),
        ("*", "MTMount", False),
        ("MTMount", "*", False),
        ("*,!ESS", "ESS:7", True),
        ("*,!ESS:7", "ESS", False),
        ("*,!ESS", "*,!ESS", False),
        ("archive", "archive", True),
        ("archive,MTMount", "archive,MTMount", False),
        ("archive", "*", False),
        ("*", "archive", False),
        ("*,!archive", "archive", True),
    ],
)
def test_what_overlaps_does_not_run_together(held: str, wanted: str, runs: bool) -> None:
    driver = a_driver()
    driver.add_running(resources=held, slot="calibration")
    index = driver.add_configured(resources=wanted, slot="utility")
    assert (driver.phase(index) is Phase.ENTERING) is runs


def test_a_name_with_a_capacity_is_held_by_so_many() -> None:
    driver = a_driver()
    for slot in ("main", "calibration"):
        driver.add_running(resources="archive", slot=slot)
    third = driver.add_configured(resources="archive", slot="utility")
    assert driver.phase(third) is Phase.CONFIGURED
    assert "archive is held by 100000 (main) since" in waits_for(driver, third)
    driver.finish(100_000)
    assert driver.phase(third) is Phase.ENTERING


def test_resources_are_held_until_the_final_state_not_until_the_process_has_gone() -> None:
    driver = a_driver()
    holder = driver.add_running(resources="MTMount", slot="calibration")
    waiting = driver.add_configured(resources="MTMount", slot="utility")
    driver.report(holder, S.ENDING)
    assert driver.phase(waiting) is Phase.CONFIGURED
    driver.report(holder, S.DONE)
    assert driver.phase(waiting) is Phase.ENTERING


def test_a_failed_script_in_its_place_keeps_what_it_holds_until_it_is_stopped() -> None:
    driver = a_driver()
    failed = driver.add_running(resources="MTMount", slot="calibration")
    behind = driver.add_configured(resources="none", slot="calibration")
    waiting = driver.add_configured(resources="MTMount", slot="utility")
    driver.report(failed, S.FAILED, reason="no star")
    assert waits_for(driver, waiting).endswith(", which has failed")
    assert f"because {failed} failed: no star" in waits_for(driver, behind)
    driver.stop(failed)
    assert driver.phase(waiting) is Phase.ENTERING
    assert driver.phase(behind) is Phase.CONFIGURED, "its slot stays paused"
    assert driver.queue.running, "and no other is"


def test_where_failures_do_not_pause_a_failed_script_makes_room() -> None:
    driver = a_driver()
    failed = driver.add_running(resources="MTMount", slot="utility")
    waiting = driver.add_configured(resources="MTMount", slot="utility")
    driver.report(failed, S.FAILED, reason="no star")
    assert driver.phase(failed) is Phase.LEAVING
    assert driver.phase(waiting) is Phase.ENTERING
    errors = [effect.text for effect in driver.all_of(fx.WriteLog) if effect.level is fx.LogLevel.ERROR]
    assert errors == [f"slot utility goes on: script {failed} failed: no star (slew.py)"]
    assert "failed" not in str(driver.model.slots.slots)
    assert driver.model.script(failed).exit_reason == "no star"


def test_a_head_that_lacks_resources_reserves_them_against_slots_below_and_scripts_behind() -> None:
    driver = a_driver()
    holder = driver.add_running(resources="MTDome", slot="utility")
    head = driver.add_configured(resources="MTDome,MTMount", slot="calibration")
    below = driver.add_configured(resources="MTMount", slot="utility")
    free = driver.add_configured(resources="ESS", slot="utility")
    assert waits_for(driver, head).startswith(f"MTDome is held by {holder} (utility) since ")
    assert waits_for(driver, below) == f"MTMount is reserved for {head} (calibration)"
    assert driver.phase(free) is Phase.ENTERING, "an eager slot overtakes what is held up"
    driver.finish(holder)
    assert driver.phase(head) is Phase.ENTERING
    assert waits_for(driver, below).startswith(f"MTMount is held by {head} (calibration) since ")


def test_who_holds_one_index_is_named_before_who_reserves_all_of_them() -> None:
    driver = a_driver()
    holder = driver.add_running(resources="ESS:1", slot="utility")
    head = driver.add_configured(resources="ESS", slot="calibration")
    same, other = (driver.add_configured(resources=name, slot="utility") for name in ("ESS:1", "ESS:2"))
    assert waits_for(driver, same).startswith(f"ESS:1 is held by {holder} (utility) since ")
    assert waits_for(driver, other) == f"ESS:2 is reserved for {head} (calibration)"


def test_what_has_been_admitted_is_listed_before_those_it_has_overtaken() -> None:
    driver = a_driver()
    holder = driver.add_running(resources="MTMount")
    held_up = driver.add_configured(resources="MTMount", slot="utility")
    admitted = driver.add_configured(resources="ESS", slot="utility")
    assert driver.phase(admitted) is Phase.ENTERING
    assert driver.model.slots.scripts == ((holder, 0, True), (admitted, 2, True), (held_up, 2, False))


def test_nobody_takes_the_place_of_one_that_lacks_only_its_group_id() -> None:
    driver = a_driver(a_layout(SlotSettings("visits", is_eager=True, announces_visits=True)))
    driver.done(cmd.Pause("visits"))
    head, second = (driver.add_configured(resources=name, slot="visits") for name in ("ESS:1", "ESS:2"))
    driver.done(cmd.Resume("visits"))
    assert driver.phase(head) is Phase.NAMING
    assert waits_for(driver, second) == f"slot visits is taken by {head}, which is being given a group id"
    driver.answer(head)
    assert driver.phase(head) is Phase.STARTING
    assert driver.phase(second) is Phase.NAMING


@pytest.mark.parametrize("slot", ["calibration", "main"])
def test_who_is_not_ready_or_has_no_room_reserves_nothing(slot: str) -> None:
    driver = a_driver()
    driver.add_running(resources="ESS:1", slot=slot)
    no_room = driver.add_configured(resources="MTMount", slot=slot)
    driver.add(resources="MTDome", slot="main")
    free = driver.add_configured(resources="MTMount,MTDome", slot="utility")
    assert driver.phase(free) is Phase.ENTERING
    assert waits_for(driver, no_room).startswith(f"slot {slot} is taken by 100000 since ")


def test_in_an_ordered_slot_nobody_overtakes_and_in_an_eager_one_not_for_the_same() -> None:
    driver = a_driver()
    driver.add_running(resources="MTMount")
    ordered = [driver.add_configured(resources=name, slot="calibration") for name in ("MTMount", "ESS:1")]
    eager = [
        driver.add_configured(resources=name, slot="utility") for name in ("MTMount", "MTMount", "ESS:2")
    ]
    assert [driver.phase(index) for index in ordered] == [Phase.CONFIGURED] * 2
    assert waits_for(driver, ordered[1]) == "its turn in slot calibration has not come"
    assert [driver.phase(index) for index in eager] == [Phase.CONFIGURED, Phase.CONFIGURED, Phase.ENTERING]


def test_a_head_of_main_reserves_while_it_is_given_its_group_id() -> None:
    driver = a_driver()
    head = driver.add_configured(resources="MTMount")
    beside = driver.add_configured(resources="MTMount", slot="utility")
    assert driver.phase(head) is Phase.NAMING
    assert waits_for(driver, beside) == f"MTMount is reserved for {head} (main)"
    driver.answer(head)
    assert driver.phase(head) is Phase.STARTING


def test_patience_lets_a_head_go_before_the_slots_above_it() -> None:
    layout = a_layout(SlotSettings("calibration"), SlotSettings("patient", patience_s=600.0))
    driver = a_driver(layout)
    holder = driver.add_running(resources="MTMount")
    head = driver.add_configured(resources="MTMount,MTDome", slot="calibration")
    patient = driver.add_configured(resources="MTDome", slot="patient")
    assert waits_for(driver, patient) == f"MTDome is reserved for {head} (calibration)"
    (alarm,) = [timer for timer in driver.watcher.timers.values() if timer.index == 0]
    assert alarm.delay_s == pytest.approx(600.0)
    driver.expire(0)
    assert driver.phase(patient) is Phase.ENTERING
    driver.finish(holder)
    assert waits_for(driver, head).startswith(f"MTDome is held by {patient} (patient) since ")


def test_patience_begins_anew_when_another_is_the_head_and_ends_with_it() -> None:
    driver = a_driver(a_layout(SlotSettings("patient", patience_s=600.0)))
    driver.add_running(resources="MTMount")
    head = driver.add_configured(resources="MTMount", slot="patient")
    first = driver.timer(0)
    other = driver.add_configured(resources="MTMount", slot="patient", location=Location.FIRST)
    second = driver.timer(0)
    assert first.request != second.request
    driver.stop(head, other)
    assert not [timer for timer in driver.watcher.timers.values() if timer.index == 0]


def test_a_stop_of_scripts_of_several_slots_holds_each_slot_for_its_own() -> None:
    driver = a_driver()
    first = driver.add_running(resources="MTMount")
    stuck = driver.add_running(resources="ESS:1", slot="utility")
    after_first = driver.add_configured(resources="MTMount")
    driver.answer(after_first)
    after_stuck = driver.add_configured(resources="ESS:1", slot="utility")
    command = driver.stop(first, stuck)
    driver.report(first, S.STOPPING, S.STOPPED)
    driver.exit(first)
    assert driver.phase(after_first) is Phase.STARTING
    assert "being stopped" in waits_for(driver, after_stuck)
    assert driver.ack(command) is None
    driver.report(stuck, S.STOPPING, S.STOPPED)
    driver.exit(stuck)
    assert driver.ack(command) is not None
    driver.answer(after_stuck)
    assert driver.phase(after_stuck) is Phase.STARTING
