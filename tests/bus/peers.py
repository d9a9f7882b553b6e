# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting processes that take part in a network, and telling them what to do."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from lsst.ts.scriptqueue.bus import Message

from .collector import PATIENCE_S, Collector

__all__ = ["ROOT", "PeerProcess", "peers"]

#: The checkout, from which peers are started.
ROOT = Path(__file__).parents[2]

_LINE_LIMIT = 2**24


class PeerProcess:
    """A process of `peer`.

    Attributes
    ----------
    pid
        Its process id.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.pid = process.pid
        self._process = process
        self._collectors: dict[str, Collector] = {}
        self._answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._listening = asyncio.create_task(self._listen())

    def got(self, topic: str) -> Collector:
        """Return what it has read of a topic."""
        return self._collectors.setdefault(topic, Collector())

    async def open(
        self,
        index: int = 0,
        *,
        writes: Iterable[str] = (),
        reads: Iterable[tuple[str, int, int]] = (),
        echo: bool = False,
    ) -> float:
        """Have it open its link; returns how long that took, in seconds."""
        return await self._ask(do="open", index=index, writes=list(writes), reads=list(reads), echo=echo)

    async def write(self, topic: str, message: Message) -> float:
        """Have it write a message."""
        return await self._ask(do="write", name=topic, message=message)

    async def burst(self, topic: str, message: Message, first: int, last: int) -> float:
        """Have it write many messages, numbered."""
        return await self._ask(do="burst", name=topic, message=message, first=first, last=last)

    async def block(self) -> None:
        """Have it block its event loop until `unblock`."""
        self._say({"do": "block"})
        assert await self._answer() == {"blocked": True}

    async def unblock(self) -> None:
        """Have it go on."""
        self._say({})
        await self._answer()

    async def count_participants(self) -> int:
        """Ask how many participants it has found, itself included."""
        self._say({"do": "count"})
        found = int((await self._answer())["participants"])
        await self._answer()
        return found

    def stop(self) -> None:
        """Suspend it."""
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Resume it."""
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """End it without a chance to say good-bye."""
        os.kill(self.pid, signal.SIGKILL)

    async def aclose(self) -> int:
        """Have it end, and return its exit code."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        # A process that was killed is known to have gone only a while after.
        with contextlib.suppress(ProcessLookupError):
            self.go_on()
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._listening
                return await self._process.wait()
        finally:
            with contextlib.suppress(ProcessLookupError):
                self.kill()
            await self._process.wait()

    async def _ask(self, **request: Any) -> float:
        self._say(request)
        return float((await self._answer())["done"])

    def _say(self, request: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request).encode() + b"\n")

    async def _answer(self) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE_S):
            return await self._answers.get()

    async def _listen(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            said = json.loads(line)
            if "topic" in said:
                self.got(said["topic"])(said["message"])
            else:
                self._answers.put_nowait(said)


@asynccontextmanager
async def peers(environment: Mapping[str, str], *roles: str) -> AsyncIterator[list[PeerProcess]]:
    """Start processes, one per role; they are ended on leaving, and must end well."""
    started: list[PeerProcess] = []
    try:
        for role in roles:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tests.bus.peer",
                role,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                cwd=ROOT,
                env={**os.environ, **environment},
                limit=_LINE_LIMIT,
            )
            started.append(PeerProcess(process))
        yield started
    finally:
        codes = [await peer.aclose() for peer in started]
    assert all(code in (0, -signal.SIGKILL) for code in codes), codes
