# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking at processes that run: are they stopped, and what do they use?

One small file of ``/proc`` is read for each: 15 us, so 400 are looked at in 6 ms, in a
thread.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping

from .contract import Identity, MemoryKill, Vitals
from .memory_kills import MemoryKills

__all__ = ["Looking"]

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")

#: Letters by which ``/proc`` says that a process is stopped, or traced.
_STOPPED = frozenset({b"T", b"t"})


class Looking:
    """Looks at the processes of a launcher."""

    def __init__(self) -> None:
        self._memory_kills = MemoryKills()

    def look(self, processes: Mapping[str, Identity]) -> dict[str, Vitals]:
        """Look at processes, by any name; those that have gone are left out. It blocks: for threads."""
        found: dict[str, Vitals] = {}
        for name, identity in processes.items():
            vitals = _vitals(identity)
            if vitals is not None:
                found[name] = vitals
        self._memory_kills.look(processes[name].pid for name in found)
        return found

    async def memory_kill(self, pid: int, signal_number: int | None, *, was_asked: bool) -> MemoryKill:
        """Say of a process that has ended just now whether the kernel has ended it because memory ran out.

        Parameters
        ----------
        pid
            Its number.
        signal_number
            The signal that ended it, if one did.
        was_asked
            Have we ended it?
        """
        if signal_number != signal.SIGKILL or was_asked:
            return MemoryKill.NOT_ASKED
        return await asyncio.to_thread(self._memory_kills.verdict, pid)


def _vitals(identity: Identity) -> Vitals | None:
    try:
        with open(f"/proc/{identity.pid}/stat", "rb", buffering=0) as file:
            # The name of the program, in parentheses, may contain anything.
            fields = file.read().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    if int(fields[19]) != identity.start_ticks:
        return None
    # With that of its children that have ended.
    ticks = sum(map(int, fields[11:15]))
    return Vitals(fields[0] in _STOPPED, int(fields[21]) * _PAGE_BYTES, ticks / _TICKS_PER_S)
