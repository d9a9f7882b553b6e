# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""An event loop whose clock stands still while the whole machine does, or everything of it that is looked at.

A laptop that sleeps and a job that is suspended would make limits pass in which nobody could do anything. The
queue stands still with the one that looks at it, so that what is left of a limit is what both have.
"""

from __future__ import annotations

import asyncio

__all__ = ["AwakeLoop"]

#: How often the clock is looked at (seconds).
_TICK_S = 0.5

#: If it was not looked at for longer, somebody stood still (seconds).
_STANDSTILL_S = 3.0


class AwakeLoop(asyncio.SelectorEventLoop):
    """A loop that counts the time in which it was awake.

    Attributes
    ----------
    stood_still_s
        For how long it was not, in all (seconds).
    """

    def __init__(self) -> None:
        super().__init__()
        self.stood_still_s = 0.0
        self._looked_at = super().time()
        self._tick()

    def time(self) -> float:
        """Return the time (seconds)."""
        now = super().time()
        passed, self._looked_at = now - self._looked_at, now
        if passed > _STANDSTILL_S:
            self.stood_still_s += passed
        return now - self.stood_still_s

    def _tick(self) -> None:
        """See to it that the clock is looked at although nothing happens."""
        self.call_later(_TICK_S, self._tick)
