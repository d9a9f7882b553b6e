# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that outlive whoever started them, and are known again later.

A process id alone may long be somebody else's; with the tick at which it was
started it is one process for ever.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

__all__ = ["alive", "end", "spawn", "start_ticks"]

_GLANCE_S = 0.05

#: What a process needs of its parent's environment.
_NEEDED = ("PATH", "HOME", "LANG", "JAVA_HOME", "TMPDIR")


def spawn(
    command: Sequence[str], log: Path, settings: Mapping[str, str], environment: Mapping[str, str] | None
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own, beside its log.

    Parameters
    ----------
    command
        The program and its arguments.
    log
        Where its output goes; it lives in the same folder.
    settings
        Variables it is configured by.
    environment
        What else it has in its environment. If None, no more than it needs:
        nothing of what marks or configures the caller belongs to a process
        that outlives it.
    """
    if environment is None:
        environment = {name: os.environ[name] for name in _NEEDED if name in os.environ}
    with open(log, "wb") as output:
        return subprocess.Popen(
            command,
            cwd=log.parent,
            env={**environment, **settings},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def alive(pids: Mapping[int, int]) -> dict[int, int]:
    """Return those of some processes that live; each is a process id and a tick."""
    return {pid: ticks for pid, ticks in pids.items() if start_ticks(pid) == ticks}


def end(pids: Mapping[int, int], patience_s: float, first: signal.Signals = signal.SIGTERM) -> None:
    """End processes: by a signal, and by SIGKILL what is left after `patience_s`."""
    for number in (first, signal.SIGKILL):
        for pid in alive(pids):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
                # One that was paused hears of it only when it goes on.
                os.kill(pid, signal.SIGCONT)
        for _ in _glances(patience_s):
            if not alive(pids):
                return


def start_ticks(pid: int) -> int | None:
    """Return when a process was started, None if it has gone or waits to be reaped."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else int(fields[19])


def _glances(limit_s: float) -> Iterator[None]:
    # The end of a process that is not a child is no event to wait for.
    give_up_at = time.monotonic() + limit_s
    while time.monotonic() < give_up_at:
        yield
        time.sleep(_GLANCE_S)
