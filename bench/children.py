# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The processes that the benchmark starts itself, and what they cost.

A crowd is owned by a ``with``: leaving it ends and reaps what has not ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

__all__ = ["Crowd", "Memory", "Usage", "cpu_of", "memory_of"]

#: How long a process may take to end after SIGTERM (seconds).
END_LIMIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process took in its life.

    Attributes
    ----------
    wall_s
        Time from its start until it was reaped.
    cpu_s
        CPU time, user and system.
    """

    wall_s: float
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory of a process in MB: resident, and its share of it (PSS)."""

    rss_mb: float
    pss_mb: float


class Crowd:
    """Processes of this one.

    Parameters
    ----------
    grace_s
        How long those that have not ended when it is left get after SIGTERM,
        before they are killed (seconds).
    """

    def __init__(self, grace_s: float = 0.0) -> None:
        self._grace_s = grace_s
        self._processes: dict[int, tuple[subprocess.Popen[bytes], float]] = {}
        # A thread that still waits for one that does not end reaps it when it is killed.
        self._reaping = threading.Lock()

    @property
    def pids(self) -> list[int]:
        """The processes that have not been reaped."""
        return list(self._processes)

    def start(
        self, command: Sequence[str], *, environment: Mapping[str, str] | None = None, log: Path | None = None
    ) -> float:
        """Start a process.

        Returns
        -------
        started
            When, by the performance counter (seconds).
        """
        with open(log or os.devnull, "ab") as stderr:
            started = time.perf_counter()
            # A session of its own, as a queue gives its scripts: Linux shares out CPU by sessions.
            process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                start_new_session=True,
            )
        self._processes[process.pid] = (process, started)
        return started

    async def ended(self, pids: Iterable[int] | None = None) -> list[Usage]:
        """Wait until processes have ended by themselves, and reap them."""
        async with asyncio.timeout(END_LIMIT_S):
            return await asyncio.to_thread(self._reap, self.pids if pids is None else list(pids))

    async def end(self) -> list[Usage]:
        """Tell all to end, and reap them."""
        self._signal(signal.SIGTERM)
        return await self.ended()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._grace_s:
            self._signal(signal.SIGTERM)
            self._wait(self._grace_s)
        self._signal(signal.SIGKILL)
        self._reap(self.pids)

    def _signal(self, number: signal.Signals) -> None:
        # Not through Popen, which would reap one that has ended, and forget what it took.
        for pid in self.pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def _wait(self, limit_s: float) -> None:
        """Wait until all have ended, or no longer; they are not reaped."""
        give_up_at = time.monotonic() + limit_s
        for pid in self.pids:
            with contextlib.suppress(ProcessLookupError):
                descriptor = os.pidfd_open(pid)
                try:
                    ends = select.poll()
                    ends.register(descriptor, select.POLLIN)
                    ends.poll(max(0.0, give_up_at - time.monotonic()) * 1e3)
                finally:
                    os.close(descriptor)

    def _reap(self, pids: Sequence[int]) -> list[Usage]:
        usages = []
        with self._reaping:
            for pid in pids:
                if pid not in self._processes:
                    continue
                _, status, used = os.wait4(pid, 0)
                process, started = self._processes.pop(pid)
                process.returncode = os.waitstatus_to_exitcode(status)
                usages.append(Usage(time.perf_counter() - started, used.ru_utime + used.ru_stime))
        return usages


def memory_of(pid: int) -> Memory:
    """Return the memory of a process."""
    memory = psutil.Process(pid).memory_full_info()
    return Memory(memory.rss / 1e6, memory.pss / 1e6)


def cpu_of(pid: int) -> float:
    """Return the CPU time of a process so far (seconds), finer than clock ticks."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9
