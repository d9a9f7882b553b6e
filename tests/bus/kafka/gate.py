# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A way to the schema registry that can be barred."""

from __future__ import annotations

import asyncio
import contextlib
import urllib.parse
from types import TracebackType
from typing import Self

__all__ = ["Gate"]


class Gate:
    """Lets connections through to a URL, or not.

    Parameters
    ----------
    url
        Where the real one is.

    Attributes
    ----------
    knocks
        How many have come while it was barred.
    """

    def __init__(self, url: str) -> None:
        self._target = urllib.parse.urlsplit(url)
        self._server: asyncio.Server | None = None
        self._is_open = True
        self._news = asyncio.Event()
        self._passing: set[asyncio.Task[None]] = set()
        self.knocks = 0

    @property
    def url(self) -> str:
        """Where it is."""
        assert self._server is not None
        port = self._server.sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}{self._target.path}"

    def bar(self) -> None:
        """Let nobody through."""
        self._is_open = False

    def open(self) -> None:
        """Let everybody through."""
        self._is_open = True

    async def knocked(self, times: int) -> None:
        """Wait until so many have stood before it, barred."""
        async with asyncio.timeout(30):
            while self.knocks < times:
                self._news.clear()
                await self._news.wait()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._come, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        if self._passing:
            await asyncio.wait(self._passing)
        await self._server.wait_closed()

    async def _come(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._passing.add(task)
        task.add_done_callback(self._passing.discard)
        if self._is_open:
            await self._pass(reader, writer)
        else:
            self.knocks += 1
            self._news.set()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(self._target.hostname, self._target.port)

        async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            with contextlib.suppress(ConnectionError):
                while data := await source.read(65536):
                    target.write(data)
                    await target.drain()
            target.close()

        await asyncio.gather(pump(reader, back), pump(there, writer))
        with contextlib.suppress(ConnectionError):
            await back.wait_closed()
