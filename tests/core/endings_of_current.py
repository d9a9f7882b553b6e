# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""How scripts end that were told to run."""

from __future__ import annotations

from lsst.ts.scriptqueue.core.phases import Phase
from lsst.ts.scriptqueue.core.states import ScriptState

from .endings import Row, exits, expires, refuses, reports, stopped

__all__ = ["ROWS"]

S = ScriptState
P = Phase
ROWS = [
    # Running scripts.
    Row("done", P.RUNNING, (reports(S.ENDING, S.DONE), exits(0)), ("DONE", "DONE")),
    Row("done, then a crash at exit: it was done", P.RUNNING, (reports(S.DONE), exits(1)), ("DONE", "DONE")),
    Row(
        "stopped by somebody else",
        P.RUNNING,
        (reports(S.STOPPING, S.STOPPED, reason="by hand"), exits(0)),
        ("STOPPED", "DONE"),
        "by hand",
    ),
    Row(
        "failed: stays, with what it said",
        P.RUNNING,
        (reports(S.FAILING, S.FAILED, reason="no star"), exits(1)),
        ("FAILED", "DONE"),
        "no star",
        stays=True,
    ),
    Row(
        "failed: what it printed last is part of the reason",
        P.RUNNING,
        (reports(S.FAILED, reason="no star"), exits(1, output_tail="Traceback")),
        ("FAILED", "DONE"),
        "no star; it printed last: Traceback",
        stays=True,
    ),
    Row(
        "killed by a signal that nobody here sent: failed",
        P.RUNNING,
        (exits(signal=9), expires),
        ("FAILED", "DONE"),
        "its process ended by itself with signal 9",
        stays=True,
    ),
    Row(
        "terminated by a signal that nobody here sent: failed",
        P.RUNNING,
        (exits(signal=15), expires),
        ("FAILED", "DONE"),
        "its process ended by itself with signal 15",
        stays=True,
    ),
    Row(
        "exits with code 0 but no final state: failed",
        P.RUNNING,
        (exits(0), expires),
        ("FAILED", "DONE"),
        "its process ended by itself with exit code 0",
        stays=True,
    ),
    Row(
        "exits while cleaning up: failed",
        P.RUNNING,
        (reports(S.ENDING), exits(1, output_tail="bus error"), expires),
        ("FAILED", "DONE"),
        "its process ended by itself with exit code 1; it printed last: bus error",
        stays=True,
    ),
    Row(
        "its exit overtakes its last word: done",
        P.RUNNING,
        (exits(0), reports(S.ENDING, S.DONE)),
        ("DONE", "DONE"),
    ),
    Row(
        "its exit overtakes its last word: failed, and its own reason is told",
        P.RUNNING,
        (exits(1, output_tail="Traceback"), reports(S.FAILED, reason="no star")),
        ("FAILED", "DONE"),
        "no star; it printed last: Traceback",
        stays=True,
    ),
    Row(
        "its last word comes too late: it stays failed",
        P.RUNNING,
        (exits(0), expires, reports(S.DONE)),
        ("FAILED", "DONE"),
        "its process ended by itself with exit code 0",
        stays=True,
    ),
    Row(
        "a final state nobody expects of a running script still ends it",
        P.RUNNING,
        (reports(S.CONFIGURE_FAILED, reason="odd"), exits(1)),
        ("CONFIGURE_FAILED", "DONE"),
        "odd",
        stays=True,
    ),
    # Scripts told to run.
    Row(
        "refuses to run: failed",
        P.STARTING,
        (refuses("Cannot run"), expires, exits(signal=15)),
        ("FAILED", "DONE"),
        "refused to run: Cannot run",
        stays=True,
    ),
    Row(
        "says nothing after run: failed",
        P.STARTING,
        (expires, expires, exits(signal=9)),
        ("FAILED", "DONE"),
        "did not report RUNNING within 60 s",
        stays=True,
    ),
    Row(
        "the refusal of run overtakes the failure that it tells of",
        P.STARTING,
        (refuses("Failed: no star"), reports(S.RUNNING, S.FAILING, S.FAILED, reason="no star"), exits(1)),
        ("FAILED", "DONE"),
        "no star",
        stays=True,
    ),
    Row(
        "does not start to run, stopped: ended on request",
        P.BREAKING,
        (stopped(), exits(signal=15)),
        ("CONFIGURED", "TERMINATED"),
        "refused to run: Cannot run: state=UNCONFIGURED instead of CONFIGURED; stopped on request",
    ),
    Row(
        "ended at once when its last word is on the way",
        P.RUNNING,
        (stopped(terminate=True), exits(signal=15), reports(S.STOPPED)),
        ("STOPPED", "DONE"),
        "stopped on request",
    ),
    Row(
        "reports that it does not know its state, and exits: failed",
        P.RUNNING,
        (reports(S.UNKNOWN), exits(1), expires),
        ("FAILED", "DONE"),
        "its process ended by itself with exit code 1",
        stays=True,
    ),
    Row(
        "what it says on its way is no reason for its end",
        P.STARTING,
        (
            reports(S.RUNNING, reason="off we go"),
            reports(S.RUNNING, reason="at 2"),
            reports(S.STOPPED),
            exits(),
        ),
        ("STOPPED", "DONE"),
    ),
    Row(
        "is done before RUNNING was heard",
        P.STARTING,
        (reports(S.DONE), exits(0)),
        ("DONE", "DONE"),
    ),
    # Stopped while running.
    Row(
        "stopped gently: ended well",
        P.RUNNING,
        (stopped(), reports(S.STOPPING, S.STOPPED), exits(0)),
        ("STOPPED", "DONE"),
        "stopped on request",
    ),
    Row(
        "stopped while paused at a checkpoint: gently, too",
        P.RUNNING,
        (reports(S.PAUSED), stopped(), reports(S.STOPPING, S.STOPPED), exits(0)),
        ("STOPPED", "DONE"),
        "stopped on request",
    ),
    Row(
        "stopped as soon as it was told to run",
        P.STARTING,
        (stopped(), reports(S.RUNNING, S.STOPPING, S.STOPPED), exits(0)),
        ("STOPPED", "DONE"),
        "stopped on request",
    ),
    Row(
        "stopped, fails in its cleanup: nothing pauses",
        P.RUNNING,
        (stopped(), reports(S.FAILING, S.FAILED, reason="door stuck"), exits(1)),
        ("FAILED", "DONE"),
        "door stuck",
    ),
    Row(
        "stopped, is done first: that is what it says",
        P.RUNNING,
        (stopped(), reports(S.ENDING, S.DONE), exits(0)),
        ("DONE", "DONE"),
    ),
    Row(
        "stopped, exits without a word: ended on request",
        P.RUNNING,
        (stopped(), exits(1), expires),
        ("RUNNING", "TERMINATED"),
        "stopped on request",
    ),
    Row(
        "stopped, exits, and its last word is late",
        P.RUNNING,
        (stopped(), exits(0), reports(S.STOPPING, S.STOPPED)),
        ("STOPPED", "DONE"),
        "stopped on request",
    ),
    Row(
        "does not stop in time: killed",
        P.RUNNING,
        (stopped(), reports(S.STOPPING), expires, exits(signal=9)),
        ("STOPPING", "TERMINATED"),
        "stopped on request; no final state within 60 s of the stop command",
    ),
    Row(
        "ended at once",
        P.RUNNING,
        (stopped(terminate=True), exits(signal=15)),
        ("RUNNING", "TERMINATED"),
        "stopped on request",
    ),
    Row(
        "stopped gently, then ended at once",
        P.RUNNING,
        (stopped(), stopped(terminate=True), exits(signal=15)),
        ("RUNNING", "TERMINATED"),
        "stopped on request",
    ),
    Row(
        "its process had ended unasked when it was stopped",
        P.LOST_RUNNING,
        (stopped(),),
        ("FAILED", "DONE"),
        "its process ended by itself with signal 9; stopped on request",
    ),
    Row(
        "stopped when it had failed: to the history",
        P.FAILED,
        (stopped(), exits(1)),
        ("FAILED", "DONE"),
        "no star found; stopped on request",
    ),
    Row(
        "stopped when it had failed and gone: to the history",
        P.FAILED_GONE,
        (stopped(terminate=True),),
        ("FAILED", "DONE"),
        "no star found; stopped on request",
    ),
]
