# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of a script, as a table.

A script is in exactly one `Phase`. What happens to it is a `Trigger`. The
pair decides the next phase by `TRANSITIONS`, and a missing pair is illegal:
there is no second path and no default. Only what a script says of itself
(`REPORTS`) may come at any time, late, twice or out of order; a report that
has no transition is written into the script's story and changes nothing.

Each phase says where its script is listed (`PLACE`), what its process is
called on the wire (`PROCESS_STATE`) and which time limit runs in it
(`TIMER`): entering the phase starts the limit and leaving it ends it, so
that no script can wait for ever on something that does not come.
"""

from __future__ import annotations

import enum

from .states import ProcessState, ScriptState

__all__ = [
    "FAILED_PHASES",
    "HOLDING_PHASES",
    "LOADING_PHASES",
    "PLACE",
    "PLACED_PHASES",
    "PROCESS_STATE",
    "READY_PHASES",
    "REPORTS",
    "REPORT_OF_STATE",
    "TIMER",
    "TRANSITIONS",
    "Phase",
    "Place",
    "Timer",
    "Trigger",
]


class Phase(enum.Enum):
    """Where a script is in its life; the value says it in words."""

    # Tables are looked up by phase and trigger many times for each event, and
    # Enum's own hash, of the name, costs more than all else about a look-up.
    __hash__ = object.__hash__

    LAUNCHING = "its process is being started"
    ABANDONED = "stopped before its process was started"
    LOADING = "loading"
    CONFIGURING = "configuring"
    SETTLING = "configured, its description or metadata has not arrived yet"
    CONFIGURED = "configured"
    NAMING = "being given a group id"
    NAMED = "next in line, with a group id"
    UNNAMING = "giving its group id back"
    ENTERING = "admitted, being given a group id"
    STRAYING = "runs without having been told to, being stopped"
    DROPPING = "waiting script being ended"
    LOST_WAITING = "process gone while waiting, its last words may be on the way"
    STARTING = "told to run"
    RUNNING = "running"
    RECALLED = "told to stop by the supervision"
    STOPPING = "told to stop"
    KILLING = "being ended"
    BREAKING = "did not start to run, being ended"
    GIVING_UP = "given up by the supervision, being ended"
    LOST_RUNNING = "process gone while running, its last words may be on the way"
    LOST_STOPPING = "process gone while stopping, its last words may be on the way"
    FAILED = "failed, stays in its slot"
    FAILED_GONE = "failed, process gone, stays in its slot"
    LEAVING = "ended, process exiting"
    GONE = "ended, process gone"
    LOST_AWAY = "process gone while the queue was away, its last words may be on the way"
    POSTPONED = "to be launched again"
    DOUBTED = "perhaps told to run before the queue was started again, asked whether it runs"


class Place(enum.Enum):
    """Which list of the queue a script is in."""

    WAITING = "waiting"
    CURRENT = "current"
    HISTORY = "history"


class Trigger(enum.Enum):
    """What can happen to a script; the value says it in words."""

    __hash__ = object.__hash__

    PROCESS_STARTED = "process started"
    LAUNCH_FAILED = "process could not be started"
    PROCESS_GONE = "process gone"
    REPORTED_UNCONFIGURED = "reported UNCONFIGURED"
    REPORTED_CONFIGURED = "reported CONFIGURED"
    REPORTED_CONFIGURE_FAILED = "reported CONFIGURE_FAILED"
    REPORTED_ACTIVE = "reported that it runs"
    REPORTED_ENDED_WELL = "reported DONE or STOPPED"
    REPORTED_FAILED = "reported FAILED"
    SETTLED = "resources settled"
    CONFIGURE_REFUSED = "refused to be configured"
    LOAD_LATE = "did not load in time"
    CONFIGURE_LATE = "did not configure in time"
    NAME_SENT = "group id sent"
    NAME_TAKEN = "group id accepted"
    NAME_WITHDRAWN = "group id withdrawn"
    NAME_CLEARED = "group id given back"
    NAME_REFUSED = "would not take or give back a group id"
    ADMITTED = "admitted"
    RUN_REFUSED = "refused to run"
    START_LATE = "did not start to run in time"
    STOP_ASKED = "asked to stop"
    END_ASKED = "asked to end at once"
    STOP_LATE = "did not stop in time"
    REPORTS_LATE = "no last words came"
    RELEASED = "failed script moved to the history"
    PROCESS_LOST = "process gone while the queue was away"
    RELAUNCHED = "launched again"
    RUN_DOUBTED = "nobody knows whether it was told to run"
    RECALLED = "told to stop, as the supervision is configured"
    GIVEN_UP = "ended, as the supervision is configured"


class Timer(enum.Enum):
    """A time limit; the value is the name of its field in `Limits`."""

    LOAD = "load_s"
    CONFIGURE = "configure_s"
    SETTLE = "settle_s"
    NAME = "group_id_s"
    START = "start_s"
    STOP = "stop_s"
    REPORTS = "last_words_s"
    EXIT = "exit_s"
    PATIENCE = "patience_s"


P, T = Phase, Trigger

#: Script state reported -> trigger.
REPORT_OF_STATE: dict[ScriptState, Trigger] = {
    ScriptState.UNCONFIGURED: T.REPORTED_UNCONFIGURED,
    ScriptState.CONFIGURED: T.REPORTED_CONFIGURED,
    ScriptState.RUNNING: T.REPORTED_ACTIVE,
    ScriptState.PAUSED: T.REPORTED_ACTIVE,
    ScriptState.ENDING: T.REPORTED_ACTIVE,
    ScriptState.STOPPING: T.REPORTED_ACTIVE,
    ScriptState.FAILING: T.REPORTED_ACTIVE,
    ScriptState.DONE: T.REPORTED_ENDED_WELL,
    ScriptState.STOPPED: T.REPORTED_ENDED_WELL,
    ScriptState.FAILED: T.REPORTED_FAILED,
    ScriptState.CONFIGURE_FAILED: T.REPORTED_CONFIGURE_FAILED,
}

REPORTS = frozenset(REPORT_OF_STATE.values())

#: Rows of all phases in which a final report just ends the script.
_REPORTED_FINAL = {
    T.REPORTED_ENDED_WELL: P.LEAVING,
    T.REPORTED_FAILED: P.LEAVING,
    T.REPORTED_CONFIGURE_FAILED: P.LEAVING,
}
#: Rows of all phases in which a final report decides whether a place stays taken.
_REPORTED_FINAL_IN_PLACE = {
    T.REPORTED_ENDED_WELL: P.LEAVING,
    T.REPORTED_FAILED: P.FAILED,
    T.REPORTED_CONFIGURE_FAILED: P.FAILED,
}
#: Rows that all phases share of a script that runs, or may run.
_MAY_RUN = {
    **_REPORTED_FINAL_IN_PLACE,
    T.PROCESS_GONE: P.LOST_RUNNING,
    T.STOP_ASKED: P.STOPPING,
    T.END_ASKED: P.KILLING,
}
#: Rows of all phases in which a script is ended that has failed by that.
_ENDED_AS_FAILED = {
    **_REPORTED_FINAL_IN_PLACE,
    T.PROCESS_GONE: P.FAILED_GONE,
    T.STOP_ASKED: P.KILLING,
    T.END_ASKED: P.KILLING,
}
#: Rows that all phases of a loaded, waiting script share.
_WAITING_LOADED = {
    **_REPORTED_FINAL,
    T.REPORTED_ACTIVE: P.STRAYING,
    T.PROCESS_GONE: P.LOST_WAITING,
    T.END_ASKED: P.DROPPING,
    T.PROCESS_LOST: P.LOST_AWAY,
}
_ROWS: dict[Phase, dict[Trigger, Phase]] = {
    P.LAUNCHING: {
        T.PROCESS_STARTED: P.LOADING,
        T.LAUNCH_FAILED: P.GONE,
        T.END_ASKED: P.ABANDONED,
    },
    P.ABANDONED: {
        T.PROCESS_STARTED: P.DROPPING,
        T.LAUNCH_FAILED: P.GONE,
    },
    P.LOADING: {
        **_WAITING_LOADED,
        T.REPORTED_UNCONFIGURED: P.CONFIGURING,
        T.LOAD_LATE: P.DROPPING,
    },
    P.CONFIGURING: {
        **_WAITING_LOADED,
        T.REPORTED_CONFIGURED: P.SETTLING,
        T.CONFIGURE_REFUSED: P.LEAVING,
        T.CONFIGURE_LATE: P.DROPPING,
    },
    P.SETTLING: {**_WAITING_LOADED, T.SETTLED: P.CONFIGURED},
    P.CONFIGURED: {**_WAITING_LOADED, T.NAME_SENT: P.NAMING, T.ADMITTED: P.ENTERING},
    P.NAMING: {
        **_WAITING_LOADED,
        T.NAME_TAKEN: P.NAMED,
        T.NAME_WITHDRAWN: P.UNNAMING,
        T.NAME_REFUSED: P.DROPPING,
    },
    P.NAMED: {**_WAITING_LOADED, T.ADMITTED: P.STARTING, T.NAME_WITHDRAWN: P.UNNAMING},
    P.UNNAMING: {**_WAITING_LOADED, T.NAME_CLEARED: P.CONFIGURED, T.NAME_REFUSED: P.DROPPING},
    P.ENTERING: {
        **_WAITING_LOADED,
        T.NAME_TAKEN: P.STARTING,
        T.NAME_WITHDRAWN: P.UNNAMING,
        T.NAME_REFUSED: P.DROPPING,
    },
    P.STRAYING: {
        **_REPORTED_FINAL,
        T.STOP_ASKED: P.STRAYING,
        T.STOP_LATE: P.DROPPING,
        T.END_ASKED: P.DROPPING,
        T.PROCESS_GONE: P.GONE,
    },
    P.DROPPING: {
        **_REPORTED_FINAL,
        T.PROCESS_GONE: P.GONE,
        T.END_ASKED: P.DROPPING,
    },
    P.LOST_WAITING: {
        T.REPORTED_ENDED_WELL: P.GONE,
        T.REPORTED_FAILED: P.GONE,
        T.REPORTED_CONFIGURE_FAILED: P.GONE,
        T.REPORTS_LATE: P.GONE,
        T.END_ASKED: P.GONE,
    },
    P.LOST_AWAY: {
        T.REPORTED_ACTIVE: P.LOST_WAITING,
        T.REPORTED_ENDED_WELL: P.GONE,
        T.REPORTED_FAILED: P.GONE,
        T.REPORTED_CONFIGURE_FAILED: P.GONE,
        T.REPORTS_LATE: P.POSTPONED,
        T.END_ASKED: P.GONE,
    },
    P.POSTPONED: {T.RELAUNCHED: P.LAUNCHING, T.END_ASKED: P.GONE},
    P.STARTING: {
        **_MAY_RUN,
        T.RUN_DOUBTED: P.DOUBTED,
        T.REPORTED_ACTIVE: P.RUNNING,
        T.RUN_REFUSED: P.BREAKING,
        T.START_LATE: P.BREAKING,
    },
    P.DOUBTED: {**_MAY_RUN, T.REPORTED_ACTIVE: P.RUNNING, T.NAME_CLEARED: P.CONFIGURED},
    P.RUNNING: {**_MAY_RUN, T.RECALLED: P.RECALLED, T.GIVEN_UP: P.GIVING_UP},
    P.RECALLED: {**_MAY_RUN, T.STOP_LATE: P.GIVING_UP},
    P.STOPPING: {
        **_REPORTED_FINAL,
        T.PROCESS_GONE: P.LOST_STOPPING,
        T.STOP_ASKED: P.STOPPING,
        T.STOP_LATE: P.KILLING,
        T.END_ASKED: P.KILLING,
    },
    P.KILLING: {
        **_REPORTED_FINAL,
        T.PROCESS_GONE: P.GONE,
        T.STOP_ASKED: P.KILLING,
        T.END_ASKED: P.KILLING,
    },
    P.BREAKING: _ENDED_AS_FAILED,
    P.GIVING_UP: _ENDED_AS_FAILED,
    P.LOST_RUNNING: {
        T.REPORTED_ENDED_WELL: P.GONE,
        T.REPORTED_FAILED: P.FAILED_GONE,
        T.REPORTED_CONFIGURE_FAILED: P.FAILED_GONE,
        T.REPORTS_LATE: P.FAILED_GONE,
        T.STOP_ASKED: P.GONE,
        T.END_ASKED: P.GONE,
    },
    P.LOST_STOPPING: {
        T.REPORTED_ENDED_WELL: P.GONE,
        T.REPORTED_FAILED: P.GONE,
        T.REPORTED_CONFIGURE_FAILED: P.GONE,
        T.REPORTS_LATE: P.GONE,
        T.STOP_ASKED: P.LOST_STOPPING,
        T.END_ASKED: P.GONE,
    },
    P.FAILED: {
        T.PROCESS_GONE: P.FAILED_GONE,
        T.RELEASED: P.LEAVING,
        T.STOP_ASKED: P.LEAVING,
        T.END_ASKED: P.LEAVING,
    },
    P.FAILED_GONE: {
        T.RELEASED: P.GONE,
        T.STOP_ASKED: P.GONE,
        T.END_ASKED: P.GONE,
    },
    P.LEAVING: {T.PROCESS_GONE: P.GONE},
    P.GONE: {},
}

#: (phase, trigger) -> next phase. What is missing is illegal.
TRANSITIONS: dict[tuple[Phase, Trigger], Phase] = {
    (phase, trigger): after for phase, row in _ROWS.items() for trigger, after in row.items()
}

_CURRENT = {
    P.STARTING,
    P.DOUBTED,
    P.RUNNING,
    P.RECALLED,
    P.STOPPING,
    P.KILLING,
    P.BREAKING,
    P.GIVING_UP,
    P.LOST_RUNNING,
    P.LOST_STOPPING,
    P.FAILED,
    P.FAILED_GONE,
}
_HISTORY = {P.LEAVING, P.GONE}

#: A script in one of these has failed and keeps its place.
FAILED_PHASES = frozenset({P.FAILED, P.FAILED_GONE})

#: A script in one of these holds its resources. One whose process has gone
#: because it was told to stop does not, though its last words are waited for.
HOLDING_PHASES = frozenset({P.ENTERING} | _CURRENT - {P.LOST_STOPPING})

#: A script in one of these has a place in its slot.
PLACED_PHASES = frozenset({P.ENTERING} | _CURRENT)

#: A script in one of these is on its way from launch to configured, which takes processor time.
LOADING_PHASES = frozenset({P.LAUNCHING, P.LOADING, P.CONFIGURING})

#: A script in one of these may start when its slot runs.
READY_PHASES = frozenset({P.CONFIGURED, P.NAMING, P.NAMED, P.UNNAMING})

#: Phase -> the list its script is in.
PLACE: dict[Phase, Place] = {
    phase: Place.CURRENT if phase in _CURRENT else Place.HISTORY if phase in _HISTORY else Place.WAITING
    for phase in Phase
}

#: Phase -> process state written on entering it. A phase that is not here
#: leaves the process state as it was, until the script's ending decides it.
#: (DONE is told only when the process has gone.)
PROCESS_STATE: dict[Phase, ProcessState] = {
    P.LAUNCHING: ProcessState.LOADING,
    P.LOADING: ProcessState.LOADING,
    P.POSTPONED: ProcessState.LOADING,
    P.SETTLING: ProcessState.CONFIGURED,
    P.CONFIGURED: ProcessState.CONFIGURED,
    P.STARTING: ProcessState.RUNNING,
    P.FAILED: ProcessState.DONE,
    P.FAILED_GONE: ProcessState.DONE,
}

#: Phase -> the time limit that runs in it.
TIMER: dict[Phase, Timer] = {
    P.LOADING: Timer.LOAD,
    P.CONFIGURING: Timer.CONFIGURE,
    P.SETTLING: Timer.SETTLE,
    P.NAMING: Timer.NAME,
    P.UNNAMING: Timer.NAME,
    P.ENTERING: Timer.NAME,
    P.STRAYING: Timer.STOP,
    P.LOST_WAITING: Timer.REPORTS,
    P.LOST_AWAY: Timer.REPORTS,
    P.DOUBTED: Timer.NAME,
    P.STARTING: Timer.START,
    P.RECALLED: Timer.STOP,
    P.STOPPING: Timer.STOP,
    P.BREAKING: Timer.REPORTS,
    P.LOST_RUNNING: Timer.REPORTS,
    P.LOST_STOPPING: Timer.REPORTS,
    P.FAILED: Timer.EXIT,
    P.LEAVING: Timer.EXIT,
}
