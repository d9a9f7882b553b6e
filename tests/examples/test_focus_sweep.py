# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A script author's tests: no middleware, no process, and no waiting."""

import pytest
from focus_sweep import FocusSweep

from lsst.ts.scriptqueue.sal import AckError, ScriptState
from lsst.ts.scriptqueue.testing import script_case

pytestmark = pytest.mark.virtual_time


async def test_images_are_taken_around_the_center() -> None:
    async with script_case(FocusSweep) as case:
        await case.configure("center: 1.5\nimages: 3")
        assert case.metadata.duration == 45
        assert await case.run() is ScriptState.DONE
        assert case.checkpoints == ["image 1 of 3", "image 2 of 3", "image 3 of 3"]
        assert "Exposing at 1.40 mm" in case.log[0]
        assert case.script.focus == 1.5


async def test_an_even_number_of_images_is_refused() -> None:
    async with script_case(FocusSweep) as case:
        with pytest.raises(AckError, match="must be odd"):
            await case.configure({"center": 1.5, "images": 4})
        assert case.state is ScriptState.CONFIGURE_FAILED


async def test_a_script_that_is_stopped_goes_back_to_the_center() -> None:
    async with script_case(FocusSweep) as case:
        await case.configure({"center": 1.5}, pauseCheckpoint="image 2 .*")
        await case.start_run()
        await case.wait_for(ScriptState.PAUSED)
        assert await case.stop() is ScriptState.STOPPED
        assert case.script.focus == 1.5
