# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""An event loop whose clock jumps: hours of waiting pass in microseconds.

Code under test keeps its ``asyncio.sleep``, ``asyncio.timeout`` and timers,
and nothing in it knows. The rules:

* While something is ready to run, time stands still.
* When all tasks wait and only a timer can wake one, the clock jumps to the
  timer that is due next.
* What runs outside of the loop needs real time. As long as a job is in a
  thread (``asyncio.to_thread``, ``run_in_executor``), a descriptor is watched
  (a socket, a pipe, a child's pidfd), or `VirtualTimeLoop.real_time` says so,
  the clock walks at the pace of the real one. A thread that the loop was not
  told of cannot be seen: announce it by `VirtualTimeLoop.real_time`.
* A loop that passes its horizon raises: something repeats for ever, and what
  is waited for never comes.

Use `run` in a synchronous test, or the marker of `.pytest_plugin`.
"""

from __future__ import annotations

import asyncio
import contextlib
import selectors
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Executor
from typing import Any, TypeVar, TypeVarTuple

__all__ = ["HORIZON_S", "VirtualTimeLoop", "pass_time", "run"]

#: Virtual seconds after which a loop gives up, unless told otherwise.
HORIZON_S = 30 * 86400.0

# The descriptor by which other threads and signals wake the loop.
_OWN_DESCRIPTORS = 1

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")


class _JumpingSelector(selectors.DefaultSelector):
    """Waits for descriptors, and keeps the time meanwhile."""

    def __init__(self, horizon_s: float) -> None:
        super().__init__()
        self.now_s = 0.0
        self.outside_jobs = 0
        self._horizon_s = horizon_s

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout == 0:
            return super().select(0)
        if timeout is None or self._something_outside():
            started = time.monotonic()
            events = super().select(timeout)
            self.now_s += time.monotonic() - started
            return events
        events = super().select(0)
        if not events:
            self.now_s += timeout
            if self.now_s > self._horizon_s:
                raise RuntimeError(
                    f"virtual time has passed {self._horizon_s:g} s: what the test waits for never comes, "
                    "while something else repeats; put a time limit on the wait"
                )
        return events

    def _something_outside(self) -> bool:
        return self.outside_jobs > 0 or len(self.get_map()) > _OWN_DESCRIPTORS


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop with a clock that jumps; it starts at 0.

    Parameters
    ----------
    horizon_s
        Virtual time at which it gives up.
    """

    def __init__(self, horizon_s: float = HORIZON_S) -> None:
        self._jumping = _JumpingSelector(horizon_s)
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now_s

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*_Ts], _T], *args: *_Ts
    ) -> asyncio.Future[_T]:
        future = super().run_in_executor(executor, func, *args)
        self._jumping.outside_jobs += 1
        future.add_done_callback(self._job_done)
        return future

    @contextlib.contextmanager
    def real_time(self) -> Iterator[None]:
        """Let the clock walk instead of jump, for something the loop cannot see."""
        self._jumping.outside_jobs += 1
        try:
            yield
        finally:
            self._jumping.outside_jobs -= 1

    async def shutdown_default_executor(self, *args: Any, **kwargs: Any) -> None:
        # It has a time limit, and waits for a thread of its own.
        with self.real_time():
            await super().shutdown_default_executor(*args, **kwargs)

    def _job_done(self, future: asyncio.Future[Any]) -> None:
        self._jumping.outside_jobs -= 1


async def pass_time(duration_s: float) -> None:
    """Let virtual time pass.

    Raises
    ------
    RuntimeError
        If time is real. There a test waits for an event, not for a while.
    """
    if not isinstance(asyncio.get_running_loop(), VirtualTimeLoop):
        raise RuntimeError("time is real here: mark the test virtual_time, or wait for an event")
    await asyncio.sleep(duration_s)


def run(main: Coroutine[Any, Any, _T], *, horizon_s: float = HORIZON_S) -> _T:
    """Run a coroutine on a loop with virtual time, as `asyncio.run` does.

    Raises
    ------
    RuntimeError
        If virtual time passes the horizon.
    """
    with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(horizon_s)) as runner:
        return runner.run(main)
