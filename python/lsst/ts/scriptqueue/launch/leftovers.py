# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that a script leaves behind, and their end.

A leftover is a process that is still in the group of a script that has
ended, or that was started with the script's launch id in its environment,
wherever it went since (``setsid`` takes a process out of its group, and a
double fork out of its family, but not out of this). They get SIGKILL: a
script's processes have no business after the script.

All processes of the machine are looked through, about 20 us each, so many
scripts that end together share one look. A process which is someone else's,
or which cleared its environment and also left the group, is not found; nor is
one that always runs on in a child before it can be looked at.
"""

from __future__ import annotations

import asyncio
import enum
import logging
import os
import select
import signal
import time
from collections.abc import Mapping

from .environment import LAUNCH_ID_VARIABLE

__all__ = ["Leftovers", "end_leftovers"]

logger = logging.getLogger(__name__)

#: How long killed processes are waited for, in seconds.
_PATIENCE_S = 2.0

#: How often new ones, forked while the others were killed, are looked for.
_ROUNDS = 20

#: How long a process that is just being executed is given to get its environment, in seconds.
_EXECUTION_S = 0.005

_PREFIX = f"{LAUNCH_ID_VARIABLE}=".encode()

#: Positions in /proc/PID/stat, counted from the state on; see proc_pid_stat(5).
_STATE, _GROUP, _FLAGS, _ENVIRONMENT_END = 0, 2, 6, 48

_KERNEL_THREAD = 0x0020_0000


class Leftovers:
    """Ends the leftovers of scripts; calls that come together are one look."""

    def __init__(self) -> None:
        self._asked: dict[str, int] = {}
        self._looking = asyncio.Lock()

    async def end(self, launch_id: str, group: int) -> None:
        """End what a script left behind.

        Parameters
        ----------
        launch_id
            The script's launch.
        group
            Its process group. Its leader must not have been reaped yet, so
            that the number cannot mean another group.
        """
        self._asked[launch_id] = group
        async with self._looking:
            if launch_id not in self._asked:
                return
            asked, self._asked = self._asked, {}
            gone = await asyncio.to_thread(end_leftovers, asked)
        if not gone:
            logger.error("processes of %s could not be killed within %s s", ", ".join(asked), _PATIENCE_S)


def end_leftovers(groups: Mapping[str, int]) -> bool:
    """Kill the leftovers of some scripts and wait, bounded, until they are gone.

    Parameters
    ----------
    groups
        Launch id to process group.

    Returns
    -------
    gone
        Whether none is left.
    """
    deadline = time.monotonic() + _PATIENCE_S
    ids = {launch_id.encode(): group for launch_id, group in groups.items()}
    suspects = _processes()
    for _ in range(_ROUNDS):
        kinship = {pid: _kinship(pid, ids) for pid in suspects}
        killed = [_kill(pid, ids) for pid, kin in kinship.items() if kin is _Kin.OURS]
        unknown = [pid for pid, kin in kinship.items() if kin is _Kin.UNKNOWN]
        if killed:
            if not _wait([descriptor for descriptor in killed if descriptor is not None], deadline):
                return False
            suspects = _processes()
        elif unknown:
            # That an execution is complete is no event that one could wait for.
            time.sleep(_EXECUTION_S)
            suspects = unknown
        else:
            return True
    return not killed


class _Kin(enum.Enum):
    """Whether a process is one of those looked for."""

    OURS = enum.auto()
    FOREIGN = enum.auto()
    #: It is just being executed, and has no environment yet.
    UNKNOWN = enum.auto()


def _processes() -> list[int]:
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return []


def _kinship(pid: int, ids: Mapping[bytes, int]) -> _Kin:
    try:
        # The name of the program, in parentheses, may contain anything.
        status = _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
        if status[_STATE] in b"ZX":
            return _Kin.FOREIGN
        if int(status[_GROUP]) in ids.values():
            return _Kin.OURS
        environment = _read(f"/proc/{pid}/environ")
    except OSError:
        return _Kin.FOREIGN
    for entry in environment.split(b"\0"):
        if entry.startswith(_PREFIX) and entry.removeprefix(_PREFIX) in ids:
            return _Kin.OURS
    if int(status[_ENVIRONMENT_END]) == 0 and not int(status[_FLAGS]) & _KERNEL_THREAD:
        return _Kin.UNKNOWN
    return _Kin.FOREIGN


def _read(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:
        return file.read()


def _kill(pid: int, ids: Mapping[bytes, int]) -> int | None:
    """Kill a process; returns a descriptor that becomes readable at its end."""
    descriptor = None
    try:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            return None
        except OSError:
            # Without pidfd there is no event to wait for; the next round looks again.
            os.kill(pid, signal.SIGKILL)
            return None
        # The number may have passed to another process before it was opened.
        if _kinship(pid, ids) is not _Kin.OURS:
            os.close(descriptor)
            return None
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    except (ProcessLookupError, PermissionError) as error:
        logger.debug("leftover process %d was not killed: %s", pid, error)
    return descriptor


def _wait(descriptors: list[int], deadline: float) -> bool:
    """Wait until all are readable, and close them."""
    poller = select.poll()
    for descriptor in descriptors:
        poller.register(descriptor, select.POLLIN)
    waiting = len(descriptors)
    try:
        while waiting:
            ready = poller.poll(max(0.0, deadline - time.monotonic()) * 1000)
            if not ready:
                return False
            for descriptor, _ in ready:
                poller.unregister(descriptor)
                waiting -= 1
    finally:
        for descriptor in descriptors:
            os.close(descriptor)
    return True
