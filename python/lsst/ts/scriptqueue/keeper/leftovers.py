# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking for the processes of scripts among all of the machine.

A leftover is a process that is still in the group of a script that has
ended, or that was started with the script's launch id in its environment,
wherever it went since (``setsid`` takes a process out of its group, and a
double fork out of its family, but not out of this). They get SIGKILL: a
script's processes have no business after the script.

All processes of the machine are looked through, about 20 us each. A process
which is someone else's, or which cleared its environment and also left the
group, is not found; nor is one that always runs on in a child before it can be
looked at.

Nothing here waits: `hunt` and `find_launch` say what they wait for, and whoever
drives them goes on when it has come.
"""

from __future__ import annotations

import enum
import os
import select
import signal
import time
from collections.abc import Generator, Mapping

from .launch_id import LAUNCH_ID_VARIABLE

__all__ = ["PATIENCE_S", "Pause", "find_launch", "hunt"]

#: How long killed processes are waited for, in seconds.
PATIENCE_S = 2.0

#: What is waited for: until one of these descriptors is readable, or so many seconds have passed.
Pause = tuple[tuple[int, ...], float]

#: How often new ones, forked while the others were killed, are looked for.
_ROUNDS = 20

#: How long a process that is just being executed is given to get its environment, in seconds.
_EXECUTION_S = 0.005

_PREFIX = f"{LAUNCH_ID_VARIABLE}=".encode()

#: Positions in /proc/PID/stat, counted from the state on; see proc_pid_stat(5).
_STATE, _GROUP, _SESSION, _FLAGS, _START, _ENVIRONMENT_END = 0, 2, 3, 6, 19, 48

_KERNEL_THREAD = 0x0020_0000


def hunt(groups: Mapping[str, int | None]) -> Generator[Pause, None, bool]:
    """Kill the leftovers of some scripts and wait, bounded, until they are gone.

    Parameters
    ----------
    groups
        Launch id to process group. The group's leader must not have been
        reaped yet, so that the number cannot mean another group; None if
        that is not sure.

    Returns
    -------
    gone
        Whether none is left.
    """
    deadline = time.monotonic() + PATIENCE_S
    ids = {launch_id.encode(): group for launch_id, group in groups.items()}
    suspects = _processes()
    for _ in range(_ROUNDS):
        kinship = {pid: _kinship(pid, ids) for pid in suspects}
        killed = [_kill(pid, ids) for pid, kin in kinship.items() if kin is _Kin.OURS]
        unknown = [pid for pid, kin in kinship.items() if kin is _Kin.UNKNOWN]
        if killed:
            if not (
                yield from _wait([descriptor for descriptor in killed if descriptor is not None], deadline)
            ):
                return False
            suspects = _processes()
        elif unknown:
            # That an execution is complete is no event that one could wait for.
            yield (), _EXECUTION_S
            suspects = unknown
        else:
            return True
    return not killed


def find_launch(launch_id: str) -> Generator[Pause, None, int | None]:
    """Look for the process that a launch has started.

    Returns
    -------
    pid
        The process that leads a session, or else the oldest; None if none
        was started with that launch id.
    """
    ids: Mapping[bytes, int | None] = {launch_id.encode(): None}
    suspects, found = _processes(), list[int]()
    for _ in range(_ROUNDS):
        kinship = {pid: _kinship(pid, ids) for pid in suspects}
        found += [pid for pid, kin in kinship.items() if kin is _Kin.OURS]
        suspects = [pid for pid, kin in kinship.items() if kin is _Kin.UNKNOWN]
        if not suspects:
            break
        yield (), _EXECUTION_S
    return min(found, key=_seniority, default=None)


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


def _kinship(pid: int, ids: Mapping[bytes, int | None]) -> _Kin:
    try:
        status = _status(pid)
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


def _seniority(pid: int) -> tuple[bool, int]:
    try:
        status = _status(pid)
    except OSError:
        return True, 2**63
    return int(status[_SESSION]) != pid, int(status[_START])


def _status(pid: int) -> list[bytes]:
    # The name of the program, in parentheses, may contain anything.
    return _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()


def _read(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:
        return file.read()


def _kill(pid: int, ids: Mapping[bytes, int | None]) -> int | None:
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
    except (ProcessLookupError, PermissionError):
        # It has gone, or may not be killed; then the wait for it says so.
        pass
    return descriptor


def _wait(descriptors: list[int], deadline: float) -> Generator[Pause, None, bool]:
    """Wait until all are readable, and close them."""
    poller = select.poll()
    for descriptor in descriptors:
        poller.register(descriptor, select.POLLIN)
    waiting = set(descriptors)
    try:
        while True:
            for descriptor, _ in poller.poll(0):
                poller.unregister(descriptor)
                waiting.remove(descriptor)
            remaining_s = deadline - time.monotonic()
            if not waiting or remaining_s <= 0:
                return not waiting
            yield tuple(waiting), remaining_s
    finally:
        for descriptor in descriptors:
            os.close(descriptor)
