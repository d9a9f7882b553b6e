# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of a script, as its client sees it."""

from __future__ import annotations

import pytest

from lsst.ts.scriptqueue.sal import ScriptState
from lsst.ts.scriptqueue.testing import script_case

from .subject import Subject

pytestmark = pytest.mark.virtual_time

S = ScriptState


async def test_a_script_that_does_well() -> None:
    async with script_case(Subject) as case:
        assert case.description.classname == "Subject"
        await case.configure("step_s: 100", blockId="BL123_O_20231205_000007", executionId="x")
        assert (case.metadata.duration, case.metadata.totalCheckpoints) == (200, 2)
        began = case.clock.tai()
        assert await case.run("group") is S.DONE
        assert case.clock.tai() - began == pytest.approx(200, abs=1e-6)
        assert case.states == [S.UNCONFIGURED, S.CONFIGURED, S.RUNNING, S.ENDING, S.DONE]
        assert case.checkpoints == ["start", "end"]
        assert case.script.calls == ["configure", "run", "cleanup"]
        state = case.script.state
        assert (state.groupId, state.blockId, state.executionId) == ("group", "BL123_O_20231205_000007", "x")
        assert (state.dayObs, state.blockExecution) == (20231205, 7)
        assert case.script.exit_code == 0
