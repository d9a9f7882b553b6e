# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our client drives the deployed ScriptQueue, which runs our scripts."""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
import sys
from collections.abc import AsyncIterator

import pytest

from lsst.ts.scriptqueue.sal import (
    AckError,
    Domain,
    Location,
    Remote,
    ScriptProcessState,
    ScriptState,
    State,
)

from ..observer import Observer
from ..system.night import WELL_BEHAVED, write_script
from .peer import PATIENCE_S

FIRST = 100_000

#: ts_scriptqueue of the deployed generation has our name, so only its interpreter can import it.
PROGRAM = "from lsst.ts.scriptqueue import run_script_queue as run; run()"


@contextlib.asynccontextmanager
async def their_queue(folder: pathlib.Path, interpreter: str) -> AsyncIterator[Observer]:
    """Start the deployed ScriptQueue, and bring it to STANDBY; it ends when it is sent OFFLINE."""
    write_script(folder / "standard" / "good.py", WELL_BEHAVED, sys.executable)
    (folder / "external").mkdir()
    async with Domain.connect("kafka") as domain:
        observer = Observer(domain)
        observer.patience_s = PATIENCE_S
        await observer.start()
        with (folder / "queue.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *(interpreter, "-c", PROGRAM, "1"),
                *("--standard", str(folder / "standard"), "--external", str(folder / "external")),
                stdout=log,
                stderr=log,
            )
        try:
            await observer.queue.evt_summaryState.next(flush=False, timeout=PATIENCE_S)
            yield observer
            async with asyncio.timeout(PATIENCE_S):
                assert await process.wait() == 0
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()


async def refused(observer: Observer, command: str, **fields: int) -> None:
    with pytest.raises(AckError, match="Failed"):
        await observer.command(command, **fields)


async def waiting(observer: Observer, *indices: int) -> None:
    await observer.until(f"{indices} waiting", lambda: observer.waiting == list(indices))


async def test_a_night_on_the_deployed_queue(salobj_python: str, tmp_path: pathlib.Path) -> None:
    async with their_queue(tmp_path, salobj_python) as night:
        await refused(night, "showQueue")
        for command in ("start", "enable"):
            assert (await night.command(command)).result == "Done"
        await night.command("pause")

        for location, beside, expected in (
            (Location.LAST, 0, [0]),
            (Location.FIRST, 0, [1, 0]),
            (Location.BEFORE, FIRST, [1, 2, 0]),
            (Location.AFTER, FIRST + 1, [1, 3, 2, 0]),
        ):
            config = "fail: true" if location is Location.AFTER else ""
            await night.add("good.py", config, location=location, locationSalIndex=beside)
            await waiting(night, *(FIRST + offset for offset in expected))
        await night.command("move", scriptSalIndex=FIRST, location=Location.FIRST)
        await waiting(night, FIRST, FIRST + 1, FIRST + 3, FIRST + 2)
        await refused(night, "move", scriptSalIndex=4321, location=Location.FIRST)
        await night.command("requeue", scriptSalIndex=FIRST, location=Location.LAST)
        await waiting(night, FIRST, FIRST + 1, FIRST + 3, FIRST + 2, FIRST + 4)
        await night.stop([FIRST + 1, FIRST + 2])
        await waiting(night, FIRST, FIRST + 3, FIRST + 4)
        for command, fields in (
            ("showQueue", {}),
            ("showScript", {"scriptSalIndex": FIRST}),
            ("showAvailableScripts", {}),
            ("showSchema", {"isStandard": True, "path": "good.py"}),
        ):
            await night.command(command, **fields)
        schema = await night.queue.evt_configSchema.next(flush=False, timeout=PATIENCE_S)
        assert "additionalProperties" in schema.configSchema
        assert night.queue.evt_availableScripts.get().standard == "good.py"

        await night.command("resume")
        await night.until("a failure pauses it", lambda: not night.last_queue.running)
        assert night.last_queue.currentSalIndex == FIRST + 3
        assert night.shown[FIRST + 3].scriptState == ScriptState.FAILED
        await night.command("resume")
        for index in (FIRST, FIRST + 4):
            last = await night.gone(index)
            assert (last.scriptState, last.processState) == (ScriptState.DONE, ScriptProcessState.DONE)
        assert {FIRST, FIRST + 3, FIRST + 4} <= {data.scriptSalIndex for data in night.seen("nextVisit")}

        long_one = await night.add("good.py", "wait: true")
        await night.current(long_one)
        late = Remote(night.queue.domain, "ScriptQueue", 1)
        await late.start_task
        assert late.evt_queue.get().currentSalIndex == long_one
        assert late.evt_script.get().scriptSalIndex == long_one
        await night.stop([long_one])
        await night.reached(long_one, ScriptState.STOPPED)

        for command in ("disable", "standby", "exitControl"):
            await night.command(command)
        await night.until("OFFLINE", lambda: night.queue.evt_summaryState.get().summaryState == State.OFFLINE)
