# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The broker is away while the queue is started again: the queue waits for it, and takes over the night."""

from __future__ import annotations

import asyncio
import pathlib

import pytest

from lsst.ts.scriptqueue.sal import ScriptState

from ..observer import PATIENCE_S
from ..own_broker import OwnBroker
from .interrupted import SCRIPT, a_night, kill
from .night import is_alive, write_script
from .service import Service, a_service, scripts_in

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]


@pytest.fixture(autouse=True)
def script(apart: None, tmp_path: pathlib.Path) -> None:
    """The script of these tests."""
    write_script(tmp_path / "standard" / "waits.py", SCRIPT)


@pytest.fixture
def broker(own_broker: OwnBroker, monkeypatch: pytest.MonkeyPatch) -> OwnBroker:
    """The broker that all of a test use, and that goes away."""
    for name, value in own_broker.environment.items():
        monkeypatch.setenv(name, value)
    return own_broker


async def waits(service: Service) -> None:
    """Wait until a service says that it waits for its broker."""
    assert service.process.stderr is not None
    async with asyncio.timeout(PATIENCE_S):
        while b"no Kafka broker answers" not in (line := await service.process.stderr.readline()):
            assert line, "the service has ended"


@pytest.mark.parametrize(
    "how",
    ["pause", pytest.param("away", marks=pytest.mark.long), pytest.param("crash", marks=pytest.mark.long)],
)
async def test_the_queue_waits_for_the_broker_and_nothing_is_lost(
    tmp_path: pathlib.Path, broker: OwnBroker, how: str
) -> None:
    async with a_night(tmp_path) as night:
        async with a_service(tmp_path, "--state", "enabled") as first:
            await first.line()
            await night.begin("waiting")
            await night.state("waiting", ScriptState.CONFIGURED)
            await kill(first)
        scripts = scripts_in(tmp_path / "state")
        await broker.go(how)
        async with a_service(tmp_path) as second:
            await waits(second)
            assert all(is_alive(script.pid) for script in scripts)
            await broker.come_back()
            assert await second.line() == "ScriptQueue:1 is STANDBY"
            await night.shows(False, "running", ["waiting"], ["ended"])
            await night.go_on()
            for name in ("running", "waiting"):
                await night.run_to_the_end(name)
            await night.add("new")
            assert night.indices["new"] == night.indices["waiting"] + 1
            second.process.terminate()
            status, errors = await second.end()
        assert (status, "Traceback" in errors) == (0, False), errors
    assert [night.ran(name) for name in ("ended", "running", "waiting")] == [1, 1, 1]
