# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking at DDS from below the bus: who was found, and what wakes a process."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lsst.ts.scriptqueue.bus import Bus
from lsst.ts.scriptqueue.bus.dds import DdsBus
from lsst.ts.scriptqueue.bus.dds.library import ALIVE, check, dds
from lsst.ts.scriptqueue.bus.dds.reader import take

__all__ = ["count_participants", "count_wakeups", "wait_until_participants"]

PARTICIPANTS = 0x7FFF0001


def count_participants(bus: Bus) -> int:
    """Return how many participants a bus has found, itself included."""
    with _participants(bus) as reader:
        return sum(info.valid_data for _, info in take(reader))


def wait_until_participants(bus: Bus, count: int, timeout_s: float) -> None:
    """Block until a bus knows so many participants, itself included."""
    deadline = time.monotonic() + timeout_s
    alive: set[int] = set()
    with _participants(bus) as reader:
        waitset = check(dds.dds_create_waitset(_entity(bus)), "wait")
        check(dds.dds_waitset_attach(waitset, reader, 1), "wait")
        try:
            while True:
                for _, info in take(reader):
                    (alive.add if info.instance_state == ALIVE else alive.discard)(info.instance_handle)
                if len(alive) == count:
                    return
                left_s = deadline - time.monotonic()
                if left_s <= 0:
                    raise TimeoutError(f"{len(alive)} participants, not {count}")
                dds.dds_waitset_wait(waitset, (ctypes.c_void_p * 1)(), 1, int(left_s * 1e9))
        finally:
            dds.dds_delete(waitset)


def count_wakeups(pid: int) -> int:
    """Return how often the threads of a process have been woken."""
    return sum(
        int(line.split()[1])
        for status in Path(f"/proc/{pid}/task").glob("*/status")
        for line in status.read_text().splitlines()
        if line.startswith("voluntary_ctxt_switches")
    )


@contextmanager
def _participants(bus: Bus) -> Iterator[int]:
    reader = check(dds.dds_create_reader(_entity(bus), PARTICIPANTS, None, None), "look")
    try:
        yield reader
    finally:
        dds.dds_delete(reader)


def _entity(bus: Bus) -> int:
    assert isinstance(bus, DdsBus)
    assert bus._participant is not None
    return bus._participant.entity
