# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A world for controllers and remotes: a network in memory and a clock that can be stepped."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from typing import Any

from lsst.ts.scriptqueue.bus import Link, Message, TopicSpec
from lsst.ts.scriptqueue.bus.memory import MemoryBroker, MemoryBus
from lsst.ts.scriptqueue.sal import Controller, Domain, ExpectedError
from lsst.ts.scriptqueue.sal.records import record_class

#: TAI when the tests' loop begins (unix seconds).
EPOCH_TAI = 1_800_000_000.0

TAI_MINUS_UTC_S = 37.0

#: No test waits longer than this for what must come (virtual seconds).
SOON_S = 10.0

INDEX = 100_007


class SteppedClock:
    """The loop's time as TAI, and what was added to it."""

    def __init__(self) -> None:
        self.step_s = 0.0

    def tai(self) -> float:
        return EPOCH_TAI + asyncio.get_running_loop().time() + self.step_s

    def utc_from_tai(self, tai: float) -> float:
        return tai - TAI_MINUS_UTC_S


class World:
    """The network, and the domains of several processes on it."""

    def __init__(self) -> None:
        self.clock = SteppedClock()
        self._broker = MemoryBroker()
        self._origins = itertools.count(1001)
        self._domains: list[Domain] = []

    def domain(self, *, origin: int | None = None, identity: str | None = None) -> Domain:
        """Return the domain of another process."""
        domain = Domain(self.bus(), clock=self.clock, identity=identity, origin=origin or next(self._origins))
        self._domains.append(domain)
        return domain

    def bus(self) -> MemoryBus:
        return MemoryBus(self._broker)

    @contextlib.asynccontextmanager
    async def writing(self, topic: TopicSpec) -> AsyncIterator[RawWriter]:
        """Write messages that nobody of ours made."""
        bus = self.bus()
        try:
            yield RawWriter(await bus.open(index=0, writes=[topic], reads=[]), topic)
        finally:
            await bus.aclose()

    async def close(self) -> None:
        for domain in self._domains:
            await domain.close()


class RawWriter:
    """Writes whatever it is given."""

    def __init__(self, link: Link, topic: TopicSpec) -> None:
        self._link = link
        self._topic = topic

    async def write(self, **fields: Any) -> None:
        message: Message = record_class(self._topic).default_message() | fields
        await self._link.write(self._topic, message)


class Obedient(Controller):
    """A script with a command for each way a command can end."""

    def __init__(self, domain: Domain, index: int = INDEX) -> None:
        super().__init__(domain, "Script", index)
        self.began = asyncio.Event()
        self.go_on = asyncio.Event()
        self.seen: list[str] = []

    async def do_configure(self, data: Any) -> str:
        self.seen.append(data.config)
        return f"configured with {data.config}"

    async def do_run(self, data: Any) -> None:
        self.seen.append("run")
        self.began.set()
        await self.go_on.wait()

    def do_stop(self, data: Any) -> None:
        raise ExpectedError("it is too late")

    async def do_resume(self, data: Any) -> None:
        await self.close()


async def soon(event: asyncio.Event) -> None:
    """Wait for an event."""
    async with asyncio.timeout(SOON_S):
        await event.wait()


async def settled() -> None:
    """Return when everything that was ready to run has run."""
    for _ in range(20):
        await asyncio.sleep(0)


async def time_passes(seconds: float) -> None:
    """Let virtual time pass."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await asyncio.Event().wait()
