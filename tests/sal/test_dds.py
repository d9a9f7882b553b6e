# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A remote and a controller in two processes, on DDS."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from lsst.ts.scriptqueue.bus import IndexRange
from lsst.ts.scriptqueue.sal import Domain, Remote, SalRetCode, ScriptState

INDEX = 100_042

#: Two processes have to start and find each other.
LIMIT_S = 30.0


@pytest.mark.system
@pytest.mark.parametrize("late", [True, False], ids=["remote comes late", "remote is there first"])
async def test_remote_commands_a_controller_of_another_process(late: bool) -> None:
    async with asyncio.timeout(2 * LIMIT_S), Domain.connect("dds") as domain:
        remote = Remote(domain, "Script", IndexRange(100_000, 199_999))
        if not late:
            await remote.start_task
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.sal.dds_controller",
            str(INDEX),
            cwd=Path(__file__).parents[2],
            stderr=subprocess.PIPE,
        )
        try:
            await remote.start_task
            state = await remote.evt_state.next(flush=False, timeout=LIMIT_S)
            assert (state.salIndex, state.reason) == (INDEX, "history")
            assert (state.private_identity, state.private_origin) == (f"Script:{INDEX}", process.pid)
            await remote.evt_heartbeat.next(flush=True, timeout=LIMIT_S)

            first = await remote.cmd_run.start(
                remote.cmd_run.DataType(salIndex=INDEX), timeout=LIMIT_S, wait_done=False
            )
            assert (first.ack, first.timeout) == (SalRetCode.CMD_INPROGRESS, 20.0)
            last = await remote.cmd_run.next_ackcmd(first, timeout=LIMIT_S)
            assert (last.ack, last.result) == (SalRetCode.CMD_COMPLETE, "well run")
            seen = [await remote.evt_state.next(flush=False, timeout=LIMIT_S) for _ in range(50)]
            assert [data.numCheckpoints for data in seen] == list(range(1, 51))
            assert {data.state for data in seen} == {ScriptState.RUNNING}
            log = await remote.evt_logMessage.next(flush=False, timeout=LIMIT_S)
            assert log.message == "ran"

            ack = await remote.cmd_resume.set_start(salIndex=INDEX, timeout=LIMIT_S)
            assert ack.result == "Done"
            _, complaints = await process.communicate()
            assert (process.returncode, complaints) == (0, b"")
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
