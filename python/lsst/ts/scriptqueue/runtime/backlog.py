# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of what was posted is over, and who waits for that.

Whoever waits does so for what was posted before, not for what comes meanwhile:
a disk that is slower than what happens would keep them for ever.
"""

from __future__ import annotations

import asyncio

__all__ = ["Backlog"]


class Backlog:
    """Counts what was posted and what is over; both in the same order."""

    def __init__(self) -> None:
        self._posted = self._over = 0
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []

    def grow(self) -> None:
        """Count one that was posted."""
        self._posted += 1

    def shrink(self, count: int) -> None:
        """Count some that are over."""
        self._over += count
        for number, reached in self._waiting:
            if number <= self._over and not reached.done():
                reached.set_result(None)
        self._waiting = [entry for entry in self._waiting if not entry[1].done()]

    def clear(self) -> None:
        """Count all as over: nobody will handle them."""
        self.shrink(self._posted - self._over)

    def worked_off(self) -> asyncio.Future[None]:
        """Return what is done when all that was posted until now is over."""
        reached: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((self._posted, reached))
        self.shrink(0)
        return reached
