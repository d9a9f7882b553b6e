# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which process is meant, for as long as the machine runs: a process id alone can be used again."""

from __future__ import annotations

import os
from collections import namedtuple

__all__ = ["Identity", "identity_of"]


class Identity(namedtuple("Identity", ["pid", "start_ticks", "boot_id", "pid_namespace"])):
    """A process, beyond doubt.

    Attributes
    ----------
    pid : `int`
        Process id.
    start_ticks : `int`
        When it was started, in clock ticks since the machine was.
    boot_id : `str`
        The boot of the machine.
    pid_namespace : `int`
        Inode of the PID namespace in which the process id counts.
    """

    __slots__ = ()

    pid: int
    start_ticks: int
    boot_id: str
    pid_namespace: int


def identity_of(pid: int) -> Identity:
    """Return the identity of a process, which may be a zombie.

    Raises
    ------
    ProcessLookupError
        If there is no such process.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
            # The name of the program, in parentheses, may contain anything.
            fields = file.read().rpartition(b")")[2].split()
    except FileNotFoundError:
        raise ProcessLookupError(f"there is no process {pid}") from None
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        boot_id = file.read().strip()
    return Identity(pid, int(fields[19]), boot_id, os.stat("/proc/self/ns/pid").st_ino)
