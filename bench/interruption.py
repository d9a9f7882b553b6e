# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that is interrupted ends in order, and once: who hits Ctrl-C again does not interrupt the ending.

Outside of an event loop the first signal raises KeyboardInterrupt; within one
it cancels the task that measures. Later ones are answered with a line.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Coroutine, Iterator
from types import FrameType
from typing import Any, TypeVar

__all__ = ["Interruption", "interruptible"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_T = TypeVar("_T")


class Interruption:
    """What signals do to this process, as long as `interruptible` lasts.

    Attributes
    ----------
    is_ending
        Does it end anyway?
    """

    def __init__(self) -> None:
        self.is_ending = False
        self._work: tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]] | None = None

    async def during(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Do some work, and cancel it at a signal."""
        task = asyncio.current_task()
        assert task is not None
        self._work = asyncio.get_running_loop(), task
        try:
            return await work
        finally:
            self._work = None

    def ignore(self) -> None:
        """From now on it ends anyway."""
        self.is_ending = True

    def told(self, number: int, frame: FrameType | None) -> None:
        """Take a signal."""
        if self.is_ending:
            print("bench: is ending its processes", file=sys.stderr, flush=True)
            return
        self.is_ending = True
        if self._work is None:
            raise KeyboardInterrupt
        loop, task = self._work
        loop.call_soon_threadsafe(task.cancel)


@contextlib.contextmanager
def interruptible() -> Iterator[Interruption]:
    """Let signals interrupt what happens meanwhile."""
    interruption = Interruption()
    before = {number: signal.signal(number, interruption.told) for number in _SIGNALS}
    try:
        yield interruption
    finally:
        # Where it ends anyway, what is left to say is said.
        if not interruption.is_ending:
            for number, handler in before.items():
                signal.signal(number, handler)
