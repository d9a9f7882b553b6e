# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several slots: who runs beside whom, who waits, and what is said of it."""

from __future__ import annotations

import pytest

from lsst.ts.scriptqueue.core import commands as cmd
from lsst.ts.scriptqueue.core import effects as fx
from lsst.ts.scriptqueue.core import events as ev
from lsst.ts.scriptqueue.core.layout import Layout, SlotSettings
from lsst.ts.scriptqueue.core.phases import Phase
from lsst.ts.scriptqueue.core.resources import EVERYTHING
from lsst.ts.scriptqueue.core.rulings import Ruling
from lsst.ts.scriptqueue.core.states import Location, ScriptState

from .builders import a_script
from .driver import Driver, an_add
from .layouts import BESIDE, TWO_SLOTS, a_catalogue, a_layout, a_ruling

S = ScriptState

UTILITY = SlotSettings("utility", capacity=3, is_eager=True, keeps_failed=False)
THREE = a_layout(SlotSettings("calibration"), UTILITY)


def a_driver(layout: Layout = THREE) -> Driver:
    return Driver(layout=layout)


def waits_for(driver: Driver, index: int) -> str:
    return driver.model.script(index).waiting_for


def test_unrelated_scripts_run_side_by_side() -> None:
    driver = a_driver()
    first = driver.add_running(resources="MTMount")
    second = driver.add_running(resources="ESS:1", slot="utility")
    assert (driver.phase(first), driver.phase(second)) == (Phase.RUNNING, Phase.RUNNING)


def test_a_script_beside_main_is_admitted_then_given_its_group_id_then_run() -> None:
    driver = a_driver()
    index = driver.add_configured(resources="ESS:1", slot="utility")
    assert driver.phase(index) is Phase.ENTERING
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


# Where a script goes.


def test_a_rules_slot_counts_where_the_client_names_none() -> None:
    driver = a_driver()
    routed = driver.add(ruling=a_ruling("utility", "ESS:1"))
    named = driver.add(ruling=a_ruling("utility", "ESS:1"), slot="calibration")
    beside = driver.add(ruling=a_ruling("utility", "ESS:1"), location=Location.AFTER, relative_to=named)
    assert [driver.slot_of(index).name for index in (routed, named, beside)] == [
        "utility",
        "calibration",
        "calibration",
    ]


@pytest.mark.parametrize(
    ("in_main", "ruling", "slot"),
    [
        ("MTMount", a_ruling("utility", "ESS:1"), "utility"),
        ("ESS:1", a_ruling("utility", "ESS:1"), "main"),
        ("", a_ruling("utility", "ESS:1"), "main"),
        ("MTMount", Ruling("a rule", "utility"), "main"),
        ("MTMount", Ruling("a rule", "utility", EVERYTHING, is_certain=False), "main"),
        ("MTMount", Ruling("a rule", "nowhere", a_catalogue().parse("ESS:1")), "main"),
    ],
    ids=["nothing shared", "shared", "unknown in main", "unknown itself", "nonsense", "no such slot"],
)
def test_a_rules_slot_counts_only_if_the_order_of_main_is_kept(
    in_main: str, ruling: Ruling, slot: str
) -> None:
    driver = a_driver()
    driver.add(resources=in_main)
    assert driver.slot_of(driver.add(ruling=ruling)).name == slot


def test_a_main_script_waits_for_a_routed_one_that_was_added_before_it() -> None:
    driver = a_driver()
    driver.add_running(resources="ESS:1", slot="calibration")
    routed = driver.add_configured(ruling=a_ruling("utility", "ESS:1"))
    later = driver.add_configured(resources="ESS:1,MTMount")
    driver.answer(later)
    beside = driver.add_configured(resources="MTMount", slot="utility")
    assert driver.phase(later) is Phase.NAMED
    assert waits_for(driver, later) == (
        f"{routed} (utility) was added before and needs ESS:1, too; it has not ended yet"
    )
    assert driver.phase(beside) is Phase.ENTERING, "who waits for another reserves nothing"
    driver.answer(beside)
    driver.report(beside, S.RUNNING, S.DONE)
    driver.finish(100_000)
    assert driver.phase(routed) is Phase.ENTERING
    driver.run(routed)
    driver.finish(routed)
    assert driver.phase(later) is Phase.STARTING


def test_a_routed_script_that_is_moved_to_main_is_waited_for_in_the_order_of_main() -> None:
    driver = a_driver()
    driver.add_running(resources="ESS:1", slot="calibration")
    routed = driver.add_configured(ruling=a_ruling("utility", "ESS:1"))
    later = driver.add_configured(resources="ESS:1")
    driver.done(cmd.MoveScript(routed, cmd.Target(Location.LAST), "main"))
    driver.finish(100_000)
    assert driver.slot_of(routed).waiting == [later, routed]
    driver.answer(later)
    assert driver.phase(later) is Phase.STARTING


# Refusals.


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"slot": "calib"}, "there is no slot 'calib'; there are main, calibration, utility"),
        (
            {"resources": "MTMount;MTDome"},
            "resources 'MTMount;MTDome': 'MTMount;MTDome' is no resource; write",
        ),
        ({"resources": "archive:1"}, "archive is shared by number, so it has no index"),
        ({"resources": "!ESS"}, "needs '*' beside it"),
        ({"resources": "MTMount,"}, "'' is no resource"),
        ({"slot": "utility", "location": Location.BEFORE, "relative_to": 100_000}, "100000 is in slot main"),
        (
            {"slot": "utility", "block": "BLOCK-1", "start_block": True, "block_size": 2},
            "an ordered slot with a capacity of 1: main, calibration",
        ),
    ],
)
def test_an_add_that_is_refused_changes_nothing(fields: dict[str, object], says: str) -> None:
    driver = a_driver()
    driver.add()
    assert says in driver.refused(an_add(**fields))
    assert len(driver.model.slots.scripts) == 1
    assert driver.add() == 100_001, "no index was used up"


def test_groups_are_expanded_and_what_covers_another_stands_for_it() -> None:
    driver = a_driver()
    index = driver.add_configured(resources="MTCS, ESS:1, ESS", slot="utility")
    assert driver.model.script(index).resources == "ESS,MTDome,MTHexapod:1,MTMount"


def test_moving_between_slots_is_said_or_refused() -> None:
    driver = a_driver()
    in_main = [driver.add_configured(resources="none") for _ in range(2)]
    driver.pause()
    beside = driver.add_configured(resources="MTMount", slot="calibration")
    order = cmd.MoveScript(in_main[1], cmd.Target(Location.BEFORE, beside))
    assert "name slot calibration to move it there" in driver.refused(order)
    driver.done(cmd.MoveScript(in_main[1], cmd.Target(Location.BEFORE, beside), "calibration"))
    assert driver.slot_of(beside).waiting == [in_main[1], beside]
    driver.done(cmd.MoveScript(in_main[1], cmd.Target(Location.LAST), "main"))
    assert driver.slot_of(in_main[1]).name == "main"


def test_whoever_leaves_main_gives_its_group_id_back() -> None:
    driver = a_driver()
    driver.add_running(resources="MTMount")
    head = driver.add_configured(resources="MTMount")
    driver.answer(head)
    driver.done(cmd.MoveScript(head, cmd.Target(Location.LAST), "utility"))
    assert [effect.index for effect in driver.of(fx.PublishNextVisitCanceled)] == [head]
    assert driver.phase(head) is Phase.UNNAMING
    driver.answer(head)
    assert driver.phase(head) is Phase.CONFIGURED


@pytest.mark.parametrize("phase", [Phase.ENTERING, Phase.STARTING, Phase.RUNNING])
def test_what_has_been_admitted_cannot_be_moved(phase: Phase) -> None:
    driver, index = a_script(phase, Driver(layout=TWO_SLOTS), slot=BESIDE)
    answer = driver.refused(cmd.MoveScript(index, cmd.Target(Location.FIRST), "main"))
    assert f"script {index} is {phase.value}" in answer


def test_requeue_goes_to_the_originals_slot_or_to_the_one_that_is_named() -> None:
    driver = a_driver()
    original = driver.add(resources="ESS:1", slot="utility")
    driver.give(cmd.RequeueScript(original, cmd.Target()))
    driver.give(cmd.RequeueScript(original, cmd.Target(), "calibration"))
    assert [driver.slot_of(original + number).name for number in (1, 2)] == ["utility", "calibration"]
    assert driver.model.wish(original + 2).resources == "ESS:1"


# Blocks.


def a_block_of_two(driver: Driver, slot: str = "calibration") -> tuple[int, int]:
    driver.give(
        cmd.AddScript(
            True, "a.py", block="BLOCK-1", block_size=3, start_block=True, slot=slot, resources="none"
        )
    )
    (asked,) = driver.of(fx.RequestBlockId)
    driver.apply(ev.BlockIdGiven(driver.tick(), asked.request, "BL1_O_20330518_000001"))
    first = driver.of(fx.LaunchProcess)[0].index
    return first, driver.add(path="b.py", block="BLOCK-1", resources="none")


def test_a_block_lives_in_the_slot_of_its_first_script() -> None:
    driver = a_driver()
    first, second = a_block_of_two(driver)
    assert {driver.slot_of(first).name, driver.slot_of(second).name} == {"calibration"}
    answer = driver.refused(cmd.AddScript(True, "c.py", block="BLOCK-1", slot="main"))
    assert "run in slot calibration, where its first one is, not in main" in answer
    answer = driver.refused(cmd.MoveScript(second, cmd.Target(), "main"))
    assert "all scripts of a block run in one slot, here calibration" in answer


@pytest.mark.parametrize("stops", [True, False], ids=["stop", "keep"])
def test_what_is_left_of_a_block_when_one_has_failed(stops: bool) -> None:
    driver = a_driver(a_layout(SlotSettings("calibration"), stops_failed_blocks=stops))
    first, second = a_block_of_two(driver)
    driver.configure(first)
    driver.configure(second)
    driver.run(first)
    driver.report(first, S.FAILED, reason="no star")
    assert driver.phase(second) is Phase.CONFIGURED
    driver.done(cmd.Resume("calibration"))
    assert driver.phase(second) is (Phase.DROPPING if stops else Phase.ENTERING)
    if stops:
        driver.exit(second)
        assert f"BL1_O_20330518_000001 was ended because {first} failed" in driver.model.reason(second)
        answer = driver.refused(cmd.AddScript(True, "c.py", block="BLOCK-1"))
        assert f"was ended because {first} failed; open a new execution" in answer


# Pausing.


def test_pause_and_resume_by_name_and_for_all() -> None:
    driver = a_driver()

    def running() -> list[bool]:
        return [slot.running for slot in driver.model.slots.slots]

    driver.done(cmd.Pause("calibration"))
    assert running() == [True, False, True]
    driver.done(cmd.Pause())
    assert running() == [False, False, False]
    answer = driver.done(cmd.Resume())
    assert running() == [True, False, True]
    assert answer.startswith("Done; still paused: slot calibration paused since ")
    assert driver.done(cmd.Resume("calibration")) == ""
    driver.done(cmd.Pause("calibration"))
    assert driver.done(cmd.Resume("*")) == ""
    assert running() == [True, True, True]


def test_a_slot_paused_by_name_is_not_paused_again() -> None:
    driver = a_driver()
    driver.done(cmd.Pause("calibration"))
    assert "slot calibration is already paused since " in driver.refused(cmd.Pause("calibration"))
    assert "there is no slot 'x'; there are main, calibration, utility" in driver.refused(cmd.Pause("x"))
    assert "there is no slot 'x'" in driver.refused(cmd.Resume("x"))


def test_the_reason_of_a_pause_names_who_paused() -> None:
    driver = a_driver()
    driver.apply(ev.CommandGiven(driver.tick(), 77, cmd.Pause("utility"), identity="anna@console"))
    assert driver.model.slots.slots[2].pause_reason.endswith("on request by anna@console")
    waiting = driver.add_configured(resources="none", slot="utility")
    assert waits_for(driver, waiting).startswith("slot utility is paused since 03:32:")


def test_a_failure_beside_main_needs_the_name_of_its_slot_to_go_on() -> None:
    driver = a_driver()
    failed = driver.add_running(resources="none", slot="calibration")
    driver.report(failed, S.FAILED)
    assert "still paused: slot calibration" in driver.done(cmd.Resume())
    assert driver.phase(failed) is Phase.FAILED
    driver.done(cmd.Resume("calibration"))
    assert driver.phase(failed) is Phase.LEAVING


# Another layout.


def test_another_layout_keeps_scripts_and_what_was_settled() -> None:
    driver = a_driver()
    kept = driver.add_running(resources="archive", slot="utility")
    driver.done(cmd.Reconfigure(a_layout(UTILITY, catalogue=a_catalogue())))
    assert driver.slot_of(kept).current == [kept]
    assert [slot.name for slot in driver.model.slots.slots] == ["main", "utility"]
    assert driver.model.script(kept).resources == "archive"


def test_a_layout_without_a_slot_that_has_scripts_is_refused() -> None:
    driver = a_driver()
    index = driver.add(slot="calibration")
    answer = driver.refused(cmd.Reconfigure(a_layout(UTILITY)))
    assert answer == (
        f"slot calibration is not in the new configuration, but has scripts: {index}; stop or move them first"
    )
    assert driver.slot_of(index).name == "calibration"


def test_places_that_are_taken_away_are_emptied_by_and_by() -> None:
    driver = a_driver()
    running = [driver.add_running(resources="none", slot="utility") for _ in range(2)]
    driver.done(cmd.Reconfigure(a_layout(SlotSettings("utility"))))
    waiting = driver.add_configured(resources="none", slot="utility")
    driver.finish(running[0])
    assert driver.phase(waiting) is Phase.CONFIGURED
    driver.finish(running[1])
    assert driver.phase(waiting) is Phase.ENTERING
