# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the queue asks of whoever owns its child processes.

The owner may be this process or another one that outlives it: so children
are named by their launch id, not by objects, and everything that crosses the
contract is a frozen value that could be sent through a socket.

An exit is told once. An owner that outlives the queue keeps it until it is said
to be *taken*: the queue says so when it is in the queue's own books for good.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ..core.events import MemoryKill
from ..keeper.identity import Identity

__all__ = [
    "Exited",
    "Identity",
    "Inherited",
    "LastingLauncher",
    "LaunchError",
    "LaunchRequest",
    "Launched",
    "Launcher",
    "MemoryKill",
    "StopPlan",
    "Vitals",
]


class LaunchError(RuntimeError):
    """A process could not be started; the text says why."""


@dataclass(frozen=True, slots=True)
class StopPlan:
    """How a process group is ended: SIGTERM, a wait, SIGKILL.

    Attributes
    ----------
    kill_after_s
        Seconds from SIGTERM to SIGKILL.
    """

    kill_after_s: float = 5.0


@dataclass(frozen=True, slots=True)
class LaunchRequest:
    """A child to start.

    Attributes
    ----------
    launch_id
        Unique name of this launch, also given to the child in its environment.
    sal_index
        SAL index of the script.
    executable
        Absolute path.
    arguments
        Arguments after the program name.
    environment
        The whole environment of the child.
    perhaps_started
        Whether an earlier queue may have started it, without anybody having
        noted that. A `LastingLauncher` then looks among all processes for one
        of this launch first, and takes charge of the one that it finds.
    """

    launch_id: str
    sal_index: int
    executable: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    perhaps_started: bool = False


@dataclass(frozen=True, slots=True)
class Launched:
    """A child that runs.

    Attributes
    ----------
    launch_id
        As in the request.
    identity
        The process that was started.
    output_path
        The file its stdout and stderr go to.
    """

    launch_id: str
    identity: Identity
    output_path: str

    @property
    def pid(self) -> int:
        """Process id, which is also its process group."""
        return self.identity.pid


@dataclass(frozen=True, slots=True)
class Exited:
    """A child that has gone; its process group is empty.

    Attributes
    ----------
    launch_id
        As in the request.
    sal_index
        As in the request.
    exit_code
        Exit code, or None if a signal ended it.
    signal
        Number of the signal that ended it, or None.
    output_tail
        The last lines of its output, at most 2,000 characters.
    memory_kill
        If that signal is SIGKILL: did the kernel send it because memory ran out?
    ended_ago_s
        How long ago it ended, in seconds; 0 if just now, or if nobody saw it.
    """

    launch_id: str
    sal_index: int
    exit_code: int | None
    signal: int | None
    output_tail: str
    memory_kill: MemoryKill = MemoryKill.NOT_ASKED
    ended_ago_s: float = field(default=0.0, compare=False)

    @property
    def status_is_known(self) -> bool:
        """Whether it is known how it ended.

        It is not if who could have learned it, the owner, was killed.
        """
        return self.exit_code is not None or self.signal is not None


@dataclass(frozen=True, slots=True)
class Vitals:
    """How a child is; of the process that leads its group, not of all in it.

    Attributes
    ----------
    is_stopped
        Is it stopped, by SIGSTOP or a debugger?
    memory_bytes
        Its resident set.
    cpu_s
        Processor time it has used, with that of its children that have ended (seconds).
    """

    is_stopped: bool
    memory_bytes: int
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Inherited:
    """A child of an earlier queue.

    Attributes
    ----------
    launched
        As it was launched.
    sal_index
        As in the request.
    exited
        Its exit, if it ended while there was no queue; None if it lives.
    """

    launched: Launched
    sal_index: int
    exited: Exited | None = None


class Launcher(Protocol):
    """The owner of child processes, from spawn to reap."""

    def on_exit(self, callback: Callable[[Exited], None]) -> None:
        """Say who is told of each exit, once per child, on the event loop."""
        ...

    async def launch(self, request: LaunchRequest) -> Launched:
        """Start a child; returns when its program has been executed.

        Raises
        ------
        LaunchError
            If it cannot be started. No child is left, and no exit is told.
        """
        ...

    def terminate(self, launch_id: str) -> None:
        """End a child and its process group by the stop plan. Idempotent.

        Returns at once; the exit is told as always. Unknown ids are ignored.
        """
        ...

    async def look(self) -> Mapping[str, Vitals]:
        """Look at all children that run, by launch id."""
        ...

    def taken(self, launch_id: str) -> None:
        """Say that the exit of a child is in the queue's books; it is then forgotten.

        An exit that is never taken is told again to the next queue. Unknown
        ids are ignored.
        """
        ...

    async def aclose(self) -> None:
        """End all children by the stop plan and wait until they are reaped."""
        ...


class LastingLauncher(Launcher, Protocol):
    """An owner of child processes that outlives the queue, and serves the next one.

    All that raise `LaunchError` do so if no owner can be started or reached.
    """

    def begin(self) -> None:
        """Begin to start the owner, if there is none, which takes a while; nobody has to do so first.

        Nothing is heard of any child before it is asked for.
        """
        ...

    async def inherited(self) -> tuple[Inherited, ...]:
        """Return what an earlier queue left behind; to be asked before the first launch.

        Those that live are children of this launcher from then on: their
        exits are told as always. Those that have ended carry their exit, which
        is not told again. Of whoever never asks, all exits are told.
        """
        ...

    async def adopt(self, children: Iterable[Inherited]) -> frozenset[str]:
        """Take charge of children that only the queue's books know, since their owner was killed.

        Returns the launch ids of those that live. The exit of each is told as
        always, at once of those that are gone; how they ended may not be known.
        Those whose exit is known are left as they are.
        """
        ...

    async def release(self) -> None:
        """Leave all children to the next queue; this launcher is closed then."""
        ...
