# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue of one slot once more, small and plain, to compare the core with.

Written from what clients of today's queue rely on: one script runs at a
time, the first that waits is the next, a failed one stays until the queue is
resumed. It knows of scripts only how far they are.
"""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["SlowQueue"]


@dataclass
class SlowQueue:
    """What is to be seen of a queue of one slot, when all has been answered.

    Attributes
    ----------
    configured
        The waiting scripts that could run.
    next_visit
        The script that is announced as next; 0 if none is.
    told
        What went out: ``run N``, ``next N``, ``not next N``.
    """

    enabled: bool = True
    running: bool = True
    current: int = 0
    has_failed: bool = False
    waiting: list[int] = field(default_factory=list)
    past: list[int] = field(default_factory=list)
    configured: set[int] = field(default_factory=set)
    next_visit: int = 0
    told: list[str] = field(default_factory=list)

    def put(self, index: int, where: str, beside: int) -> bool:
        """Put a script, new or waiting, where it is wanted; False if there is no such place."""
        others = [other for other in self.waiting if other != index]
        if where in ("BEFORE", "AFTER"):
            if beside not in others:
                return beside == index and index in self.waiting
            place = others.index(beside) + (where == "AFTER")
        else:
            place = 0 if where == "FIRST" else len(others)
        others.insert(place, index)
        self.waiting = others
        return True

    def end_waiting(self, index: int) -> None:
        """A waiting script has ended, however."""
        self.waiting.remove(index)
        self.past.insert(0, index)

    def end_current(self, failed: bool) -> None:
        """The current script has ended: unless it has failed there is room for the next."""
        if failed:
            self.has_failed = True
            self.running = False
        else:
            self.release()

    def release(self) -> None:
        """The current script leaves its place."""
        self.past.insert(0, self.current)
        self.current, self.has_failed = 0, False

    def resume(self) -> None:
        """Go on; a script that has failed is let go."""
        if self.has_failed:
            self.release()
        self.running = True

    def go_on(self) -> None:
        """Announce the next script, and run it if nothing else runs."""
        head = self.waiting[0] if self.waiting else 0
        if self.next_visit and self.next_visit != head:
            self.told.append(f"not next {self.next_visit}")
            self.next_visit = 0
        if not (self.enabled and self.running and head in self.configured):
            return
        if not self.next_visit:
            self.told.append(f"next {head}")
            self.next_visit = head
        if not self.current:
            self.told.append(f"run {head}")
            self.waiting.remove(head)
            self.current, self.next_visit = head, 0
            self.go_on()
