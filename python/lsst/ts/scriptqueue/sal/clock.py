# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time as SAL counts it: TAI unix seconds.

Nothing in this room asks the machine for the time; it asks a `Clock`. Timers
are those of the event loop. So everything also runs in virtual time.

Stamps never go back: readers drop an event that is older than the one before
it, so after the machine's clock was set back, stamps go on from where they
were, in steps too small to matter, until the clock has caught up.
"""

from __future__ import annotations

import time
from typing import Protocol

from .leap_seconds import LeapSeconds, read_leap_seconds

__all__ = ["Clock", "Stamper", "SystemClock"]

#: Smallest step between two stamps (seconds). A double holds today's unix
#: seconds to a quarter of this.
STAMP_STEP_S = 1e-6


class Clock(Protocol):
    """Where time comes from. It is asked on the event loop only."""

    def tai(self) -> float:
        """Return the time now (TAI unix seconds)."""
        ...

    def utc_from_tai(self, tai: float) -> float:
        """Convert TAI to UTC (unix seconds)."""
        ...


class SystemClock:
    """The machine's clock, which counts UTC, and the table of leap seconds.

    Parameters
    ----------
    leap_seconds
        The table; by default the installed one.
    """

    def __init__(self, leap_seconds: LeapSeconds | None = None) -> None:
        self.leap_seconds = leap_seconds or read_leap_seconds()

    def tai(self) -> float:
        return self.leap_seconds.tai_from_utc(time.time())

    def utc_from_tai(self, tai: float) -> float:
        return self.leap_seconds.utc_from_tai(tai)


class Stamper:
    """Gives send stamps, each later than all before it.

    One serves a whole process, so the stamps of each topic and index also
    strictly increase.

    Parameters
    ----------
    clock
        Where time comes from.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last_tai = 0.0

    def go_on_after(self, tai: float) -> None:
        """Give no stamp up to one that an earlier process has given (TAI unix seconds)."""
        self._last_tai = max(self._last_tai, tai)

    def stamp(self) -> float:
        """Return the next stamp (TAI unix seconds)."""
        self._last_tai = max(self._clock.tai(), self._last_tai + STAMP_STEP_S)
        return self._last_tai
