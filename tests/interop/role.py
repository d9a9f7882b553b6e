# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The observatory's own clients, each a process on salobj, as a test sees them."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

from .peer import HERE, PATIENCE_S, Client

__all__ = ["Role", "a_role", "held_up"]


class Role:
    """A process that runs ``salobj_roles.py``."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def line(self, patience_s: float = PATIENCE_S) -> str:
        """The next line it says."""
        assert self._process.stdout is not None
        async with asyncio.timeout(patience_s):
            return (await self._process.stdout.readline()).decode().strip()

    async def result(self, patience_s: float = PATIENCE_S) -> dict[str, Any]:
        """What it has to say in the end."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        said: dict[str, Any] = json.loads(await self.line(patience_s))
        return said


@contextlib.asynccontextmanager
async def a_role(interpreter: str, name: str, *arguments: str) -> AsyncIterator[Role]:
    """Start a role; it is killed if it has not ended."""
    process = await asyncio.create_subprocess_exec(
        *(interpreter, str(HERE / "salobj_roles.py"), name, *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Role(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def held_up(client: Client, index: int) -> None:
    """Wait until a failed script holds the queue up."""
    await client.until(
        f"{index} holds the queue up",
        lambda: client.last("queue")["currentSalIndex"] == index and not client.last("queue")["running"],
    )
