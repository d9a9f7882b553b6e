# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A component as others have them: not indexed, and with telemetry."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lsst.ts.scriptqueue.resources import schema_path
from lsst.ts.scriptqueue.sal import Controller, Remote, definitions
from lsst.ts.scriptqueue.sal.definitions import component

from .world import SOON_S, World, settled

MOUNT = {
    "name": "Mount",
    "indexed": False,
    "generics": ["mandatory", "setLogLevel"],
    "commands": {
        "slew": {
            "description": "Slew.",
            "fields": [{"name": "az", "type": "double", "units": "degree", "description": "Azimuth"}],
        }
    },
    "telemetry": {
        "position": {
            "description": "Where it is.",
            "fields": [{"name": "az", "type": "double", "units": "degree", "description": "Azimuth"}],
        }
    },
}


@pytest.fixture(autouse=True)
def mount(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Define the component Mount, for one test."""
    (tmp_path / "Mount.json").write_text(json.dumps(MOUNT))
    (tmp_path / "generics.json").write_text(schema_path("sal", "generics.json").read_text())
    with monkeypatch.context() as patch:
        patch.setattr(definitions, "schema_path", lambda *parts: tmp_path.joinpath(*parts[1:]))
        component.cache_clear()
        yield
    component.cache_clear()


class Mount(Controller):
    def __init__(self, world: World) -> None:
        super().__init__(world.domain(), "Mount", 0)

    async def do_slew(self, data: Any) -> str:
        await self.tel_position.set_write(az=data.az)
        return f"at {data.az}"


async def test_component_without_index_is_commanded(world: World) -> None:
    async with Mount(world) as mount, Remote(world.domain(), "Mount") as remote:
        ack = await remote.cmd_slew.set_start(az=10.5, timeout=SOON_S)
        assert ack.result == "at 10.5"
        assert ack.private_identity == mount.title == "Mount"
        assert not hasattr(ack, "salIndex")


async def test_telemetry_is_written_each_time_and_has_no_history(world: World) -> None:
    async with Mount(world) as mount:
        assert (await mount.tel_position.set_write(az=1)).was_written
        async with Remote(world.domain(), "Mount", include=["position"]) as remote:
            assert not remote.tel_position.has_data
            assert (await mount.tel_position.set_write(az=1)).was_written
            assert not (await mount.tel_position.set_write(az=1, force_output=False)).was_written
            await settled()
            assert remote.tel_position.nqueued == 1
            assert remote.tel_position.get().az == 1.0
