# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time limits, and what becomes of them while the middleware is away; in virtual time."""

from __future__ import annotations

import asyncio

import pytest

from lsst.ts.scriptqueue.core.effects import CancelTimer, SetTimer
from lsst.ts.scriptqueue.core.phases import Timer
from lsst.ts.scriptqueue.runtime.timers import FRESH_S, Timers
from lsst.ts.scriptqueue.testing import pass_time

pytestmark = pytest.mark.virtual_time

LIMIT_S = 10.0


class Watched:
    """Timers, and when what they started ran out (seconds after the start)."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._began_at = self._loop.time()
        self.expired_at: list[float] = []
        self.timers = Timers(lambda effect: self.expired_at.append(self.now))

    @property
    def now(self) -> float:
        return round(self._loop.time() - self._began_at, 3)

    def start(self, delay_s: float = LIMIT_S) -> None:
        self.timers.start(SetTimer(100000, 7, Timer.CONFIGURE, delay_s))

    async def beats(self, until_s: float) -> None:
        """Hear a heartbeat now and every second, until a time."""
        while self.now < until_s:
            self.timers.heard(0.0)
            await pass_time(1.0)


async def test_nothing_is_put_off_where_nothing_was_ever_heard() -> None:
    watched = Watched()
    watched.start()
    await pass_time(LIMIT_S + 1)
    assert watched.expired_at == [LIMIT_S]


async def test_a_limit_runs_out_in_time_while_heartbeats_come() -> None:
    watched = Watched()
    watched.start()
    await watched.beats(LIMIT_S + 3)
    assert watched.expired_at == [LIMIT_S]


async def test_a_limit_that_is_due_in_an_outage_begins_anew_after_it() -> None:
    watched = Watched()
    watched.start()
    await watched.beats(5.0)
    await pass_time(60.0)
    assert watched.expired_at == []
    back_at = watched.now
    await watched.beats(back_at + LIMIT_S + 3)
    assert watched.expired_at == [back_at + LIMIT_S]


async def test_an_outage_within_a_limit_changes_nothing() -> None:
    watched = Watched()
    watched.start(20.0)
    await watched.beats(5.0)
    await pass_time(10.0)
    await watched.beats(25.0)
    assert watched.expired_at == [20.0]


async def test_a_limit_that_was_cancelled_in_an_outage_stays_so() -> None:
    watched = Watched()
    watched.start()
    watched.timers.heard(0.0)
    await pass_time(60.0)
    watched.timers.cancel(CancelTimer(7))
    await watched.beats(100.0)
    assert watched.expired_at == []


async def test_a_limit_between_two_heartbeats_waits_for_the_second() -> None:
    watched = Watched()
    watched.timers.heard(0.0)
    await pass_time(0.2)
    watched.start(0.5)
    await pass_time(0.7)
    assert watched.expired_at == []
    # It is the time of its sending that counts.
    watched.timers.heard(0.8)
    assert watched.expired_at == []
    watched.timers.heard(0.1)
    assert watched.expired_at == [0.9]


async def test_what_was_sent_long_ago_is_no_proof_for_now() -> None:
    watched = Watched()
    watched.start(5.0)
    watched.timers.heard(0.0)
    await pass_time(30.0)
    watched.timers.heard(FRESH_S + 0.1)
    await pass_time(6.0)
    assert watched.expired_at == []
    watched.timers.heard(0.0)
    await watched.beats(45.0)
    assert watched.expired_at == [41.0]


async def test_all_are_forgotten_together() -> None:
    watched = Watched()
    watched.start()
    watched.timers.heard(0.0)
    await pass_time(60.0)
    watched.timers.cancel_all()
    await watched.beats(100.0)
    assert watched.expired_at == []
