# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Group ids: TAI ISO times with milliseconds, each given once only."""

from __future__ import annotations

from .stories import iso_tai_ms

__all__ = ["GroupIds"]


class GroupIds:
    """Gives group ids that always increase, whatever the clock does.

    Parameters
    ----------
    last_ms
        The last one ever given, in TAI unix milliseconds; 0 if none.
    """

    __slots__ = ("last_ms",)

    def __init__(self, last_ms: int = 0) -> None:
        self.last_ms = last_ms

    def give(self, at_tai: float) -> str:
        """Give the id of this moment, or the next one that is free."""
        self.last_ms = max(int(at_tai * 1000), self.last_ms + 1)
        return iso_tai_ms(self.last_ms)
