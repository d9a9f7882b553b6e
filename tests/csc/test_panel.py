# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A panel that knows of no slots shows every script all its life, and loses those that are kept from it."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest

from lsst.ts.scriptqueue.configuration import ConfigurationFolder
from lsst.ts.scriptqueue.sal import Remote, ScriptState

from .stage import Buses, Stage, a_stage

CONFIGURATION = """
legacy_queue: {legacy}
slots:
  - name: main
  - name: calibration
  - {{name: utility, capacity: 2, order: eager, on_failure: continue}}
"""

#: How many of the history a panel keeps.
REMEMBERED = 10

pytestmark = pytest.mark.virtual_time


class Panel:
    """Takes no notice of a script that it does not find in ``queue``.

    Attributes
    ----------
    told, shown
        All that was told of each script, and of that all that was shown: the states of script and process.
    """

    def __init__(self, queue: Remote) -> None:
        self.told: dict[int, list[tuple[int, int]]] = {}
        self.shown: dict[int, list[tuple[int, int]]] = {}
        self._listed: set[int] = set()
        queue.events["queue"].callback = self._listed_anew
        queue.events["script"].callback = self._script_told

    def _listed_anew(self, data: Any) -> None:
        past = data.pastSalIndices[: min(data.pastLength, REMEMBERED)]
        self._listed = {data.currentSalIndex, *data.salIndices[: data.length], *past} - {0}

    def _script_told(self, data: Any) -> None:
        words = (data.scriptState, data.processState)
        self.told.setdefault(data.scriptSalIndex, []).append(words)
        if data.scriptSalIndex in self._listed:
            self.shown.setdefault(data.scriptSalIndex, []).append(words)

    def has_shown_running(self, index: int) -> bool:
        return ScriptState.RUNNING in {state for state, _ in self.shown.get(index, [])}


async def beside(stage: Stage) -> list[int]:
    """Run scripts beside main, to their ends."""
    indices = [await stage.add("checkpoints.py", slot="calibration", resources="none") for _ in range(2)]
    for path in ("quick.py", "checkpoints.py", "fails.py"):
        indices.append(await stage.add(path, slot="utility", resources="none"))
    for index in indices:
        await stage.gone(index)
    return indices


@pytest.mark.parametrize(("legacy", "loses"), [("yielding", False), ("combined", False), ("main_only", True)])
async def test_a_panel_is_told_what_its_configuration_says(
    buses: Buses, tmp_path: pathlib.Path, legacy: str, *, loses: bool
) -> None:
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "_init.yaml").write_text(CONFIGURATION.format(legacy=legacy))
    async with a_stage(buses, tmp_path, configurations=ConfigurationFolder(folder)) as stage:
        async with Remote(stage.queue.domain, "ScriptQueue", 1) as queue:
            panel = Panel(queue)
            others = await beside(stage)
            in_main = await stage.add("until_stopped.py", resources="MTMount")
            await stage.current(in_main)
            others += await beside(stage)
            await stage.stop([in_main])
            await stage.gone(in_main)
            await stage.until("the same told", lambda: panel.told.keys() == stage.shown.keys())
    assert panel.shown[in_main] == panel.told[in_main]
    assert [panel.has_shown_running(index) for index in others] == [not loses] * len(others)
    assert [panel.shown.get(index) == panel.told[index] for index in others] == [not loses] * len(others)
