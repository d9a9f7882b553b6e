# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells whoever blocks the event loop that he does, and where.

A ``time.sleep`` in a script stops everything in its process: commands, the
heartbeat, the stop. The loop ticks; a thread looks whether it still does, and
when it is late takes the stack of the loop's thread and logs a warning. When
the loop goes on, it says for how long it stood, also if the thread came too
late to see it. Blocking is a matter of real time, so this room's rule to ask
a `Clock` does not hold here.

If the thread stood still as well, and the process used no processor time
meanwhile, nobody has blocked anything: the process itself was stopped, and
that is said instead. A computation that keeps the thread from running uses
the processor.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
import traceback
from types import TracebackType
from typing import Self

__all__ = ["StallWatch"]


class StallWatch:
    """Watches the running event loop, between ``async with`` and its end.

    Parameters
    ----------
    log
        Where warnings go.
    threshold_s
        A loop that is blocked for longer is warned about (seconds). What is
        within a quarter of it may go either way.
    """

    def __init__(self, log: logging.Logger, threshold_s: float = 1.0) -> None:
        self._log = log
        # A stall begins somewhere between two ticks; on average it has lasted
        # half a period longer than the tick is late.
        self._period_s = threshold_s / 2
        self._late_s = threshold_s - self._period_s / 2
        self._due_s = 0.0
        self._is_told = False
        #: When either of the two ran last, and how much processor time had been used by then.
        self._ran_s = self._used_s = 0.0
        self._running = threading.Lock()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to watch the running loop."""
        loop = asyncio.get_running_loop()
        self._ran_s, self._used_s = time.monotonic(), time.process_time()
        self._schedule(loop)
        self._thread = threading.Thread(
            target=self._watch, args=(threading.get_ident(),), name="stall watch", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop watching; the thread has gone when this returns."""
        if self._timer is not None:
            self._timer.cancel()
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        self._due_s = time.monotonic() + self._period_s
        self._timer = loop.call_later(self._period_s, self._tick, loop)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        self._note_that_it_runs()
        late_s = time.monotonic() - self._due_s
        if late_s > self._late_s:
            self._log.warning(
                "the event loop was blocked for about %.1f s; heartbeats and commands had to wait."
                " Await what takes long, or give it to asyncio.to_thread",
                late_s + self._period_s / 2,
            )
        self._is_told = False
        self._schedule(loop)

    def _watch(self, loop_thread: int) -> None:
        while not self._stopped.wait(self._period_s):
            self._note_that_it_runs()
            late_s = time.monotonic() - self._due_s
            if late_s > self._late_s and not self._is_told:
                self._is_told = True
                # Where output is cut to its last line, that line says what it is about.
                self._log.warning(
                    "the event loop is blocked, here:\n%sThere the event loop is blocked.",
                    _stack(loop_thread),
                )

    def _note_that_it_runs(self) -> None:
        """Take note that this process runs; time in which nothing of it did is not the fault of its loop."""
        with self._running:
            now_s, used_s = time.monotonic(), time.process_time()
            gap_s = now_s - self._ran_s
            stood_still = gap_s > self._late_s and used_s - self._used_s < gap_s / 2
            self._ran_s, self._used_s = now_s, used_s
            if not stood_still:
                return
            self._due_s += gap_s
        stood_s = gap_s - self._period_s / 2
        if stood_s > self._period_s + self._late_s:
            self._log.warning(
                "this process stood still for about %.1f s: it was stopped (SIGSTOP, or a debugger), or got"
                " no processor time. Heartbeats and commands had to wait; the script is not to blame",
                stood_s,
            )


def _stack(thread: int) -> str:
    frame = sys._current_frames().get(thread)
    return "".join(traceback.format_stack(frame)) if frame is not None else "(the thread has gone)"
