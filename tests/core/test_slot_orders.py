# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pausing and resuming slots, and giving them another layout."""

from __future__ import annotations

from lsst.ts.scriptqueue.core import commands as cmd
from lsst.ts.scriptqueue.core import events as ev
from lsst.ts.scriptqueue.core.layout import SlotSettings
from lsst.ts.scriptqueue.core.phases import Phase
from lsst.ts.scriptqueue.core.states import ScriptState

from .layouts import a_catalogue, a_layout
from .three_slots import UTILITY, a_driver, waits_for

S = ScriptState


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
