# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Heartbeats: regular, and not silenced by a failure."""

from __future__ import annotations

import pytest

from lsst.ts.scriptqueue.bus import BusError
from lsst.ts.scriptqueue.sal import Controller, Remote

from .world import INDEX, World, settled


async def test_heartbeats_come_at_regular_intervals(world: World) -> None:
    class Alive(Controller):
        heartbeat_interval = 5.0

    async with Remote(world.domain(), "Script", INDEX) as remote, Alive(world.domain(), "Script", INDEX):
        stamps = []
        for _ in range(4):
            stamps.append((await remote.evt_heartbeat.next(flush=False, timeout=6)).private_sndStamp)
    assert [round(stamp - stamps[0], 3) for stamp in stamps] == [0.0, 5.0, 10.0, 15.0]


async def test_heartbeat_that_cannot_be_written_is_told_once_and_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Alive(Controller):
        heartbeat_interval = 1.0

    async def refuse(*_: object) -> None:
        raise BusError("not now")

    async with (
        Alive(world.domain(), "Script", INDEX) as script,
        Remote(world.domain(), "Script", INDEX) as remote,
    ):
        await settled()
        with monkeypatch.context() as patch:
            patch.setattr(script, "send", refuse)
            with pytest.raises(TimeoutError):
                await remote.evt_heartbeat.next(flush=True, timeout=3.5)
        await remote.evt_heartbeat.next(flush=True, timeout=1.5)
    assert [r.getMessage() for r in caplog.records if "heartbeat" in r.getMessage()] == [
        "the heartbeat cannot be written: not now"
    ]
