# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scripted scripts and somebody who commands them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from lsst.ts.scriptqueue.bus.memory import MemoryBroker, MemoryBus
from lsst.ts.scriptqueue.launch.contract import Exited, Launched, LaunchRequest, StopPlan
from lsst.ts.scriptqueue.sal import Domain, Remote
from lsst.ts.scriptqueue.testing import FakeClock
from lsst.ts.scriptqueue.testing.scripted import Plan
from lsst.ts.scriptqueue.testing.scripted_launcher import ScriptedLauncher

INDEX = 100_001


@dataclass(eq=False)
class Paper:
    """A launcher of scripted scripts, a remote of all of them, and the exits told."""

    launcher: ScriptedLauncher
    remote: Remote
    clock: FakeClock
    exits: list[Exited] = field(default_factory=list)
    exited: asyncio.Event = field(default_factory=asyncio.Event)

    async def launch(self, path: str = "script.py", index: int = INDEX, launch_id: str = "") -> Launched:
        request = LaunchRequest(launch_id or f"launch {index}", index, f"/scripts/{path}", (str(index),), {})
        return await self.launcher.launch(request)

    async def exit(self) -> Exited:
        """Wait until a script has gone."""
        async with asyncio.timeout(1000):
            await self.exited.wait()
        self.exited.clear()
        return self.exits[-1]

    def told(self, exited: Exited) -> None:
        self.exits.append(exited)
        self.exited.set()


@contextlib.asynccontextmanager
async def paper(plans: Plan | Mapping[str, Plan] | None = None) -> AsyncIterator[Paper]:
    """Set up a launcher; all scripts have the same plan, if it is one."""
    if plans is None:
        plans = Plan()
    broker, clock = MemoryBroker(), FakeClock()
    launcher = ScriptedLauncher(
        MemoryBus(broker),
        (lambda request: plans) if isinstance(plans, Plan) else plans,
        clock,
        stop_plan=StopPlan(5.0),
    )
    async with Domain(MemoryBus(broker), clock=clock) as domain, Remote(domain, "Script") as remote:
        stage = Paper(launcher, remote, clock)
        launcher.on_exit(stage.told)
        try:
            yield stage
        finally:
            await launcher.aclose()
            assert launcher.running == []
