# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a script has come as far as was waited for, and when it never will."""

from __future__ import annotations

import enum
from collections.abc import Mapping

from ...sal.enums import ScriptProcessState, ScriptState
from .kinds import Goal

__all__ = ["Verdict", "verdict"]


class Verdict(enum.Enum):
    """How it stands with a script that is waited for."""

    NOT_YET = enum.auto()
    REACHED = enum.auto()
    MISSED = enum.auto()


#: States in which a script has come so far. Stopping and failing are none of
#: them: a script can do both before it has come anywhere.
_REACHED: Mapping[Goal, frozenset[ScriptState]] = {
    Goal.CONFIGURED: frozenset(
        {
            ScriptState.CONFIGURED,
            ScriptState.RUNNING,
            ScriptState.PAUSED,
            ScriptState.ENDING,
            ScriptState.DONE,
        }
    ),
    Goal.RUNNING: frozenset({ScriptState.RUNNING, ScriptState.PAUSED, ScriptState.ENDING, ScriptState.DONE}),
    Goal.DONE: frozenset({ScriptState.DONE}),
}

_ENDED = frozenset({ScriptState.STOPPED, ScriptState.FAILED, ScriptState.CONFIGURE_FAILED})

_PROCESS_ENDED = frozenset(
    {
        ScriptProcessState.DONE,
        ScriptProcessState.LOADFAILED,
        ScriptProcessState.CONFIGURE_FAILED,
        ScriptProcessState.TERMINATED,
    }
)


def verdict(goal: Goal, script_state: int, process_state: int) -> Verdict:
    """Judge a script by the states in the queue's ``script`` event."""
    # A waiting script that was stopped keeps its last state, CONFIGURED.
    ended = script_state in _ENDED or process_state in _PROCESS_ENDED
    if script_state in _REACHED[goal] and (not ended or script_state == ScriptState.DONE):
        return Verdict.REACHED
    return Verdict.MISSED if ended else Verdict.NOT_YET
