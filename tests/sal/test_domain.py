# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Domains: who we are, and what is closed in which order."""

from __future__ import annotations

from lsst.ts.scriptqueue.bus.memory import MemoryBroker, MemoryBus
from lsst.ts.scriptqueue.sal import Controller, Domain, Remote
from lsst.ts.scriptqueue.sal.endpoint import Phase

from .world import INDEX, SteppedClock, World


async def test_domain_is_named_after_its_controller(world: World) -> None:
    domain = world.domain()
    assert "@" in domain.identity
    script = Controller(domain, "Script", INDEX)
    assert domain.identity == f"Script:{INDEX}"
    assert domain.log is script.log
    given = world.domain(identity="me@here")
    Controller(given, "Script", INDEX)
    assert given.identity == "me@here"


async def test_domain_closes_controllers_before_remotes_and_the_bus_last() -> None:
    story: list[str] = []

    class ToldBus(MemoryBus):
        async def aclose(self) -> None:
            story.append("bus")
            await super().aclose()

    domain = Domain(ToldBus(MemoryBroker()), clock=SteppedClock())
    remote = Remote(domain, "Script", INDEX)

    class Told(Controller):
        async def close_tasks(self) -> None:
            story.append(f"controller while the remote is {remote.phase.value}")

    script = Told(domain, "Script", INDEX)
    async with domain:
        await remote.start_task
        await script.start_task
    assert story == ["controller while the remote is open", "bus"]
    assert remote.phase is Phase.CLOSED
