# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``bin/chaos`` takes for right and for wrong: its model, and what it expects of blocks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from chaos.blocks import Execution, misfits
from chaos.model import Model

from lsst.ts.scriptqueue.sal import Location


@pytest.fixture
def model() -> Model:
    """Two slots; 1, 2 and 3 wait in this order in the first, 4 in the second."""
    model = Model(("main", "second"))
    for index, slot in ((1, "main"), (2, "main"), (3, "main"), (4, "second")):
        model.added(index, f"script {index}", slot, Location.LAST, 0)
    return model


def order(model: Model) -> set[tuple[int, int]]:
    return set(model.before)


def test_who_was_added_first_comes_first(model: Model) -> None:
    assert order(model) == {(1, 2), (1, 3), (2, 3)}


def test_one_that_is_moved_comes_where_it_was_moved(model: Model) -> None:
    model.moving(1)
    model.moved(1, "main", Location.AFTER, 2)
    assert model.waiting["main"] == [2, 1, 3]
    assert order(model) == {(2, 1), (2, 3), (1, 3)}


def test_others_may_start_by_a_move_before_its_answer_is_heard(model: Model) -> None:
    model.moving(1)
    model.has_left(2)
    model.moved(1, "main", Location.LAST, 0)
    assert order(model) == {(2, 3), (3, 1)}


def test_one_that_is_heard_to_run_before_the_answer_waits_nowhere(model: Model) -> None:
    model.moving(1)
    model.has_left(1)
    model.moved(1, "second", Location.LAST, 0)
    assert model.waiting == {"main": [2, 3], "second": [4]}
    assert model.scripts[1].may_be_in == {"second"}


def test_beside_one_of_which_nobody_knows_where_it_waits_is_no_place_either(model: Model) -> None:
    model.moving(3)
    model.has_left(1)
    model.moved(3, "main", Location.AFTER, 1)
    model.added(5, "script 5", "main", Location.BEFORE, 3)
    assert order(model) == {(1, 2)}
    assert model.differs({"main": [5, 3, 2], "second": [4]}, {2, 3, 4, 5}) == ""
    model.take({"main": [5, 3, 2], "second": [4]})
    assert order(model) == {(1, 2), (5, 3), (5, 2), (3, 2)}


def test_one_that_is_moved_to_another_slot_has_no_order_with_those_it_left(model: Model) -> None:
    model.moving(2)
    model.moved(2, "second", Location.FIRST, 0)
    assert model.waiting == {"main": [1, 3], "second": [2, 4]}
    assert order(model) == {(1, 3), (2, 4)}
    assert model.scripts[2].may_be_in == {"second"}


def test_a_move_that_was_refused_has_changed_nothing(model: Model) -> None:
    model.moving(2)
    model.not_moved(2)
    assert order(model) == {(1, 2), (1, 3), (2, 3)}


@pytest.mark.parametrize("slot", ["main", "second"])
def test_after_a_move_without_an_answer_it_may_be_in_either_slot_until_it_is_seen(
    model: Model, slot: str
) -> None:
    model.moving(2)
    model.perhaps_moved(2, "second")
    assert order(model) == {(1, 3)}
    assert model.scripts[2].may_be_in == {"main", "second"}
    seen = {"main": [1, 3], "second": [4]}
    seen[slot].append(2)
    assert model.differs(seen, {1, 2, 3, 4}) == ""
    model.take(seen)
    assert model.scripts[2].may_be_in == {slot}
    assert model.waiting == seen


@pytest.mark.parametrize(
    ("main", "second", "fault"),
    [
        ([1, 2, 3], [4], ""),
        ([3], [], ""),
        ([2, 1, 3], [4], "has [2, 1, 3] waiting in this order, but [1, 2, 3] was acknowledged"),
        ([1, 3], [4, 2], "script 2 waits in slot second, but it was to be in main"),
        ([1, 2, 3, 9], [4], "[9] are there, but only 0 adds were not answered"),
    ],
)
def test_what_is_seen_is_compared_with_what_was_acknowledged(
    model: Model, main: list[int], second: list[int], fault: str
) -> None:
    said = model.differs({"main": main, "second": second}, {*main, *second})
    assert (fault in said) if fault else (said == "")


def test_what_was_refused_must_not_be_there(model: Model) -> None:
    model.asked["script 9"] += 1
    model.refused("script 9")
    assert "only 0 adds were not answered" in model.differs({"main": [1, 9]}, {1, 9})


def test_a_block_of_which_a_script_may_have_been_moved_is_shuffled(model: Model) -> None:
    model.executions = [Execution("BLOCK-1", "main", 2, ["script 1", "script 2"])]
    model.moving(3)
    assert not model.executions[0].is_shuffled
    model.moving(2)
    assert model.executions[0].is_shuffled


@pytest.mark.parametrize(
    ("killed", "is_told_to_run", "has_begun", "may_have_failed"),
    [
        ("killed", True, True, True),
        ("killed_early", True, False, True),
        ("killed_early", False, False, False),
        ("killed_early", True, True, False),
        ("", True, False, False),
    ],
)
def test_who_may_have_failed_because_it_was_killed(
    model: Model, killed: str, is_told_to_run: bool, has_begun: bool, may_have_failed: bool
) -> None:
    if killed:
        getattr(model, killed).add(1)
    told = model.was_ended_by_kill(1, is_told_to_run=is_told_to_run, has_begun=has_begun)
    assert told is may_have_failed


def row(index: int, name: str, position: int = 0, **fields: Any) -> dict[str, Any]:
    told = {
        "salIndex": index,
        "config": json.dumps({"name": name}),
        "slot": "main",
        "blockId": "BL1_O_20261126_000001",
        "scriptBlockIndex": position,
        "blockSize": 3,
    }
    return {**told, **fields}


MEMBERS = [row(11, "a", 0), row(12, "b", 1), row(13, "c", 2)]
OTHER = row(14, "d", 0, blockId="BL1_O_20261126_000002")


@pytest.mark.parametrize(
    ("rows", "began", "fault"),
    [
        (MEMBERS, {11: 1.0, 12: 2.0, 13: 3.0}, ""),
        (MEMBERS[:2], {11: 1.0}, ""),
        ([*MEMBERS, OTHER], {14: 0.0}, ""),
        (MEMBERS, {11: 1.0, 13: 2.0, 12: 3.0}, "ran in the order [11, 13, 12], but was [11, 12, 13]"),
        ([*MEMBERS[:2], row(13, "c", 2, slot="second")], {}, "size ('second', 2, 3), not ('main', 2, 3)"),
        ([*MEMBERS[:2], row(13, "c", 1)], {}, "size ('main', 1, 3), not ('main', 2, 3)"),
        ([*MEMBERS[:2], row(14, "c", 2)], {}, "has indices with gaps, or not in order: [11, 12, 14]"),
        ([*MEMBERS[:2], row(13, "c", 2, blockId="BL2")], {}, "has several ids"),
        ([*MEMBERS, {**OTHER, "blockId": "BL1_O_20261126_000001"}], {}, "is the id of BLOCK-1 in main"),
        ([*MEMBERS, row(15, "e")], {}, "script 15 belongs to BL1_O_20261126_000001"),
        ([*MEMBERS, row(15, "e", blockId="")], {}, ""),
    ],
)
def test_what_must_be_so_of_blocks(rows: list[dict[str, Any]], began: dict[int, float], fault: str) -> None:
    executions = [Execution("BLOCK-1", "main", 3, ["a", "b", "c"]), Execution("BLOCK-1", "main", 3, ["d"])]
    said = list(misfits(executions, rows, began))
    assert [fault in text for text in said] == [True] if fault else said == []


def test_a_block_that_was_shuffled_runs_in_any_order() -> None:
    shuffled = Execution("BLOCK-1", "main", 3, ["a", "b", "c"], is_shuffled=True)
    assert list(misfits([shuffled], MEMBERS, {13: 1.0, 12: 2.0, 11: 3.0})) == []
