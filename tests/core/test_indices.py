# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""SAL indices of scripts: in order, around the corner, never one in use."""

from __future__ import annotations

import pytest

from lsst.ts.scriptqueue.core.indices import Indices
from lsst.ts.scriptqueue.core.refusals import Refused

from .driver import Driver, an_add


@pytest.mark.parametrize(
    ("sal_index", "first"),
    [
        pytest.param(1, 100_000, id="the main telescope's"),
        pytest.param(3, 300_000, id="another queue's"),
        pytest.param(0, 1, id="index 0 would mean none"),
    ],
)
def test_the_first_index(sal_index: int, first: int) -> None:
    driver = Driver(sal_index=sal_index)
    assert driver.add() == first
    assert driver.add() == first + 1


@pytest.mark.parametrize(
    ("taken", "next_", "count", "expected"),
    [
        pytest.param((), 100_005, 1, 100_005, id="the next one"),
        pytest.param((100_005, 100_006), 100_005, 1, 100_007, id="those in use are skipped"),
        pytest.param((), 199_998, 1, 199_998, id="the last but one"),
        pytest.param((), 199_999, 1, 199_999, id="the last one is one"),
        pytest.param((199_999,), 199_999, 1, 100_000, id="after the last one comes the first"),
        pytest.param(
            (199_999, 100_000, 100_001), 199_999, 1, 100_002, id="those in use are skipped there, too"
        ),
        pytest.param((), 199_999, 2, 100_000, id="a row does not go around the corner"),
        pytest.param((100_006,), 100_005, 2, 100_007, id="a row has no gaps"),
        pytest.param((100_001,), 199_998, 3, 100_002, id="a row has no gaps after the corner either"),
    ],
)
def test_giving(taken: tuple[int, ...], next_: int, count: int, expected: int) -> None:
    indices = Indices(1, taken.__contains__)
    indices.next = next_
    assert indices.give(count) == expected
    assert indices.next == (expected + count if expected + count <= 199_999 else 100_000)


def test_when_there_are_none_it_says_so() -> None:
    indices = Indices(1, lambda index: True)
    with pytest.raises(
        Refused, match="no 3 consecutive script indices are free; wait until scripts have ended"
    ):
        indices.give(3)


def test_indices_wrap_around_what_is_queued_and_what_is_history() -> None:
    driver = Driver()
    waiting, ended = driver.add(), driver.add()
    driver.fail_launch(ended)
    driver.model._ledger.indices.next = 199_999
    assert driver.add() == 199_999
    assert driver.add() == ended + 1
    assert driver.queue.waiting[0] == waiting


def test_an_index_can_be_given_again_when_its_script_has_left_the_history() -> None:
    driver = Driver(history=1)
    first = driver.add_running()
    driver.finish(first)
    driver.fail_launch(driver.add())
    driver.model._ledger.indices.next = first
    assert driver.add() == first
    driver.start(first)
    assert driver.states(first) == ("UNKNOWN", "LOADING")


def test_a_refused_add_uses_up_no_index() -> None:
    driver = Driver()
    driver.refused(an_add(stop_checkpoint="["))
    assert driver.add() == 100_000
