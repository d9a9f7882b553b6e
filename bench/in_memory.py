# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole ScriptQueue in this process, on the memory bus, whose scripts exist only on paper.

Time is virtual: it jumps to whatever is due next, so that a night passes in
seconds. The queue and its client are the real ones.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import logging
from collections import deque
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lsst.ts.scriptqueue.bus.memory import MemoryBroker, MemoryBus
from lsst.ts.scriptqueue.configuration import ConfigurationFolder
from lsst.ts.scriptqueue.csc.block_ids import LocalBlockIds
from lsst.ts.scriptqueue.csc.script_queue import ScriptQueueCsc
from lsst.ts.scriptqueue.launch.contract import LaunchRequest
from lsst.ts.scriptqueue.launch.paths import ScriptLibrary
from lsst.ts.scriptqueue.sal import Domain, Location, Remote, ScriptProcessState, State
from lsst.ts.scriptqueue.testing import FakeClock
from lsst.ts.scriptqueue.testing.scripted import Plan, Wait
from lsst.ts.scriptqueue.testing.scripted_launcher import ScriptedLauncher

__all__ = ["Job", "Night", "a_night"]

FIRST_INDEX = 100_000

#: Real seconds, as far as time is real: nothing here takes virtual days.
COMMAND_LIMIT_S = 3600.0


@dataclass(frozen=True, slots=True)
class Job:
    """A script of a night.

    Attributes
    ----------
    library
        ``standard`` or ``external``.
    path
        Its path.
    run_s
        How long it runs (seconds).
    slot
        Its slot; "" where the queue puts it.
    config
        Its configuration, in YAML.
    resources
        What it needs; "" if it is not said.
    """

    library: str
    path: str
    run_s: float
    slot: str = ""
    config: str = ""
    resources: str = ""


class Night:
    """A queue and the scripts that go through it; made by `a_night`.

    Attributes
    ----------
    ended
        How many scripts have ended.
    shown
        The last ``script`` event of each that has ended, if they are kept.
    """

    def __init__(self, queue: Remote, launcher: ScriptedLauncher, jobs: deque[Job], *, keeps: bool) -> None:
        self.ended = 0
        self.shown: dict[int, Any] = {}
        self._queue, self._launcher, self._jobs, self._keeps = queue, launcher, jobs, keeps
        self._gone: set[int] = set()
        self._added = 0
        self._news = asyncio.Event()
        queue.evt_script.callback = self._heard

    async def go(self, scripts: int, most_live: int) -> float:
        """Add the next scripts, and wait until all have ended.

        Parameters
        ----------
        scripts
            How many.
        most_live
            How many are in the queue at a time.

        Returns
        -------
        taken_s
            Time of the night from the first ``add`` on (seconds).
        """
        loop = asyncio.get_running_loop()
        began, until = loop.time(), self._added + scripts
        while self.ended < until:
            while self._added < min(until, self.ended + most_live):
                await self._add(self._jobs.popleft())
            self._news.clear()
            await self._news.wait()
        return loop.time() - began

    def forget(self) -> None:
        """Forget what scripts have heard, which is kept for tests and would look like growth."""
        self._launcher.heard.clear()

    async def _add(self, job: Job) -> None:
        self._added += 1
        await self._queue.cmd_add.set_start(
            timeout=COMMAND_LIMIT_S,
            isStandard=job.library == "standard",
            path=job.path,
            config=job.config,
            location=Location.LAST,
            slot=job.slot,
            resources=job.resources,
        )

    def _heard(self, data: Any) -> None:
        index = data.scriptSalIndex
        if data.processState < ScriptProcessState.DONE or index in self._gone:
            return
        self._gone.add(index)
        self._gone.discard(index - 1000)
        if self._keeps:
            self.shown[index] = data
        self.ended += 1
        self._news.set()


@contextlib.asynccontextmanager
async def a_night(
    jobs: Iterable[Job], configuration: Path, folder: Path, *, keeps: bool = False
) -> AsyncIterator[Night]:
    """Start a queue and a client of it; the scripts are added in turn.

    Parameters
    ----------
    jobs
        The scripts.
    configuration
        The configuration directory.
    folder
        Where the queue lives.
    keeps
        Are the last events of scripts kept?
    """
    todo = deque(jobs)
    run_s = [job.run_s for job in todo]

    def plan_of(request: LaunchRequest) -> Plan:
        return Plan(running=(Wait(run_s[request.sal_index - FIRST_INDEX]),))

    for library in ("standard", "external"):
        (folder / library).mkdir(parents=True)
    for job in todo:
        file = folder / job.library / job.path
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("#!/bin/false\n")
            file.chmod(0o755)
    broker, clock = MemoryBroker(), FakeClock()
    async with Domain(MemoryBus(broker), clock=clock) as domain:
        launcher = ScriptedLauncher(MemoryBus(broker), plan_of, clock)
        csc = ScriptQueueCsc(
            domain,
            1,
            library=ScriptLibrary(folder / "standard", folder / "external"),
            launcher=launcher,
            block_ids=LocalBlockIds(
                folder / "block_ids.json",
                lambda: datetime.datetime(2026, 11, 21, 3, tzinfo=datetime.UTC),
                logging.getLogger("bench"),
            ),
            configurations=ConfigurationFolder(configuration),
            initial_state=State.ENABLED,
            duplicate_watch_s=0.0,
        )
        async with csc, Domain(MemoryBus(broker), clock=clock) as client:
            async with Remote(client, "ScriptQueue", 1, include=("script",)) as queue:
                yield Night(queue, launcher, todo, keeps=keeps)
