# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``run_script_queue`` does about a service that runs already: stop it, or see how it is."""

from __future__ import annotations

import asyncio
import os
import pathlib
import select
import signal
import time

import psutil

from ..bus import BusError
from ..journal import JournalLock
from ..sal.domain import Domain
from ..sal.enums import State
from ..sal.remote import Remote

__all__ = ["KEEP_SCRIPTS", "check", "stop"]

#: Tells a service to end and leave its scripts to the next one.
KEEP_SCRIPTS = signal.SIGUSR1

#: A service that is told to end has done so within this (seconds).
_END_LIMIT_S = 120.0

#: One that stands still is given this time to be let go on (seconds).
_STANDSTILL_LIMIT_S = 10.0

#: How often it is looked whether it stands still (seconds).
_LOOK_S = 0.5

_STANDING = (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)

#: A service that is well beats once a second.
_BEAT_LIMIT_S = 5.0


def stop(
    state_dir: pathlib.Path,
    *,
    keeps_scripts: bool,
    limit_s: float = _END_LIMIT_S,
    standstill_limit_s: float = _STANDSTILL_LIMIT_S,
) -> tuple[bool, str]:
    """Have a service end, and wait until it has. Blocks.

    Parameters
    ----------
    state_dir
        Its state directory.
    keeps_scripts
        Are its scripts left to the next service? Otherwise they are ended.
    limit_s
        How long it may take (seconds).
    standstill_limit_s
        How long one may take that stands still (seconds).

    Returns
    -------
    tuple
        Whether it has ended, and what there is to say.
    """
    pid = JournalLock(state_dir).holder()
    if pid is None:
        return False, f"no service runs with the state directory {state_dir}"
    if pid == 0:
        return False, f"a service runs with {state_dir}, but which process that is cannot be read"
    try:
        process = os.pidfd_open(pid)
        try:
            # The number may have passed to another process before it was opened.
            if JournalLock(state_dir).holder() == pid:
                signal.pidfd_send_signal(process, KEEP_SCRIPTS if keeps_scripts else signal.SIGTERM)
            trouble = _await_end(process, pid, limit_s, standstill_limit_s)
        finally:
            os.close(process)
    except ProcessLookupError:
        trouble = ""
    except PermissionError:
        return False, f"process {pid} belongs to somebody else, so it cannot be told to end"
    if trouble:
        return False, trouble
    kept = "; its scripts go on, and the next service takes them over" if keeps_scripts else ""
    return True, f"process {pid} has ended{kept}"


def _await_end(process: int, pid: int, limit_s: float, standstill_limit_s: float) -> str:
    """Wait until a process has ended, by its descriptor; return what keeps it from that, "" if it has."""
    now = moved_at = time.monotonic()
    give_up_at = now + limit_s
    while not select.select([process], [], [], _LOOK_S)[0]:
        now = time.monotonic()
        if now >= give_up_at:
            return (
                f"process {pid} was told to end, but has not within {limit_s:g} s; it may do so yet, and "
                f"kill -9 {pid} ends it as a crash does"
            )
        if not _stands(pid):
            moved_at = now
        elif now - moved_at >= standstill_limit_s:
            return f"process {pid} was told to end, but {_standing_words(pid)}, and then it ends"
    return ""


def _standing_words(pid: int) -> str:
    return f"it stands still (SIGSTOP, or a debugger); kill -CONT {pid} lets it go on"


def _stands(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() in _STANDING
    except psutil.NoSuchProcess:
        return False


def check(
    index: int, state_dir: pathlib.Path, bus: str | None, *, beat_limit_s: float = _BEAT_LIMIT_S
) -> tuple[bool, str]:
    """Say whether a service is well: its process is there, and its heart is heard.

    Parameters
    ----------
    index
        SAL index.
    state_dir
        Its state directory.
    bus
        Name of the middleware; None to let the environment choose.
    beat_limit_s
        How long its heart is listened for (seconds).

    Returns
    -------
    tuple
        Whether it is, and what there is to say.
    """
    pid = JournalLock(state_dir).holder()
    if pid is None:
        return False, f"no service runs with the state directory {state_dir}"
    named = f"process {pid}" if pid else "its process, whose number cannot be read,"
    try:
        state = asyncio.run(_listen(index, bus, beat_limit_s))
    except TimeoutError:
        if pid and _stands(pid):
            return False, f"{named} is there, but {_standing_words(pid)}"
        return False, f"{named} is there, but ScriptQueue:{index} was not heard for {beat_limit_s:g} s"
    except BusError as error:
        return False, f"{named} is there, but the middleware is not: {error}"
    return state is not State.FAULT, f"ScriptQueue:{index} is {state.name}, process {pid or 'not known'}"


async def _listen(index: int, bus: str | None, limit_s: float) -> State:
    async with (
        Domain.connect(bus) as domain,
        Remote(domain, "ScriptQueue", index, include=("summaryState", "heartbeat")) as queue,
    ):
        await queue.evt_heartbeat.next(flush=True, timeout=limit_s)
        return State((await queue.evt_summaryState.aget(timeout=limit_s)).summaryState)
