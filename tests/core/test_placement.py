# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which slot a script goes to: as it was asked for, by a rule, with its block, moved."""

from __future__ import annotations

import pytest

from lsst.ts.scriptqueue.core import commands as cmd
from lsst.ts.scriptqueue.core import effects as fx
from lsst.ts.scriptqueue.core import events as ev
from lsst.ts.scriptqueue.core.layout import SlotSettings
from lsst.ts.scriptqueue.core.phases import Phase
from lsst.ts.scriptqueue.core.resources import EVERYTHING
from lsst.ts.scriptqueue.core.rulings import Ruling
from lsst.ts.scriptqueue.core.states import Location, ScriptState

from .builders import a_script
from .driver import Driver, an_add
from .layouts import BESIDE, TWO_SLOTS, a_catalogue, a_layout, a_ruling
from .three_slots import a_driver, waits_for

S = ScriptState


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
        (None, Ruling("a rule", "utility", EVERYTHING, is_certain=False), "main"),
        ("MTMount", Ruling("a rule", "nowhere", a_catalogue().parse("ESS:1")), "main"),
    ],
    ids=[
        "nothing shared",
        "shared",
        "unknown in main",
        "unknown itself",
        "nonsense",
        "nonsense, and main is free",
        "no such slot",
    ],
)
def test_a_rules_slot_counts_only_if_the_order_of_main_is_kept(
    in_main: str | None, ruling: Ruling, slot: str
) -> None:
    driver = a_driver()
    if in_main is not None:
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


def test_requeue_beside_a_script_of_another_slot_is_said_or_refused() -> None:
    driver = a_driver()
    original = driver.add(resources="ESS:1", slot="utility")
    in_main = driver.add(resources="none")
    target = cmd.Target(Location.BEFORE, in_main)
    answer = driver.refused(cmd.RequeueScript(original, target))
    assert "in its own, utility; name slot main to put it there" in answer
    driver.give(cmd.RequeueScript(original, target, "main"))
    assert driver.slot_of(in_main).waiting == [in_main + 1, in_main]


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
    in_main = driver.add(resources="none")
    beside = cmd.Target(Location.AFTER, in_main)
    answer = driver.refused(cmd.AddScript(True, "c.py", block="BLOCK-1", target=beside))
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


def test_an_open_block_takes_no_more_once_its_slot_is_no_longer_serial() -> None:
    driver = a_driver()
    first, second = a_block_of_two(driver)
    for index in (first, second):
        driver.configure(index)
    driver.stop(first, second)
    for index in (first, second):
        driver.exit(index)
    driver.done(cmd.Reconfigure(a_layout(SlotSettings("calibration", capacity=2))))
    answer = driver.refused(cmd.AddScript(True, "c.py", block="BLOCK-1"))
    assert "BL1_O_20330518_000001 cannot run in slot calibration" in answer
