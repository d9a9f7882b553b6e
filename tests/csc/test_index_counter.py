# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Indices go on after a restart."""

from __future__ import annotations

import logging
import pathlib

import pytest

from lsst.ts.scriptqueue.core import QueueModel
from lsst.ts.scriptqueue.core.commands import AddScript
from lsst.ts.scriptqueue.core.effects import LaunchProcess
from lsst.ts.scriptqueue.core.events import CommandGiven
from lsst.ts.scriptqueue.csc.index_counter import IndexCounter

LOG = logging.getLogger("test")


@pytest.mark.parametrize(
    ("noted", "last"),
    [
        pytest.param((100_000, 100_001), 100_001, id="the last one"),
        pytest.param((100_000, 100_003, 100_001), 100_003, id="a later member of a block is lower"),
        pytest.param((199_999, 100_000), 100_000, id="after a wrap"),
        pytest.param((), 0, id="none"),
    ],
)
async def test_the_last_index_is_remembered(
    tmp_path: pathlib.Path, noted: tuple[int, ...], last: int
) -> None:
    counter = IndexCounter(tmp_path / "last_index", LOG)
    for index in noted:
        await counter.note(index)
    assert IndexCounter(tmp_path / "last_index", LOG).last == last


async def test_a_file_that_cannot_be_used_is_named(
    tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "last_index").write_text("many")
    assert IndexCounter(tmp_path / "last_index", LOG).last == 0
    await IndexCounter(tmp_path / "absent" / "last_index", LOG).note(100_000)
    assert caplog.text.count("start over") == 2


@pytest.mark.parametrize(
    ("last", "first"),
    [
        pytest.param(0, 100_000, id="nothing before"),
        pytest.param(100_041, 100_042, id="goes on"),
        pytest.param(199_999, 100_000, id="wraps"),
        pytest.param(200_001, 100_000, id="of another queue"),
    ],
)
def test_a_queue_goes_on_after_it(last: int, first: int) -> None:
    effects = QueueModel(1, last_index=last).handle(CommandGiven(1.0, 1, AddScript(True, "a.py")))
    [launch] = [effect for effect in effects if isinstance(effect, LaunchProcess)]
    assert launch.index == first
