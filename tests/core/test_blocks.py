# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Executions of blocks: their ids, members, and the indices kept for them."""

from __future__ import annotations

import pytest

from lsst.ts.scriptqueue.core import commands as cmd
from lsst.ts.scriptqueue.core import effects as fx
from lsst.ts.scriptqueue.core import events as ev
from lsst.ts.scriptqueue.core.phases import Phase
from lsst.ts.scriptqueue.core.states import Location, ScriptState

from .builders import a_script
from .driver import Driver, an_add

A = 100_000


def asked(driver: Driver) -> fx.RequestBlockId:
    """The last question for the id of an execution."""
    return driver.all_of(fx.RequestBlockId)[-1]


def give_id(driver: Driver, block_id: str, request: int | None = None) -> None:
    number = asked(driver).request if request is None else request
    driver.apply(ev.BlockIdGiven(driver.tick(), number, block_id))


def open_block(driver: Driver, size: int, block: str = "BLOCK-1", block_id: str = "BL1_1") -> int:
    """Open an execution; the index of its first script."""
    driver.give(an_add(block=block, start_block=True, block_size=size))
    give_id(driver, block_id)
    return driver.of(fx.LaunchProcess)[0].index


def membership(driver: Driver, index: int) -> tuple[str, int, int]:
    view = driver.model.script(index)
    return view.block_id, view.block_index, view.block_size


def test_members_are_published_and_configured_as_members() -> None:
    driver = Driver()
    driver.give(an_add(block="BLOCK-T12", start_block=True, block_size=2, execution_id="tonight"))
    assert asked(driver).block == "BLOCK-T12"
    assert not driver.queue.waiting, "nothing is queued before the id is known"
    give_id(driver, "BT12_O_20330518_000001")
    first = A
    second = driver.add(block="BLOCK-T12", block_size=2, execution_id="tonight")
    assert membership(driver, first) == ("BT12_O_20330518_000001", 0, 2)
    assert membership(driver, second) == ("BT12_O_20330518_000001", 1, 2)
    assert driver.model.script(second).execution_id == "tonight"
    driver.start(second)
    driver.report(second, ScriptState.UNCONFIGURED)
    (configure,) = driver.of(fx.ConfigureScript)
    assert (configure.block_id, configure.execution_id) == ("BT12_O_20330518_000001", "tonight")


def test_a_script_without_a_block_has_no_block_fields() -> None:
    driver, index = a_script(Phase.LOADING)
    assert membership(driver, index) == ("", 0, 0)


def test_indices_of_an_execution_are_consecutive_whoever_else_adds() -> None:
    driver = Driver()
    first = open_block(driver, 3)
    other = driver.add()
    second = driver.add(block="BLOCK-1")
    third = driver.add(block="BLOCK-1")
    assert (first, second, third, other) == (A, A + 1, A + 2, A + 3)


def test_two_executions_at_a_time_do_not_mix() -> None:
    driver = Driver()
    first = open_block(driver, 2, "BLOCK-1", "BL1_1")
    other = open_block(driver, 2, "BLOCK-2", "BL2_1")
    assert driver.add(block="BLOCK-1") == first + 1
    assert driver.add(block="BLOCK-2") == other + 1 == A + 3


def test_whoever_joins_before_the_id_is_known_waits_for_it() -> None:
    driver = Driver()
    one = driver.give(an_add(block="BLOCK-1", start_block=True, block_size=2))
    two = driver.give(an_add(block="BLOCK-1", location=Location.FIRST))
    three = driver.give(an_add(block="BLOCK-1"))
    assert driver.all_of(fx.RequestBlockId) == [asked(driver)]
    beside = driver.add()
    give_id(driver, "BL1_1")
    assert driver.queue.waiting == (A + 2, beside, A + 1)
    assert [effect.index for effect in driver.of(fx.LaunchProcess)] == [A + 1, A + 2]
    assert membership(driver, A + 2) == ("BL1_1", 1, 2)
    refused = driver.ack(three)
    assert refused is not None
    assert not refused.accepted
    assert "BL1_1 is full: it has its 2 scripts" in refused.result
    for index in (A + 1, A + 2):
        driver.start(index)
    assert driver.ack(one) == fx.AckCommand(one, True, str(A + 1))
    assert driver.ack(two) == fx.AckCommand(two, True, str(A + 2))


def test_an_id_that_does_not_come_refuses_all_who_wait_for_it() -> None:
    driver = Driver()
    one = driver.give(an_add(block="BLOCK-1", start_block=True, block_size=2))
    two = driver.give(an_add(block="BLOCK-1"))
    driver.apply(ev.BlockIdFailed(driver.tick(), asked(driver).request, "the name service is away"))
    for command in (one, two):
        assert driver.ack(command) == fx.AckCommand(command, False, "the name service is away")
    assert driver.add() == A, "no index was used up"
    assert "no execution of BLOCK-1 is open" in driver.refused(an_add(block="BLOCK-1"))


def test_a_place_that_is_gone_when_the_id_comes_refuses_and_uses_up_nothing() -> None:
    driver = Driver()
    beside = driver.add()
    one = driver.give(
        an_add(block="BLOCK-1", start_block=True, block_size=2, location=Location.AFTER, relative_to=beside)
    )
    driver.fail_launch(beside)
    give_id(driver, "BL1_1")
    refused = driver.ack(one)
    assert refused is not None
    assert f"script {beside} is not waiting" in refused.result
    assert driver.add() == beside + 1


def test_a_member_whose_place_is_gone_when_the_id_comes_uses_up_no_place() -> None:
    driver = Driver()
    beside = driver.add()
    driver.give(an_add(block="BLOCK-1", start_block=True, block_size=2))
    two = driver.give(an_add(block="BLOCK-1", location=Location.AFTER, relative_to=beside))
    driver.fail_launch(beside)
    give_id(driver, "BL1_1")
    refused = driver.ack(two)
    assert refused is not None
    assert not refused.accepted
    assert driver.add(block="BLOCK-1") == beside + 2


def test_an_execution_that_is_full_takes_no_more() -> None:
    driver = Driver()
    open_block(driver, 1)
    text = driver.refused(an_add(block="BLOCK-1"))
    assert "BL1_1 is full" in text
    assert "startBlock true" in text


def test_a_refused_member_uses_up_no_place() -> None:
    driver = Driver()
    first = open_block(driver, 2)
    driver.refused(an_add(block="BLOCK-1", pause_checkpoint="("))
    driver.refused(an_add(block="BLOCK-1", location=Location.BEFORE, relative_to=7))
    assert driver.add(block="BLOCK-1") == first + 1


def test_a_new_execution_closes_the_open_one_of_that_name() -> None:
    driver = Driver()
    open_block(driver, 3, block_id="BL1_1")
    other = open_block(driver, 2, block_id="BL1_2")
    index = driver.add(block="BLOCK-1")
    assert index == other + 1
    assert membership(driver, index) == ("BL1_2", 1, 2)


def test_the_execution_asked_for_last_stays_open_whichever_id_comes_first() -> None:
    driver = Driver()
    driver.give(an_add(block="BLOCK-1", start_block=True, block_size=2))
    earlier = asked(driver).request
    driver.give(an_add(block="BLOCK-1"))
    driver.give(an_add(block="BLOCK-1", start_block=True, block_size=2))
    give_id(driver, "later")
    give_id(driver, "earlier", earlier)
    assert [membership(driver, index)[0] for index in driver.queue.waiting] == ["later", "earlier", "earlier"]
    assert membership(driver, driver.add(block="BLOCK-1")) == ("later", 1, 2)


def test_an_execution_can_be_joined_after_its_first_scripts_have_ended() -> None:
    driver = Driver()
    first = open_block(driver, 2)
    driver.fail_launch(first)
    assert driver.add(block="BLOCK-1") == first + 1


def test_reserved_indices_are_not_given_to_others_when_indices_wrap() -> None:
    driver = Driver()
    first = open_block(driver, 3)
    driver.model._ledger.indices.next = first
    assert driver.add() == first + 3


def test_indices_of_an_execution_whose_scripts_have_ended_are_free_when_indices_wrap() -> None:
    driver = Driver()
    first = open_block(driver, 3)
    driver.fail_launch(first)
    driver.model._ledger.indices.next = first
    assert driver.add() == first + 1
    text = driver.refused(an_add(block="BLOCK-1"))
    assert "BL1_1 has ended and its indices are in use again" in text
    assert "startBlock true" in text


def test_an_ended_execution_does_not_take_indices_kept_for_another() -> None:
    driver = Driver()
    first = open_block(driver, 3, "BLOCK-1", "BL1_1")
    driver.fail_launch(first)
    driver.model._ledger.indices.next = first
    other = open_block(driver, 2, "BLOCK-2", "BL2_1")
    assert other == first + 1, "what was kept for BL1_1 is free"
    driver.refused(an_add(block="BLOCK-1"))
    assert driver.add(block="BLOCK-2") == other + 1


def test_a_forgotten_execution_does_not_take_indices_kept_for_another() -> None:
    driver = Driver(history=1)
    first = open_block(driver, 3, "BLOCK-1", "BL1_1")
    driver.fail_launch(first)
    driver.fail_launch(driver.add())
    driver.model._ledger.indices.next = first
    assert open_block(driver, 3, "BLOCK-2", "BL2_1") == first
    assert "its indices are in use again" in driver.refused(an_add(block="BLOCK-1"))
    assert driver.add(block="BLOCK-2") == first + 1


def test_a_block_needs_that_many_free_indices_in_a_row() -> None:
    driver = Driver()
    driver.model._ledger.indices.next = 199_998
    first = open_block(driver, 3)
    assert first == A, "an execution does not go around the corner"
    assert driver.add() == A + 3


def test_a_script_of_a_block_cannot_be_requeued() -> None:
    driver = Driver()
    first = open_block(driver, 2)
    text = driver.refused(cmd.RequeueScript(first, cmd.Target()))
    assert f"script {first} belongs to BL1_1" in text
    assert "add it with a new execution of the block" in text
    assert driver.add(block="BLOCK-1") == first + 1


@pytest.mark.parametrize("block", ["BLOCK-1", "BLOCK-T1", "BLOCK-365"])
def test_names_of_blocks(block: str) -> None:
    driver = Driver()
    assert open_block(driver, 1, block) == A


@pytest.mark.parametrize(
    "block", ["BLOCK1", "block-1", "BLOCK-", "BLOCK-T", "BLOCK-1 ", "BLOCK-1\n", "BLOCK-²", "BLOCK-\uff11"]
)
def test_names_of_no_blocks(block: str) -> None:
    driver = Driver()
    assert "is not a block name" in driver.refused(an_add(block=block, start_block=True, block_size=1))


def test_an_id_that_comes_twice_means_nothing_the_second_time() -> None:
    driver = Driver()
    open_block(driver, 2)
    request = asked(driver).request
    give_id(driver, "again", request)
    driver.apply(ev.BlockIdFailed(driver.tick(), request, "again"))
    assert driver.last == []
