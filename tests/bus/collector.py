# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A reader's ``deliver`` that keeps what it is given, and can be waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from lsst.ts.scriptqueue.bus import Message

__all__ = ["PATIENCE_S", "Collector"]

#: How long a test waits for what must come.
PATIENCE_S = 20.0


class Collector:
    """Keeps messages in the order they came.

    Attributes
    ----------
    messages
        What has come.
    """

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._news = asyncio.Event()

    def __call__(self, message: Message) -> None:
        self.messages.append(message)
        self._news.set()

    def numbers(self, index: int | None = None) -> list[int]:
        """Return the field ``number`` of what has come, of one index or all."""
        return [
            message["number"]
            for message in self.messages
            if index is None or message.get("salIndex", 0) == index
        ]

    async def until(self, fulfilled: Callable[[Collector], bool], timeout_s: float = PATIENCE_S) -> None:
        """Wait until a condition on what has come is fulfilled."""
        async with asyncio.timeout(timeout_s):
            while not fulfilled(self):
                self._news.clear()
                await self._news.wait()

    async def has(self, number: int) -> None:
        """Wait until a message with this ``number`` has come."""
        await self.until(lambda self: number in self.numbers())
