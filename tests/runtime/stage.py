# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A runtime with a real model and edges of a test, and a book that takes its time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from lsst.ts.scriptqueue.core import QueueModel
from lsst.ts.scriptqueue.core.commands import AddScript, Command
from lsst.ts.scriptqueue.core.effects import (
    ConfigureScript,
    Effect,
    LaunchProcess,
    PublishQueue,
    PublishScript,
    PublishSlots,
    TerminateProcess,
)
from lsst.ts.scriptqueue.core.events import (
    Event,
    ProcessExited,
)
from lsst.ts.scriptqueue.core.limits import Limits
from lsst.ts.scriptqueue.runtime import Book, NoBook, Runtime

LOG = logging.getLogger("test")


class SteppedClock:
    """A clock that goes where the test sets it."""

    def __init__(self) -> None:
        self.now_tai = 1000.0

    def tai(self) -> float:
        return self.now_tai


class World:
    """The edges: notes every effect, and launches or not."""

    def __init__(self, limits: Limits | None = None, book: Book | None = None) -> None:
        self.clock = SteppedClock()
        self.runtime = Runtime(QueueModel(1, limits), self.clock, LOG, book)
        self.seen: list[Effect] = []
        self.launched = asyncio.Event()
        self.told_to_end = asyncio.Event()
        self.dies_when_told = True
        self.runtime.register(
            {
                LaunchProcess: self.launch,
                TerminateProcess: self.terminate,
                PublishQueue: self.seen.append,
                PublishSlots: self.seen.append,
                PublishScript: self.seen.append,
                ConfigureScript: self.seen.append,
            }
        )
        self.progress: list[tuple[float, str]] = []

    def launch(self, effect: LaunchProcess) -> None:
        self.seen.append(effect)
        self.launched.set()

    def terminate(self, effect: TerminateProcess) -> None:
        self.seen.append(effect)
        self.told_to_end.set()
        if self.dies_when_told:
            self.runtime.post(ProcessExited(self.runtime.now(), effect.index, signal=15))

    def give(self, command: Command) -> asyncio.Future[str]:
        async def progress(timeout_s: float, text: str) -> None:
            self.progress.append((timeout_s, text))

        return self.runtime.give(command, 7, progress)[1]


class HeldBook(NoBook):
    """A book that takes as long as the test wants."""

    def __init__(self, *, has_margin: bool = False) -> None:
        self.has_margin = has_margin
        self.kept: list[tuple[Event, ...]] = []
        self.owed: list[Event] = []
        self._asked = asyncio.Queue[asyncio.Future[str]]()
        self._has_been_asked = asyncio.Event()

    def keep(self, events: Sequence[Event], *, are_handled: bool) -> asyncio.Future[str]:
        known: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.kept.append(tuple(events))
        self._asked.put_nowait(known)
        self._has_been_asked.set()
        return known

    async def asked(self, count: int) -> None:
        """Wait until it was asked so often."""
        while len(self.kept) < count:
            self._has_been_asked.clear()
            await self._has_been_asked.wait()

    def jot(self) -> bool:
        return self.has_margin

    def owe(self, event: Event) -> None:
        self.owed.append(event)

    async def write(self, trouble: str = "") -> None:
        """Wait for the next wish, and say what has become of it."""
        (await self._asked.get()).set_result(trouble)


async def loading(world: World, book: HeldBook) -> asyncio.Future[str]:
    """Add a script, as far as its launch."""
    reply = world.give(AddScript(True, "slew.py"))
    await book.write()
    await world.launched.wait()
    return reply


@asynccontextmanager
async def running(world: World) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(world.runtime.run())
    await world.runtime.started()
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
