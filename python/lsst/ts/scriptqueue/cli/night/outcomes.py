# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has become of a script, in one word.

The queue's word about the process decides once it has ended; until then it is
the script's own state, as the script or the queue told it.
"""

from __future__ import annotations

import enum

from ...sal.enums import ScriptProcessState, ScriptState

__all__ = ["Outcome", "outcome"]


class Outcome(enum.Enum):
    """How a script stands, in the word shown for it."""

    LOADING = "loading"
    CONFIGURING = "configuring"
    READY = "ready"
    RUNNING = "running"
    PAUSED = "paused"
    ENDING = "ending"
    STOPPING = "stopping"
    FAILING = "failing"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"
    NOT_CONFIGURED = "not configured"
    NOT_LOADED = "not loaded"

    @property
    def final(self) -> bool:
        """Does nothing come after it?"""
        return self in _FINAL

    @property
    def good(self) -> bool:
        """Did the script end as somebody wanted?"""
        return self in (Outcome.DONE, Outcome.STOPPED)


_FINAL = frozenset(
    {Outcome.DONE, Outcome.STOPPED, Outcome.FAILED, Outcome.NOT_CONFIGURED, Outcome.NOT_LOADED}
)

_BY_STATE = {
    ScriptState.UNKNOWN: Outcome.LOADING,
    ScriptState.UNCONFIGURED: Outcome.CONFIGURING,
    ScriptState.CONFIGURED: Outcome.READY,
    ScriptState.RUNNING: Outcome.RUNNING,
    ScriptState.PAUSED: Outcome.PAUSED,
    ScriptState.ENDING: Outcome.ENDING,
    ScriptState.STOPPING: Outcome.STOPPING,
    ScriptState.FAILING: Outcome.FAILING,
    ScriptState.DONE: Outcome.DONE,
    ScriptState.STOPPED: Outcome.STOPPED,
    ScriptState.FAILED: Outcome.FAILED,
    ScriptState.CONFIGURE_FAILED: Outcome.NOT_CONFIGURED,
}

_BY_PROCESS = {
    ScriptProcessState.LOADFAILED: Outcome.NOT_LOADED,
    ScriptProcessState.CONFIGURE_FAILED: Outcome.NOT_CONFIGURED,
    ScriptProcessState.TERMINATED: Outcome.STOPPED,
}


def outcome(process_state: ScriptProcessState, told: ScriptState, reported: ScriptState) -> Outcome:
    """Say how a script stands.

    Parameters
    ----------
    process_state, told
        What the queue says of its process and its state.
    reported
        What the script says itself, UNKNOWN if nothing.
    """
    if process_state in _BY_PROCESS:
        return _BY_PROCESS[process_state]
    if process_state is ScriptProcessState.DONE:
        return _BY_STATE[told]
    # The words of two may arrive in either order: whichever is further on is the later one.
    return _BY_STATE[reported if _progress(reported) >= _progress(told) else told]


def _progress(state: ScriptState) -> ScriptState:
    return ScriptState.RUNNING if state is ScriptState.PAUSED else state
