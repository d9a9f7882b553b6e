# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A clock that goes with the event loop, and can be set wrong on purpose."""

from __future__ import annotations

import asyncio

__all__ = ["DEFAULT_START_TAI", "TAI_MINUS_UTC_S", "FakeClock"]

#: 2026-01-01T00:00:00 UTC.
DEFAULT_START_TAI = 1_767_225_637.0

#: As it has been since 2017.
TAI_MINUS_UTC_S = 37.0


class FakeClock:
    """A clock for a `Domain`, to be made while the loop runs.

    On a loop with virtual time it jumps as the loop does.

    Parameters
    ----------
    start_tai
        What it shows when it is made (TAI unix seconds).
    """

    def __init__(self, start_tai: float = DEFAULT_START_TAI) -> None:
        self._loop = asyncio.get_running_loop()
        self._offset_s = start_tai - self._loop.time()

    def tai(self) -> float:
        """Return the time now (TAI unix seconds)."""
        return self._loop.time() + self._offset_s

    def utc_from_tai(self, tai: float) -> float:
        """Convert TAI to UTC (unix seconds)."""
        return tai - TAI_MINUS_UTC_S

    def step(self, by_s: float) -> None:
        """Set the clock forward, or back, as an operator's hand does; timers are not touched."""
        self._offset_s += by_s
