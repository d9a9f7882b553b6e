# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The time of the queue: that of a clock, except that it never goes back.

When the clock was set back the time of the queue goes on from where it was, at
half its pace, until the clock has caught up. If it stood still, whoever waits
for a time would wait for an hour longer if the clock was set back by an hour;
so it is twice as long at most.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

__all__ = ["Clock", "SteadyClock"]

_PACE = 0.5


class Clock(Protocol):
    """What is needed of a clock."""

    def tai(self) -> float:
        """Now, as TAI, unix seconds."""
        ...


class SteadyClock:
    """Tells the time of the queue.

    Parameters
    ----------
    clock
        The clock.
    last_tai
        What an earlier service has told last (TAI, unix seconds).
    """

    def __init__(self, clock: Clock, last_tai: float) -> None:
        self._clock = clock
        self._last_tai = last_tai
        self._told_at: float | None = None

    @property
    def ahead_s(self) -> float:
        """How far it is ahead of the clock (seconds)."""
        return max(0.0, self._last_tai - self._clock.tai())

    def now(self) -> float:
        """Now, as TAI, unix seconds."""
        loop_s = asyncio.get_running_loop().time()
        passed_s = 0.0 if self._told_at is None else loop_s - self._told_at
        self._told_at = loop_s
        self._last_tai = max(self._clock.tai(), self._last_tai + passed_s * _PACE)
        return self._last_tai

    def of(self, stamp_tai: float) -> float:
        """Convert a stamp of the same clock (TAI, unix seconds).

        One that is still to come was given before the clock was set back.
        """
        now_tai, clock_tai = self.now(), self._clock.tai()
        return stamp_tai if stamp_tai > clock_tai else stamp_tai + max(0.0, now_tai - clock_tai)
