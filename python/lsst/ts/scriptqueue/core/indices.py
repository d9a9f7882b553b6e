# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""SAL indices of scripts: consecutive, wrapping, never one that is in use."""

from __future__ import annotations

from collections.abc import Callable

from .refusals import Refused

__all__ = ["INDICES_PER_QUEUE", "Indices"]

#: Script index // this is the index of its ScriptQueue: archives rely on it.
INDICES_PER_QUEUE = 100_000


class Indices:
    """Gives SAL indices to scripts.

    Parameters
    ----------
    sal_index
        SAL index of the ScriptQueue. Index 0 is never given: it means none.
    taken
        Tells whether an index is still known or reserved.
    """

    __slots__ = ("_first", "_last", "_taken", "next")

    def __init__(self, sal_index: int, taken: Callable[[int], bool]) -> None:
        self._first = max(sal_index * INDICES_PER_QUEUE, 1)
        self._last = sal_index * INDICES_PER_QUEUE + INDICES_PER_QUEUE - 1
        self._taken = taken
        self.next = self._first

    def go_on_after(self, last: int) -> None:
        """Begin after an index that was given before; one of another queue counts for nothing."""
        if self._first <= last < self._last:
            self.next = last + 1

    def give(self, count: int = 1) -> int:
        """Give the first of ``count`` consecutive indices.

        Raises
        ------
        Refused
            If there is no such run.
        """
        start = self._find(self.next, count)
        if start is None:
            start = self._find(self._first, count)
        if start is None:
            raise Refused(f"no {count} consecutive script indices are free; wait until scripts have ended")
        after = start + count
        self.next = after if after <= self._last else self._first
        return start

    def _find(self, start: int, count: int) -> int | None:
        run = 0
        for index in range(start, self._last + 1):
            run = 0 if self._taken(index) else run + 1
            if run == count:
                return index - count + 1
        return None
