# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service that is killed, or stopped for an upgrade, and started again: nothing is lost or run twice."""

from __future__ import annotations

import asyncio
import json
import pathlib
import sys

import psutil
import pytest

from lsst.ts.scriptqueue.bus import BusError
from lsst.ts.scriptqueue.csc.assembly import QueueOptions, script_queue
from lsst.ts.scriptqueue.runtime import Runtime
from lsst.ts.scriptqueue.sal import ScriptState

from ..observer import PATIENCE_S
from .interrupted import SCRIPT, a_night, kill
from .night import is_alive, write_script
from .service import a_service, keeper_of, on_each_bus, scripts_in

pytestmark = [pytest.mark.system, pytest.mark.timeout(150)]


@pytest.fixture(autouse=True)
def script(apart: None, tmp_path: pathlib.Path) -> None:
    """The script of these tests."""
    write_script(tmp_path / "standard" / "waits.py", SCRIPT)


@on_each_bus
async def test_after_kill_9_the_night_is_there_and_goes_on(tmp_path: pathlib.Path) -> None:
    state = tmp_path / "state"
    async with a_night(tmp_path) as night:
        async with a_service(tmp_path, "--state", "enabled") as first:
            await first.line()
            await night.begin("goes_on", "dies_meanwhile", "last")
            await night.state("dies_meanwhile", ScriptState.CONFIGURED)
            await night.state("last", ScriptState.CONFIGURED)
            await kill(first)
        scripts = {int(process.cmdline()[2]): process for process in scripts_in(state)}
        assert len(scripts) == 4
        scripts[night.indices["dies_meanwhile"]].kill()
        psutil.wait_procs([scripts[night.indices["dies_meanwhile"]]], PATIENCE_S)
        async with a_service(tmp_path) as second:
            assert await second.line() == "ScriptQueue:1 is STANDBY"
            waiting = ["goes_on", "dies_meanwhile", "last"]
            await night.shows(False, "running", waiting, ["ended"])
            await night.go_on()
            for name in ("running", *waiting):
                await night.run_to_the_end(name)
            assert [night.ran(name) for name in night.indices] == [1, 1, 1, 1, 1]
            await night.add("new")
            assert night.indices["new"] == night.indices["last"] + 1
            second.process.terminate()
            status, errors = await second.end()
        assert (status, "Traceback" in errors) == (0, False), errors
        assert not any(is_alive(process.pid) for process in scripts.values())
        assert keeper_of(state) is None


@pytest.mark.parametrize(("how", "state"), [("", ScriptState.DONE), ("fail", ScriptState.FAILED)])
async def test_what_ends_while_no_queue_is_there_is_known(
    tmp_path: pathlib.Path, how: str, state: ScriptState
) -> None:
    async with a_night(tmp_path) as night:
        async with a_service(tmp_path, "--state", "enabled") as first:
            await first.line()
            await night.add("script")
            await night.state("script", ScriptState.RUNNING)
            scripts = scripts_in(tmp_path / "state")
            await kill(first)
        night.let_go("script", how)
        psutil.wait_procs(scripts, PATIENCE_S)
        gone_tai = night.queue.domain.clock.tai()
        async with a_service(tmp_path) as second:
            await second.line()
            await night.state("script", state)
            # The keeper has seen it, a moment before or after this test.
            assert (await night.ended("script")).timestampProcessEnd < gone_tai + 1.0
            second.process.terminate()
            await second.end()
    assert night.ran("script") == 1


async def test_queue_and_keeper_killed_the_scripts_are_found_again(tmp_path: pathlib.Path) -> None:
    state = tmp_path / "state"
    async with a_night(tmp_path) as night:
        async with a_service(tmp_path, "--state", "enabled") as first:
            await first.line()
            await night.add("running")
            await night.add("waiting")
            await night.state("running", ScriptState.RUNNING)
            await night.state("waiting", ScriptState.CONFIGURED)
            keeper = keeper_of(state)
            assert keeper is not None
            scripts = scripts_in(state)
            await kill(first)
            keeper.kill()
            keeper.wait(PATIENCE_S)
        async with a_service(tmp_path) as second:
            await second.line()
            await night.shows(False, "running", ["waiting"], [])
            await night.go_on()
            night.let_go("running")
            await night.ended("running")
            await night.state("waiting", ScriptState.RUNNING)
            night.let_go("waiting")
            await night.ended("waiting")
            second.process.terminate()
            await second.end()
    assert [night.ran(name) for name in night.indices] == [1, 1]
    assert not any(is_alive(process.pid) for process in scripts)


async def test_a_service_that_cannot_start_leaves_the_scripts_alone(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_night(tmp_path) as night:
        async with a_service(tmp_path, "--state", "enabled") as first:
            await first.line()
            await night.add("running")
            await night.state("running", ScriptState.RUNNING)
            scripts = scripts_in(tmp_path / "state")
            await kill(first)
        with monkeypatch.context() as patch:
            patch.setenv("LSST_KAFKA_BROKER_ADDR", "127.0.0.1:1")
            patch.setenv("LSST_SCHEMA_REGISTRY_URL", "http://127.0.0.1:1")
            patch.setenv("LSST_KAFKA_START_LIMIT_S", "1")
            async with a_service(tmp_path, "--bus", "kafka") as second:
                status, errors = await second.end()
                assert (status, "Traceback" in errors) == (1, False), errors
        assert all(is_alive(process.pid) for process in scripts)
        async with a_service(tmp_path, "--resume-after-restart", "--state", "enabled") as third:
            await third.line()
            night.let_go("running")
            await night.state("running", ScriptState.DONE)
            third.process.terminate()
            await third.end()
    assert night.ran("running") == 1


async def test_a_start_that_fails_after_the_takeover_leaves_the_scripts_alone(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_: Runtime) -> None:
        raise BusError("the broker does not answer")

    state = tmp_path / "state"
    async with a_night(tmp_path) as night:
        async with a_service(tmp_path, "--state", "enabled") as first:
            await first.line()
            await night.add("running")
            await night.state("running", ScriptState.RUNNING)
            (script,) = scripts_in(state)
            await kill(first)
        with monkeypatch.context() as patch, pytest.raises(BusError):
            patch.setattr(Runtime, "started", fail)
            async with script_queue(QueueOptions(1, state, tmp_path / "standard", tmp_path / "external")):
                pass
        assert is_alive(script.pid)
        async with a_service(tmp_path) as second:
            await second.line()
            await night.shows(False, "running", [], [])


async def test_an_upgrade_leaves_the_scripts_to_the_next_service(tmp_path: pathlib.Path) -> None:
    async with a_night(tmp_path) as night:
        async with a_service(tmp_path, "--state", "enabled") as first:
            await first.line()
            await night.add("running")
            await night.state("running", ScriptState.RUNNING)
            async with a_service(tmp_path, "--stop", "--keep-scripts") as stopping:
                status, errors = await stopping.end()
                assert status == 0, errors
            status, errors = await first.end()
            assert (status, "Traceback" in errors) == (0, False), errors
        async with a_service(tmp_path, "--resume-after-restart", "--state", "enabled") as second:
            await second.line()
            await night.shows(True, "running", [], [])
            night.let_go("running")
            assert (await night.ended("running")).scriptState == ScriptState.DONE
            second.process.terminate()
            await second.end()
    assert night.ran("running") == 1


async def test_the_history_can_be_asked_for(tmp_path: pathlib.Path) -> None:
    async with a_night(tmp_path) as night:
        async with a_service(tmp_path, "--state", "enabled") as service:
            await service.line()
            await night.add("script")
            await night.state("script", ScriptState.RUNNING)
            night.let_go("script", "fail")
            await night.ended("script")
            service.process.terminate()
            await service.end()
    asking = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "lsst.ts.scriptqueue.cli.command_script_queue", "1", "history"),
        *("--state", "failed", "--json", "--state-dir", str(tmp_path / "state")),
        stdout=asyncio.subprocess.PIPE,
    )
    answer, _ = await asking.communicate()
    (told,) = [json.loads(line) for line in answer.decode().splitlines()]
    assert told["salIndex"] == night.indices["script"]
    assert told["addedBy"]
    assert "told to fail" in told["exitReason"]


async def test_a_probe_says_whether_the_service_is_well(tmp_path: pathlib.Path) -> None:
    async with a_service(tmp_path, "--check") as probe:
        status, errors = await probe.end()
        assert (status, "no service runs" in errors) == (1, True), errors
    async with a_service(tmp_path) as service:
        await service.line()
        async with a_service(tmp_path, "--check") as probe:
            assert await probe.line() == f"ScriptQueue:1 is STANDBY, process {service.process.pid}"
            assert (await probe.end())[0] == 0
        service.process.terminate()
        await service.end()
