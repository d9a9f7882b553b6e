# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moments of the night that somebody waits for in order to kill the queue just then."""

from __future__ import annotations

import asyncio
import collections

__all__ = ["MOMENTS", "Moments"]

#: What can be waited for.
MOMENTS = (
    "an add was sent",
    "an add was acknowledged",
    "a move was sent",
    "a stop was sent",
    "a script was to be configured",
    "a script was configured",
    "a script began to run",
    "a script has ended",
)


class Moments:
    """Tells when something happens."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[asyncio.Future[None]]] = collections.defaultdict(list)

    def note(self, what: str) -> None:
        """It happens now."""
        for future in self._waiting.pop(what, ()):
            if not future.done():
                future.set_result(None)

    async def wait_for(self, what: str, limit_s: float) -> bool:
        """Wait until it happens the next time; False if it does not within the limit."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[what].append(future)
        done, _ = await asyncio.wait({future}, timeout=limit_s)
        return bool(done)
