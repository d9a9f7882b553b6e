# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the kernel has ended a process because memory ran out.

The kernel says nothing to whoever waits for the process: its end is by SIGKILL,
like any other. But it counts such ends, for each control group (``memory.events``,
or ``memory.oom_control`` of version 1) and for the whole machine
(``/proc/vmstat``). So the counts are looked at now and then, and again after an end:

* The count of the script's own group has risen: the kernel did it.
* That count can be read and has not risen, or that of the machine has not: it did not.
* Else it may have.

A count that has risen for the sake of another process of the group, in the same
second, misleads; nothing else does.
"""

from __future__ import annotations

import functools
import os
import re
import threading
from collections.abc import Iterable

from ..core.events import MemoryKill

__all__ = ["MemoryKills"]

_MACHINE = "/proc/vmstat"

_OOM_KILLS = re.compile(rb"^oom_kill (\d+)$", re.MULTILINE)


class MemoryKills:
    """Compares the counts of the kernel. All methods block, and may be called in any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._files: dict[int, str] = {}
        #: What was counted, by file: at the last look, and at the one before.
        self._counts: dict[str, tuple[int | None, int | None]] = {}

    def look(self, pids: Iterable[int]) -> None:
        """Look at the counts for processes that live; of others nothing is kept."""
        # Asked anew each time: a process may be moved into another group.
        files = {pid: _count_file(pid) for pid in pids}
        with self._lock:
            self._files = files
            # The one before is kept, too: an end that is asked about may be counted in this one.
            self._counts = {
                path: (_count(path), self._counts.get(path, (None, None))[0])
                for path in {_MACHINE, *filter(None, self._files.values())}
            }

    def verdict(self, pid: int) -> MemoryKill:
        """Say of a process that was ended by SIGKILL, just now, whether memory had run out."""
        with self._lock:
            own = self._has_risen(self._files.get(pid, ""))
            if own is None:
                return MemoryKill.RULED_OUT if self._has_risen(_MACHINE) is False else MemoryKill.POSSIBLE
            return MemoryKill.CERTAIN if own else MemoryKill.RULED_OUT

    def _has_risen(self, path: str) -> bool | None:
        last, before = self._counts.get(path, (None, None))
        known = last if before is None else before
        now = _count(path) if known is not None else None
        return None if known is None or now is None else now > known


def _count(path: str) -> int | None:
    """How often memory has run out; None if that cannot be read."""
    try:
        with open(path, "rb", buffering=0) as file:
            found = _OOM_KILLS.search(file.read())
    except OSError:
        return None
    return int(found[1]) if found else None


def _count_file(pid: int) -> str:
    """The file that counts for the control group of a process; "" if there is none."""
    try:
        with open(_group_file(pid), "rb", buffering=0) as file:
            return _file_of(file.read())
    except OSError:
        return ""


def _group_file(pid: int) -> str:
    return f"/proc/{pid}/cgroup"


@functools.lru_cache(maxsize=1000)
def _file_of(groups: bytes) -> str:
    """The file that counts for these control groups, as the kernel lists them."""
    lines = [line.split(":", 2) for line in os.fsdecode(groups).splitlines()]
    paths = {controllers: path for _, controllers, path in lines}
    for controllers, path in paths.items():
        if "memory" in controllers.split(","):
            return _below(_mounts().get("memory"), path, "memory.oom_control")
    return _below(_mounts().get(""), paths.get("", ""), "memory.events")


def _below(mount: tuple[str, str] | None, path: str, name: str) -> str:
    # One outside of this namespace is named by the way up to it.
    if mount is None or not path or path.startswith("/.."):
        return ""
    root, where = mount
    inside = os.path.relpath(path, root)
    return "" if inside.startswith("..") else os.path.normpath(os.path.join(where, inside, name))


@functools.cache
def _mounts() -> dict[str, tuple[str, str]]:
    """Where control groups are mounted: "memory" or "", for version 2, to its root and its folder."""
    found: dict[str, tuple[str, str]] = {}
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
            for line in file:
                before, _, after = line.partition(" - ")
                fields, (kind, _, options) = before.split(), after.split()[:3]
                if kind == "cgroup2":
                    found.setdefault("", (fields[3], fields[4]))
                elif kind == "cgroup" and "memory" in options.split(","):
                    found.setdefault("memory", (fields[3], fields[4]))
    except OSError:
        return {}
    return found
