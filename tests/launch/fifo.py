# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a test and a process it did not start itself speak: lines through a fifo."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from types import TracebackType

__all__ = ["Fifo"]

_PATIENCE_S = 10.0


class Fifo:
    """A fifo that a process writes lines to, or reads them from.

    It is open for both directions here, so neither side ever waits for the
    other to open it, and it has no end.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        os.mkfifo(path)
        self._descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self._lines: asyncio.Queue[str] = asyncio.Queue()
        self._rest = b""

    async def __aenter__(self) -> Fifo:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        asyncio.get_running_loop().remove_reader(self._descriptor)
        os.close(self._descriptor)

    async def line(self) -> str:
        """Return the next line that was written to it."""
        asyncio.get_running_loop().add_reader(self._descriptor, self._read)
        async with asyncio.timeout(_PATIENCE_S):
            return await self._lines.get()

    async def pid(self) -> int:
        """Return the next line as a process id."""
        return int(await self.line())

    def let_pass(self) -> None:
        """Let one process go on that reads a line."""
        # Shells read byte by byte, so two that wait would share a longer line.
        os.write(self._descriptor, b"\n")

    def _read(self) -> None:
        *lines, self._rest = (self._rest + os.read(self._descriptor, 65_536)).split(b"\n")
        for line in lines:
            self._lines.put_nowait(line.decode())
