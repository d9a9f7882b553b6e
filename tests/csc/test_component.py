# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The component around the queue: schemas, listings, faults, clocks, names from a service."""

from __future__ import annotations

import asyncio
import logging
import pathlib

import pytest

from lsst.ts.scriptqueue.core.events import ProcessExited
from lsst.ts.scriptqueue.csc.block_ids import BlockIdError, LocalBlockIds
from lsst.ts.scriptqueue.launch.contract import Launched, LaunchRequest
from lsst.ts.scriptqueue.sal import AckError, Location, ScriptState, State
from lsst.ts.scriptqueue.sal.records import as_dict
from lsst.ts.scriptqueue.testing import FakeClock
from lsst.ts.scriptqueue.testing.scripted_launcher import ScriptedLauncher

from ..observer import PATIENCE_S
from .stage import Buses, Stage, a_stage
from .test_serial_queue import DONE, how

#: For what does not depend on the bus.
in_memory = pytest.mark.virtual_time


@pytest.mark.virtual_time
async def test_a_stepped_clock_takes_no_stamp_and_no_group_id_back(stage: Stage) -> None:
    first = await stage.add("quick.py")
    await stage.gone(first)
    assert isinstance(stage.clock, FakeClock)
    stage.clock.step(-3600)
    second = await stage.add("quick.py")
    await stage.gone(second)
    assert how(stage.shown[second]) == DONE
    stamps = [data.private_sndStamp for name, data in stage.history if name == "script"]
    assert stamps == sorted(stamps)
    assert stage.shown[second].timestampProcessStart >= stage.shown[first].timestampProcessEnd
    group_ids = [visit.groupId for visit in stage.seen("nextVisit")]
    assert group_ids[0] < group_ids[1]


async def test_new_files_are_seen_without_a_restart(stage: Stage) -> None:
    new = stage.directory / "new.py"
    new.write_text("#!/bin/false\n")
    new.chmod(0o755)
    await stage.command("showAvailableScripts")
    available = stage.queue.evt_availableScripts.get()
    assert "new.py" in available.standard.split(":")
    assert available.external == ""
    assert how(await stage.gone(await stage.add("new.py"))) == DONE


@in_memory
async def test_what_cannot_be_listed_cannot_be_enabled(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    await stage.command("disable")
    away = stage.directory.rename(stage.directory.with_name("away"))
    with pytest.raises(AckError, match=r"the standard script directory .* cannot be read"):
        await stage.command("enable")
    assert stage.csc.summary_state is State.DISABLED
    assert not stage.csc.model.queue.enabled
    away.rename(stage.directory)
    await stage.command("enable")
    away = stage.directory.rename(away)
    with pytest.raises(AckError, match=r"the standard script directory .* cannot be read"):
        await stage.command("showAvailableScripts")
    assert "Traceback" not in caplog.text


@in_memory
async def test_root_directories_are_told(stage: Stage) -> None:
    roots = stage.queue.evt_rootDirectories.get()
    assert (roots.standard, pathlib.Path(roots.external).name) == (str(stage.directory), "external")


@in_memory
async def test_a_requeued_script_that_is_no_longer_there_is_refused(stage: Stage) -> None:
    index = await stage.add("quick.py")
    await stage.gone(index)
    (stage.directory / "quick.py").unlink()
    with pytest.raises(AckError, match=r"quick\.py"):
        await stage.command("requeue", scriptSalIndex=index, location=Location.LAST)
    assert stage.past == [index]


async def test_show_queue_and_show_script_publish_again(stage: Stage) -> None:
    index = await stage.add("quick.py")
    await stage.gone(index)
    events = len(stage.history)
    await stage.command("showQueue")
    await stage.command("showScript", scriptSalIndex=index)
    await stage.until("both again", lambda: len(stage.history) == events + 2)
    assert [name for name, _ in stage.history[events:]] == ["queue", "script"]


async def test_a_failed_script_is_logged_as_an_error_that_watchers_see(stage: Stage) -> None:
    index = await stage.add("fails.py")
    await stage.until("paused", lambda: not stage.last_queue.running)
    async with asyncio.timeout(PATIENCE_S):
        while True:
            message = await stage.queue.evt_logMessage.next(flush=False)
            if message.level == logging.ERROR and str(index) in message.message:
                break
    assert "no light" in message.message


async def test_a_fault_of_the_program_is_told_and_scripts_go_on(stage: Stage) -> None:
    index = await stage.add("until_stopped.py")
    await stage.current(index)
    # No edge can post this: a process that was never started has ended.
    stage.csc._runtime.post(ProcessExited(0.0, 424242, 0))
    while (await stage.queue.evt_summaryState.next(flush=False)).summaryState != State.FAULT:
        pass
    assert "424242" in stage.queue.evt_errorCode.get().errorReport
    assert stage.launcher.running == [index]
    with pytest.raises(AckError, match="has stopped working"):
        await stage.command("pause")
    await stage.command("standby")
    await stage.command("exitControl")
    await stage.csc.done_task
    assert stage.launcher.running == []


@in_memory
async def test_an_add_to_a_block_is_refused_when_the_name_service_is_away(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def give(ids: LocalBlockIds, block: str) -> str:
        raise BlockIdError(f"no id for {block}; try again")

    monkeypatch.setattr(LocalBlockIds, "give", give)
    with pytest.raises(AckError, match="no id for BLOCK-3; try again"):
        await stage.add("quick.py", block="BLOCK-3", blockSize=2, startBlock=True)
    assert stage.shown == {}
    assert how(await stage.gone(await stage.add("quick.py"))) == DONE


async def test_what_a_quick_script_says_before_its_start_is_known_is_not_lost(
    buses: Buses, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launch = ScriptedLauncher.launch

    async def slow_to_return(self: ScriptedLauncher, request: LaunchRequest) -> Launched:
        launched = await launch(self, request)
        await stage.reached(request.sal_index, ScriptState.UNCONFIGURED)
        return launched

    monkeypatch.setattr(ScriptedLauncher, "launch", slow_to_return)
    async with a_stage(buses, tmp_path) as stage:
        assert how(await stage.gone(await stage.add("quick.py"))) == DONE


@pytest.mark.virtual_time
async def test_reports_of_another_process_of_the_same_index_are_ignored(stage: Stage) -> None:
    await stage.command("pause")
    index = await stage.add("quick.py")
    await stage.reached(index, ScriptState.CONFIGURED)
    topic = stage.scripts.spec.topics["logevent_state"]
    link = await stage.queue.domain.bus.open(index=index, writes=[topic], reads=())
    message = as_dict(stage.scripts.evt_state.get()) | {
        "state": ScriptState.FAILED,
        "private_origin": 1,
        "private_sndStamp": stage.clock.tai() + 0.5,
    }
    await link.write(topic, message)
    await stage.reached(index, ScriptState.FAILED)
    await link.aclose()
    assert isinstance(stage.clock, FakeClock)
    stage.clock.step(1)
    await stage.command("resume")
    await stage.until("it ran", lambda: any(heard.command == "run" for heard in stage.launcher.heard))
    assert "not its own" in stage.model.story(index)
    await stage.gone(index)
