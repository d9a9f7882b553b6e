# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes out, in order.

The core lists what is to be published, answered and sent to scripts in the
order in which the world must see it. All of that goes through one outbox,
which carries it out one after another; nothing in it may wait for an answer.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from ..bus import BusError

__all__ = ["Outbox"]

Send = Callable[[], Awaitable[None]]


class Outbox:
    """A queue of writes, carried out in order by one task.

    Parameters
    ----------
    log
        Where a write that the middleware refused is reported.
    """

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._queue: asyncio.Queue[Send] = asyncio.Queue()

    def put(self, send: Send) -> None:
        """Have something sent after all that was put before."""
        self._queue.put_nowait(send)

    async def flush(self) -> None:
        """Wait until all that was put has been sent."""
        await self._queue.join()

    def drop(self) -> None:
        """Forget what was not sent."""
        while not self._queue.empty():
            self._queue.get_nowait()
            self._queue.task_done()

    async def run(self) -> None:
        """Send, until cancelled."""
        while True:
            send = await self._queue.get()
            try:
                await send()
            except BusError:
                # The world misses one message; whoever cares asks again. To
                # stop here would cost the night.
                self._log.exception("A message could not be written")
            finally:
                self._queue.task_done()
