# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the queue asks of whoever owns its child processes.

The owner may be this process or another one that outlives it: so children
are named by their launch id, not by objects, and everything that crosses the
contract is a frozen value that could be sent through a socket.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

__all__ = ["Exited", "LaunchError", "LaunchRequest", "Launched", "Launcher", "StopPlan"]


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
    """

    launch_id: str
    sal_index: int
    executable: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Launched:
    """A child that runs.

    Attributes
    ----------
    launch_id
        As in the request.
    pid
        Process id, which is also its process group.
    output_path
        The file its stdout and stderr go to.
    """

    launch_id: str
    pid: int
    output_path: str


@dataclass(frozen=True, slots=True)
class Exited:
    """A child that has gone and was reaped; its process group is empty.

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
    """

    launch_id: str
    sal_index: int
    exit_code: int | None
    signal: int | None
    output_tail: str


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

    async def aclose(self) -> None:
        """End all children by the stop plan and wait until they are reaped."""
        ...
