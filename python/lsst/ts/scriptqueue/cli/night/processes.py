# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The processes of a night, from start to the last grandchild.

They live in sessions of their own, so that Ctrl-C reaches only the demo, which
then ends each in order: SIGTERM, a bounded wait, and SIGKILL for it and all its
descendants. Every process of a night carries a mark in its environment that
no other process has, so that none is missed, wherever it went.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import pathlib
import select
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

import psutil

__all__ = ["MarkedProcess", "end_left_over", "left_over"]

logger = logging.getLogger(__name__)

#: How long killed processes are waited for (seconds).
_KILL_PATIENCE_S = 3.0


class MarkedProcess:
    """A process with all its descendants; an async context manager.

    Parameters
    ----------
    command
        The program and its arguments.
    log_path
        Where its output goes.
    environment
        Its whole environment.
    mark
        Name of a variable in it, whose value is this night's alone.
    patience_s
        How long it has after SIGTERM (seconds).
    tells
        Does its stdout go to `said`, and not to the log?
    """

    def __init__(
        self,
        command: Sequence[str],
        log_path: pathlib.Path,
        environment: Mapping[str, str],
        mark: str,
        patience_s: float = 15.0,
        *,
        tells: bool = False,
    ) -> None:
        self._command = tuple(command)
        self._log_path = log_path
        self._patience_s = patience_s
        self._tells = tells
        self._environment = dict(environment)
        self._mark = (mark, environment[mark])
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        with self._log_path.open("wb") as log:
            starting = asyncio.ensure_future(
                asyncio.create_subprocess_exec(
                    *self._command,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.PIPE if self._tells else log,
                    stderr=log,
                    env=self._environment,
                    start_new_session=True,
                )
            )
            # A cancellation between fork and return would lose the child.
            try:
                self._process = await asyncio.shield(starting)
            except asyncio.CancelledError:
                self._process = await starting
                await self._end()
                raise
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._end()

    async def wait(self) -> int:
        """Return its exit status when it has ended; negative for a signal."""
        assert self._process is not None, "the process was not started"
        return await self._process.wait()

    async def said(self) -> str:
        """Return what it writes to its stdout, when it has closed that."""
        assert self._process is not None, "the process was not started"
        assert self._process.stdout is not None, "it was not to tell anything"
        return (await self._process.stdout.read()).decode(errors="replace")

    async def _end(self) -> None:
        """End it and all that is marked, whatever state they are in."""
        process = self._process
        assert process is not None, "the process was not started"
        family: set[psutil.Process] = set()
        try:
            if process.returncode is None:
                family |= _family(process.pid)
                process.terminate()
                async with asyncio.timeout(self._patience_s):
                    await process.wait()
        except TimeoutError:
            logger.error("%s did not end within %g s of SIGTERM", self._command, self._patience_s)
        finally:
            if process.returncode is None:
                family |= _family(process.pid)
                process.kill()
                await process.wait()
            # Not in a thread: a cancellation must not come between, and nobody waits for the loop now.
            _kill(family)
            end_left_over(*self._mark)


def left_over(name: str, value: str) -> list[psutil.Process]:
    """Find the living processes with a variable in their environment, but for this one."""
    found = []
    for process in psutil.process_iter():
        try:
            living = process.status() != psutil.STATUS_ZOMBIE
            if living and process.pid != os.getpid() and process.environ().get(name) == value:
                found.append(process)
        except psutil.Error:
            # Gone meanwhile, or somebody else's.
            continue
    return found


def end_left_over(name: str, value: str) -> list[psutil.Process]:
    """End the processes with a variable in their environment; return those that resist."""
    _kill(set(left_over(name, value)))
    return left_over(name, value)


def _family(pid: int) -> set[psutil.Process]:
    try:
        return set(psutil.Process(pid).children(recursive=True))
    except psutil.NoSuchProcess:
        return set()


def _kill(processes: set[psutil.Process]) -> None:
    """Kill processes and wait, bounded, until they have ended, reaped or not."""
    with contextlib.ExitStack() as descriptors:
        ends = select.poll()
        waiting = 0
        for process in processes:
            try:
                descriptor = os.pidfd_open(process.pid)
                descriptors.callback(os.close, descriptor)
                process.kill()
            except (OSError, psutil.Error):
                # It has ended already.
                continue
            ends.register(descriptor, select.POLLIN)
            waiting += 1
        give_up_at = time.monotonic() + _KILL_PATIENCE_S
        while waiting and (ended := ends.poll(max(0.0, give_up_at - time.monotonic()) * 1000)):
            for descriptor, _ in ended:
                ends.unregister(descriptor)
                waiting -= 1
