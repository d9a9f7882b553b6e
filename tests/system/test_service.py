# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""run_script_queue as a process of its own, on both middlewares: its start, its end, and what it leaves."""

from __future__ import annotations

import asyncio
import os
import pathlib
import signal
from typing import Any

import pytest

from lsst.ts.scriptqueue.bus import IndexRange
from lsst.ts.scriptqueue.sal import Domain, Location, Remote, ScriptState, State

from ..observer import PATIENCE_S
from .night import WELL_BEHAVED, is_alive, write_script
from .service import a_service, on_each_bus, scripts_in

pytestmark = [pytest.mark.system, pytest.mark.usefixtures("apart")]


async def add_and_run(tmp_path: pathlib.Path, domain: Domain) -> tuple[Remote, int]:
    """Add a script that runs until it is stopped; return when it runs."""
    write_script(tmp_path / "standard" / "good.py", WELL_BEHAVED)
    queue = Remote(domain, "ScriptQueue", 1)
    scripts = Remote(domain, "Script", IndexRange(100000, 199999), include=("state",))
    running = asyncio.Event()

    def state_reported(data: Any) -> None:
        if data.state == ScriptState.RUNNING:
            running.set()

    scripts.evt_state.callback = state_reported
    await asyncio.gather(queue.start_task, scripts.start_task)
    ack = await queue.cmd_add.set_start(
        timeout=PATIENCE_S, isStandard=True, path="good.py", config="wait: true", location=Location.LAST
    )
    async with asyncio.timeout(PATIENCE_S):
        await running.wait()
    return queue, int(ack.result)


@on_each_bus
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_and_all_scripts(tmp_path: pathlib.Path, number: signal.Signals) -> None:
    async with a_service(tmp_path, "--state", "enabled") as service, Domain.connect() as domain:
        assert await service.line() == "ScriptQueue:1 is ENABLED"
        queue, index = await add_and_run(tmp_path, domain)
        scripts = scripts_in(tmp_path / "state")
        assert scripts
        service.process.send_signal(number)
        status, errors = await service.end()
        assert (status, "Traceback" in errors) == (0, False), errors
        assert not any(is_alive(script.pid) for script in scripts)
        why = f"the service was told to end by {number.name}"
        assert f"T{why[1:]}; script {index} is ended" in errors
        assert f"the queue is shutting down: {why}" in errors
        assert "ENABLED" not in errors
        assert "ScriptQueue:1 has ended" in errors
        keeper = (tmp_path / "state" / "keeper.log").read_text()
        assert f"the queue, process {service.process.pid}, makes its planned stop" in keeper
        assert queue.evt_summaryState.get().summaryState == State.OFFLINE
        assert queue.evt_script.get().exitReason == f"the queue is shutting down: {why}"
        assert queue.evt_script.get().processId == scripts[0].pid
        assert pathlib.Path(queue.evt_script.get().outputFile).parent == tmp_path / "state" / "output"


@on_each_bus
async def test_offline_ends_it_and_all_scripts(tmp_path: pathlib.Path) -> None:
    async with a_service(tmp_path, "--state", "enabled") as service, Domain.connect() as domain:
        await service.line()
        queue, _ = await add_and_run(tmp_path, domain)
        scripts = scripts_in(tmp_path / "state")
        for command in ("disable", "standby", "exitControl"):
            await queue.commands[command].set_start(timeout=PATIENCE_S)
        status, errors = await service.end()
        assert (status, "Traceback" in errors) == (0, False), errors
        assert not any(is_alive(script.pid) for script in scripts)
        assert queue.evt_summaryState.get().summaryState == State.OFFLINE


@on_each_bus
async def test_leaving_enabled_lets_the_current_script_go_on(tmp_path: pathlib.Path) -> None:
    async with a_service(tmp_path, "--state", "enabled") as service, Domain.connect() as domain:
        await service.line()
        queue, index = await add_and_run(tmp_path, domain)
        await queue.cmd_disable.set_start(timeout=PATIENCE_S)
        last = queue.evt_queue.get()
        assert (last.enabled, last.currentSalIndex) == (False, index)
        assert any(is_alive(script.pid) for script in scripts_in(tmp_path / "state"))
        service.process.terminate()
        await service.end()


async def test_a_second_one_of_the_same_index_is_refused(tmp_path: pathlib.Path) -> None:
    async with a_service(tmp_path) as first:
        await first.line()
        async with a_service(tmp_path) as second:
            status, errors = await second.end()
        assert status == 1
        assert str(first.process.pid) in errors
        assert "Traceback" not in errors, errors
        first.process.terminate()
        assert (await first.end())[0] == 0


@on_each_bus
async def test_a_second_one_with_another_state_directory_hears_the_first(tmp_path: pathlib.Path) -> None:
    async with a_service(tmp_path) as first:
        await first.line()
        async with a_service(tmp_path, "--state-dir", str(tmp_path / "other")) as second:
            status, errors = await second.end()
        assert status == 1
        assert "heartbeat" in errors
        assert "Traceback" not in errors, errors


@pytest.mark.parametrize(
    ("arguments", "status", "expected"),
    [
        (("--config", "absent.yaml"), 1, "absent.yaml cannot be read"),
        (("--standard", "/absent"), 2, "/absent is not a directory"),
        (("--bus", "pigeon"), 2, "invalid choice: 'pigeon'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
async def test_what_cannot_work_is_said_in_words(
    tmp_path: pathlib.Path, arguments: tuple[str, ...], status: int, expected: str
) -> None:
    async with a_service(tmp_path, *arguments) as service:
        ended, errors = await service.end()
    assert (ended, "Traceback" in errors) == (status, False)
    assert expected in errors


async def test_kafka_without_settings_says_what_to_set(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LSST_TOPIC_SUBNAME")
    async with a_service(tmp_path, "--bus", "kafka") as service:
        status, errors = await service.end()
    assert (status, "Traceback" in errors) == (1, False)
    for words in (
        "LSST_TOPIC_SUBNAME",
        "LSST_KAFKA_BROKER_ADDR",
        "LSST_SCHEMA_REGISTRY_URL",
        "bin/kafka start",
    ):
        assert words in errors


async def test_the_version_is_told(tmp_path: pathlib.Path) -> None:
    async with a_service(tmp_path, "--version") as service:
        assert await service.line()
        assert (await service.end())[0] == 0


async def test_killed_hard_it_can_be_started_again_at_once(tmp_path: pathlib.Path) -> None:
    async with a_service(tmp_path) as first:
        await first.line()
        os.kill(first.process.pid, signal.SIGKILL)
        await first.end()
        async with a_service(tmp_path) as second:
            assert await second.line() == "ScriptQueue:1 is STANDBY"
            second.process.terminate()
            assert (await second.end())[0] == 0
