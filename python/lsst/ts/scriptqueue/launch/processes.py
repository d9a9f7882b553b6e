# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""One child process with its group, owned from spawn to reap.

The rules:

* A child leads a session and a process group of its own, reads ``/dev/null``,
  and inherits no descriptor but its output. It keeps the working directory of
  the service: what a script writes by a relative name lands where the service
  was started.
* Its end is an event, never polled for: its pidfd becomes readable, or, where
  there is none, a thread that waits for it returns. No SIGCHLD handler is
  involved, so any loop in any thread will do.
* It is signalled only before it is reaped. Until then its number, which is
  also its group's, cannot mean anybody else.
* So its end comes in this order: the leader ends and stays a zombie; the rest
  of its group and whatever else it left behind are killed and waited for; the
  leader is reaped.
* Spawning holds the interpreter's lock until the program has been executed
  (0.5 ms from a local disk), in whatever thread it happens; only the file
  system's part of it is worth a thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType

from .leftovers import Leftovers

__all__ = ["ExitStatus", "OwnedProcess", "Spawned", "spawn"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ExitStatus:
    """How a process ended.

    Attributes
    ----------
    exit_code
        Exit code, or None if a signal ended it.
    signal
        Number of the signal that ended it, or None. Both are None if
        something else in this process reaped the child.
    """

    exit_code: int | None
    signal: int | None


@dataclass(frozen=True, slots=True)
class Spawned:
    """A child that was just started, and nobody owns yet.

    Attributes
    ----------
    popen
        The child.
    pidfd
        Its pidfd, or None if the system has none.
    """

    popen: subprocess.Popen[bytes]
    pidfd: int | None


def spawn(arguments: Sequence[str], environment: Mapping[str, str], stdout: int, stderr: int) -> Spawned:
    """Start a child; blocks until its program has been executed.

    Parameters
    ----------
    arguments
        Absolute path of the executable, and its arguments.
    environment
        The whole environment.
    stdout, stderr
        Descriptors for its output.

    Raises
    ------
    OSError
        If it could not be executed; no child is left.
    ValueError
        If an argument or variable cannot be passed.
    """
    popen = subprocess.Popen(
        arguments,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        close_fds=True,
        start_new_session=True,
    )
    try:
        pidfd = os.pidfd_open(popen.pid)
    except OSError:
        pidfd = None
    return Spawned(popen, pidfd)


class OwnedProcess:
    """A child and all that descends from it, for as long as an ``async with``.

    Leaving the block kills whatever is left of it, and reaps it.

    Parameters
    ----------
    launch_id
        The launch id in its environment.
    start
        Starts the child; called in a thread. What it raises, entering raises.
    leftovers
        Who ends what it leaves behind.

    Attributes
    ----------
    exited
        Done when the leader has ended, before it is reaped. Wait for it with
        `asyncio.wait`, which does not cancel it.
    status
        How it ended, from when the block was left.
    """

    exited: asyncio.Future[None]
    status: ExitStatus

    def __init__(self, launch_id: str, start: Callable[[], Spawned], leftovers: Leftovers) -> None:
        self._launch_id = launch_id
        self._start = start
        self._leftovers = leftovers
        self._spawned: Spawned | None = None

    @property
    def pid(self) -> int:
        """Process id, which is also its group and session."""
        return self._child.popen.pid

    async def __aenter__(self) -> OwnedProcess:
        loop = asyncio.get_running_loop()
        starting = loop.run_in_executor(None, self._start)
        cancelled = False
        while not starting.done():
            # A thread that starts a process cannot be called back. It takes
            # milliseconds, and then the child is known and can be ended.
            try:
                await asyncio.wait({starting})
            except asyncio.CancelledError:
                cancelled = True
        if not cancelled or starting.exception() is None:
            self._spawned = starting.result()
            self.exited = loop.create_future()
            self._watch()
        if cancelled:
            if self._spawned is not None:
                await self._end()
            raise asyncio.CancelledError
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._end()

    def signal_group(self, number: signal.Signals) -> None:
        """Send a signal to the child and its group; only inside the block."""
        try:
            if self._child.pidfd is not None:
                # Fails if something else in this process reaped the child, and
                # the number may mean another group by now.
                signal.pidfd_send_signal(self._child.pidfd, 0)
            os.killpg(self.pid, number)
        except ProcessLookupError:
            pass
        except PermissionError:
            logger.error("process group %d runs as another user, so %s cannot end it", self.pid, number.name)

    @property
    def _child(self) -> Spawned:
        if self._spawned is None:
            raise RuntimeError("no process yet: enter the block first")
        return self._spawned

    async def _end(self) -> None:
        self.signal_group(signal.SIGKILL)
        try:
            await asyncio.wait({self.exited})
            await self._leftovers.end(self._launch_id, self.pid)
        finally:
            self._let_go()

    def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        if self._child.pidfd is not None:
            loop.add_reader(self._child.pidfd, self._saw_exit)
        else:
            threading.Thread(
                target=self._wait, args=(loop,), name=f"wait for {self.pid}", daemon=True
            ).start()

    def _wait(self, loop: asyncio.AbstractEventLoop) -> None:
        with contextlib.suppress(ChildProcessError):
            os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        # The loop may be closed by now, if it was torn down around its owner.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(self._saw_exit)

    def _saw_exit(self) -> None:
        if self._child.pidfd is not None:
            asyncio.get_running_loop().remove_reader(self._child.pidfd)
        if not self.exited.done():
            self.exited.set_result(None)

    def _let_go(self) -> None:
        if self._child.pidfd is not None:
            asyncio.get_running_loop().remove_reader(self._child.pidfd)
            os.close(self._child.pidfd)
        try:
            ended = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG)
        except ChildProcessError:
            self.status = ExitStatus(None, None)
        else:
            if ended is None:
                logger.error("process %d does not end, although it was killed", self.pid)
                return
            by_exit = ended.si_code == os.CLD_EXITED
            self.status = ExitStatus(
                ended.si_status if by_exit else None, None if by_exit else ended.si_status
            )
        # Popen is not asked for the outcome, and would reap again if it thought
        # the child was still there.
        self._child.popen.returncode = self.status.exit_code or 0
