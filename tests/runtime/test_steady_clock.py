# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The time of the queue when the clock is set back, while it runs or before it was started."""

from __future__ import annotations

import asyncio

import pytest

from lsst.ts.scriptqueue.runtime.steady_clock import SteadyClock
from lsst.ts.scriptqueue.testing import FakeClock

pytestmark = pytest.mark.virtual_time

HOUR_S = 3600.0


async def pass_by(seconds: float) -> None:
    """Let time go by, which costs nothing here."""
    passed = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, passed.set)
    await passed.wait()


async def test_it_is_the_time_of_the_clock() -> None:
    clock = FakeClock()
    steady = SteadyClock(clock, 0.0)
    for _ in range(3):
        assert steady.now() == clock.tai()
        assert steady.of(clock.tai() - 5.0) == clock.tai() - 5.0
        await pass_by(100.0)


@pytest.mark.parametrize("is_restarted", [False, True])
async def test_after_a_step_back_it_goes_on_at_half_its_pace_until_the_clock_has_caught_up(
    is_restarted: bool,
) -> None:
    clock = FakeClock()
    steady = SteadyClock(clock, 0.0)
    began_tai = steady.now()
    clock.step(-HOUR_S)
    if is_restarted:
        steady = SteadyClock(clock, began_tai)
    assert steady.now() == began_tai
    assert steady.ahead_s == HOUR_S
    for half in range(1, 3):
        await pass_by(HOUR_S)
        assert steady.now() == pytest.approx(began_tai + half * HOUR_S / 2)
    assert steady.now() == pytest.approx(clock.tai())
    assert steady.ahead_s == pytest.approx(0.0)
    await pass_by(HOUR_S)
    assert steady.now() == clock.tai()


async def test_a_stamp_is_converted_unless_it_was_given_before_the_step() -> None:
    clock = FakeClock()
    steady = SteadyClock(clock, 0.0)
    before_tai = steady.now()
    await pass_by(10.0)
    launched_tai = steady.now()
    clock.step(-HOUR_S)
    assert steady.of(before_tai) == before_tai < launched_tai
    await pass_by(1.0)
    assert steady.of(clock.tai()) > launched_tai
