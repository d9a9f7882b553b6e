# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a script has come far enough, by table."""

from __future__ import annotations

import pytest

from lsst.ts.scriptqueue.cli.commanding.goals import Verdict, verdict
from lsst.ts.scriptqueue.cli.commanding.kinds import Goal
from lsst.ts.scriptqueue.sal.enums import ScriptProcessState as P
from lsst.ts.scriptqueue.sal.enums import ScriptState as S

YES, NO, WAIT = Verdict.REACHED, Verdict.MISSED, Verdict.NOT_YET

ROWS = [
    # script, process, configured, running, done
    (S.UNKNOWN, P.LOADING, WAIT, WAIT, WAIT),
    (S.UNCONFIGURED, P.LOADING, WAIT, WAIT, WAIT),
    (S.CONFIGURED, P.CONFIGURED, YES, WAIT, WAIT),
    (S.RUNNING, P.RUNNING, YES, YES, WAIT),
    (S.PAUSED, P.RUNNING, YES, YES, WAIT),
    (S.ENDING, P.RUNNING, YES, YES, WAIT),
    (S.STOPPING, P.RUNNING, WAIT, WAIT, WAIT),
    (S.FAILING, P.RUNNING, WAIT, WAIT, WAIT),
    (S.DONE, P.RUNNING, YES, YES, YES),
    (S.DONE, P.DONE, YES, YES, YES),
    (S.STOPPED, P.DONE, NO, NO, NO),
    (S.FAILED, P.DONE, NO, NO, NO),
    (S.CONFIGURE_FAILED, P.CONFIGURE_FAILED, NO, NO, NO),
    (S.UNKNOWN, P.LOADFAILED, NO, NO, NO),
    (S.UNCONFIGURED, P.TERMINATED, NO, NO, NO),
    (S.CONFIGURED, P.TERMINATED, NO, NO, NO),
    (S.RUNNING, P.TERMINATED, NO, NO, NO),
]


@pytest.mark.parametrize(
    ("script_state", "process_state", "configured", "running", "done"),
    ROWS,
    ids=[f"{row[0].name}, process {row[1].name}" for row in ROWS],
)
def test_verdicts(
    script_state: S, process_state: P, configured: Verdict, running: Verdict, done: Verdict
) -> None:
    assert verdict(Goal.CONFIGURED, script_state, process_state) is configured
    assert verdict(Goal.RUNNING, script_state, process_state) is running
    assert verdict(Goal.DONE, script_state, process_state) is done
