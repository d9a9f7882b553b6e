# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""How scripts end that were never told to run."""

from __future__ import annotations

from lsst.ts.scriptqueue.core.phases import Phase
from lsst.ts.scriptqueue.core.states import ScriptState

from .endings import Row, exits, expires, launch_fails, refuses, reports, starts, stopped

__all__ = ["ROWS"]

S = ScriptState
P = Phase
ROWS = [
    Row(
        "cannot be started",
        P.LAUNCHING,
        (launch_fails,),
        ("UNKNOWN", "LOADFAILED"),
        "cannot be executed: Exec format error",
    ),
    Row(
        "stopped before its process was started",
        P.LAUNCHING,
        (stopped(), starts, exits(signal=15)),
        ("UNKNOWN", "TERMINATED"),
        "stopped on request",
    ),
    Row(
        "stopped before its process could not be started",
        P.LAUNCHING,
        (stopped(), launch_fails),
        ("UNKNOWN", "TERMINATED"),
        "stopped on request; cannot be executed: Exec format error",
    ),
    Row(
        "ends while loading",
        P.LOADING,
        (exits(1, output_tail="ImportError"), expires),
        ("UNKNOWN", "LOADFAILED"),
        "its process ended by itself with exit code 1; it printed last: ImportError",
    ),
    Row(
        "does not load in time: what it printed last is part of the reason",
        P.LOADING,
        (expires, exits(signal=15, output_tail="waiting for a lock")),
        ("UNKNOWN", "LOADFAILED"),
        "not loaded within 300 s; it printed last: waiting for a lock",
    ),
    Row(
        "reports that it does not know its state: that is no state",
        P.LOADING,
        (reports(S.UNKNOWN), expires, exits(signal=15)),
        ("UNKNOWN", "LOADFAILED"),
        "not loaded within 300 s",
    ),
    Row(
        "cannot be configured",
        P.CONFIGURING,
        (reports(S.CONFIGURE_FAILED, reason="az: 400 is more than 360"), exits(1)),
        ("CONFIGURE_FAILED", "CONFIGURE_FAILED"),
        "az: 400 is more than 360",
    ),
    Row(
        "refuses to be configured before it reports that it could not",
        P.CONFIGURING,
        (refuses("Failed"), reports(S.CONFIGURE_FAILED, reason="az: 400"), exits(1)),
        ("CONFIGURE_FAILED", "CONFIGURE_FAILED"),
        "az: 400",
    ),
    Row(
        "refuses to be configured and says no more",
        P.CONFIGURING,
        (refuses("Failed: no such component"), expires, exits(signal=15)),
        ("UNCONFIGURED", "CONFIGURE_FAILED"),
        "refused to be configured: Failed: no such component",
    ),
    Row(
        "does not configure in time",
        P.CONFIGURING,
        (expires, exits(signal=15)),
        ("UNCONFIGURED", "CONFIGURE_FAILED"),
        "not configured within 60 s",
    ),
    Row(
        "ends while configuring: its last word is heard",
        P.CONFIGURING,
        (exits(1), reports(S.CONFIGURE_FAILED, reason="az: 400")),
        ("CONFIGURE_FAILED", "CONFIGURE_FAILED"),
        "az: 400",
    ),
    Row(
        "ends while it waits, configured: failed, but nothing pauses",
        P.CONFIGURED,
        (exits(signal=9), expires),
        ("FAILED", "DONE"),
        "its process ended by itself with signal 9",
    ),
    Row(
        "ends while next in line: failed, but nothing pauses",
        P.NAMED,
        (exits(signal=11), expires),
        ("FAILED", "DONE"),
        "its process ended by itself with signal 11",
    ),
    Row(
        "stopped while it waits",
        P.CONFIGURED,
        (stopped(), exits(signal=15)),
        ("CONFIGURED", "TERMINATED"),
        "stopped on request",
    ),
    Row(
        "stopped while next in line",
        P.NAMED,
        (stopped(), exits(signal=15)),
        ("CONFIGURED", "TERMINATED"),
        "stopped on request",
    ),
    Row(
        "would not take its group id, twice",
        P.NAMING,
        (refuses(), refuses("still no"), exits(signal=15)),
        ("CONFIGURED", "TERMINATED"),
        "would not take or give back a group id twice: still no",
    ),
    Row(
        "does not answer when given a group id, twice",
        P.NAMING,
        (expires, expires, exits(signal=15)),
        ("CONFIGURED", "TERMINATED"),
        "would not take or give back a group id twice: no answer within 10 s",
    ),
    Row(
        "does not give its group id back, twice",
        P.UNNAMING,
        (refuses(), expires, exits(signal=15)),
        ("CONFIGURED", "TERMINATED"),
        "would not take or give back a group id twice: no answer within 10 s",
    ),
    Row(
        "runs without having been told to: stopped",
        P.CONFIGURED,
        (reports(S.RUNNING, reason="hello"), reports(S.STOPPING, S.STOPPED), exits(0)),
        ("STOPPED", "DONE"),
        "it ran without having been told to",
    ),
    Row(
        "runs without having been told to, and does not stop: killed",
        P.SETTLING,
        (reports(S.RUNNING), expires, exits(signal=9)),
        ("RUNNING", "TERMINATED"),
        "it ran without having been told to; no final state within 60 s of the stop command",
    ),
    Row(
        "runs without having been told to, and is told to stop by a client, too",
        P.STRAYING,
        (stopped(), reports(S.STOPPED), exits(0)),
        ("STOPPED", "DONE"),
        "it ran without having been told to; stopped on request",
    ),
    Row(
        "what it says on its way is no reason for its end",
        P.RUNNING,
        (reports(S.RUNNING, reason="at checkpoint 2"), reports(S.STOPPED), exits(0)),
        ("STOPPED", "DONE"),
        "",
    ),
]
