# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A night of a service that is killed and started again: a client, and scripts that wait for files."""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
from collections.abc import AsyncIterator
from typing import Any

from lsst.ts.scriptqueue.sal import Domain, Location, Remote, ScriptState

from ..observer import PATIENCE_S
from .service import Service

__all__ = ["SCRIPT", "Night", "a_night", "kill"]

#: It runs until a file is there, and writes that it ran.
SCRIPT = """
    import asyncio
    import os
    import pathlib
    from lsst.ts.scriptqueue.sal import BaseScript

    class Script(BaseScript):
        def __init__(self, index):
            super().__init__(index=index, descr="waits for a file")

        @classmethod
        def get_schema(cls):
            return {'type': 'object', 'properties': {'file': {'type': 'string'}}, 'required': ['file']}

        async def configure(self, config):
            self.file = pathlib.Path(config.file)

        def set_metadata(self, metadata):
            metadata.duration = 0.1

        async def run(self):
            with open(self.file.with_suffix(".ran"), "a") as ran:
                ran.write(f"{os.getpid()}\\n")
            while not self.file.exists():
                await asyncio.sleep(0.02)
            if self.file.read_text() == "fail":
                raise RuntimeError("told to fail")

    asyncio.run(Script.amain())
"""


class Night:
    """A client, and the files that its scripts wait for."""

    def __init__(self, folder: pathlib.Path, queue: Remote) -> None:
        self.folder = folder
        self.queue = queue
        self.indices: dict[str, int] = {}
        self._news = asyncio.Event()
        self._shown: dict[int, Any] = {}
        queue.evt_script.callback = self._hear
        queue.evt_queue.callback = self._wake

    async def add(self, name: str) -> None:
        ack = await self.queue.cmd_add.set_start(
            timeout=PATIENCE_S,
            isStandard=True,
            path="waits.py",
            config=f"file: {self.folder / name}",
            location=Location.LAST,
        )
        self.indices[name] = int(ack.result)

    def let_go(self, name: str, how: str = "") -> None:
        """Let a script end."""
        beside = (self.folder / name).with_suffix(".new")
        beside.write_text(how)
        beside.rename(self.folder / name)

    def ran(self, name: str) -> int:
        """How often a script has run."""
        file = (self.folder / name).with_suffix(".ran")
        return len(file.read_text().splitlines()) if file.exists() else 0

    async def state(self, name: str, *states: ScriptState) -> Any:
        """Wait until a script is in one of these states, as the queue says; return the event."""
        return await self._until(
            lambda: (event := self._shown.get(self.indices[name])) and event.scriptState in states and event
        )

    async def ended(self, name: str) -> Any:
        """Wait until the queue says that the process of a script has gone; return the event."""
        return await self._until(
            lambda: (event := self._shown.get(self.indices[name])) and event.timestampProcessEnd > 0 and event
        )

    async def begin(self, *waiting: str) -> None:
        """Have a script that has ended, one that runs, and some that wait."""
        for name in ("ended", "running", *waiting):
            await self.add(name)
        self.let_go("ended")
        await self.ended("ended")
        await self.state("running", ScriptState.RUNNING)

    async def run_to_the_end(self, name: str) -> None:
        """Wait until a script runs, let it end, and see that it has ended well."""
        await self.state(name, ScriptState.RUNNING)
        self.let_go(name)
        assert (await self.ended(name)).scriptState == ScriptState.DONE

    def shown(self) -> tuple[bool, str, list[str], list[str]]:
        """The queue as last published: running, current, waiting and past, by name."""
        data = self.queue.evt_queue.get()
        names = {index: name for name, index in self.indices.items()} | {0: ""}
        return (
            data.running,
            names[data.currentSalIndex],
            [names[index] for index in data.salIndices[: data.length]],
            [names[index] for index in data.pastSalIndices[: data.pastLength]],
        )

    async def shows(self, *expected: Any) -> None:
        """Wait until the queue is published like this."""
        await self._until(lambda: self.queue.evt_queue.get() is not None and self.shown() == expected)

    async def go_on(self) -> None:
        """Do what an operator does after a restart."""
        for command in ("start", "enable", "resume"):
            await self.queue.commands[command].set_start(timeout=PATIENCE_S)

    async def _until(self, what: Any) -> Any:
        async with asyncio.timeout(PATIENCE_S):
            while not (found := what()):
                self._news.clear()
                await self._news.wait()
        return found

    def _hear(self, data: Any) -> None:
        self._shown[data.scriptSalIndex] = data
        self._news.set()

    def _wake(self, data: Any) -> None:
        self._news.set()


@contextlib.asynccontextmanager
async def a_night(tmp_path: pathlib.Path) -> AsyncIterator[Night]:
    async with Domain.connect() as domain, Remote(domain, "ScriptQueue", 1) as queue:
        yield Night(tmp_path, queue)


async def kill(service: Service) -> None:
    service.process.kill()
    await service.end()
