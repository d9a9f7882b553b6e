# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The numbers that scripts report and that the queue publishes about them.

The values are SAL's and never change: archives and panels decode them.
"""

from __future__ import annotations

import enum

__all__ = ["FINAL_STATES", "Location", "ProcessState", "ScriptState"]


class ScriptState(enum.IntEnum):
    """The state of a script, as the script itself reports it."""

    UNKNOWN = 0
    UNCONFIGURED = 1
    CONFIGURED = 2
    RUNNING = 3
    PAUSED = 4
    ENDING = 5
    STOPPING = 6
    FAILING = 7
    DONE = 8
    STOPPED = 9
    FAILED = 10
    CONFIGURE_FAILED = 11


#: A script that has reported one of these does nothing more but exit.
FINAL_STATES = frozenset(
    {ScriptState.DONE, ScriptState.STOPPED, ScriptState.FAILED, ScriptState.CONFIGURE_FAILED}
)


class ProcessState(enum.IntEnum):
    """The state of a script as the queue sees it."""

    UNKNOWN = 0
    LOADING = 1
    CONFIGURED = 2
    RUNNING = 3
    DONE = 4
    LOADFAILED = 5
    CONFIGURE_FAILED = 6
    TERMINATED = 7


class Location(enum.IntEnum):
    """Where in the queue a script is to go."""

    FIRST = 1
    LAST = 2
    BEFORE = 3
    AFTER = 4
