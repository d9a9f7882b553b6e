# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes out, in order.

The core lists what is to be published and answered in the order in which the
world must see it. All of that goes through one outbox. What is put there
begins in that order, and the middleware keeps it. But where several writers
of different topics are confirmed by different brokers, nobody keeps it; so
what must not be seen before something else is put with ``after_all``, and
begins when all that was put before is known to be there. Everything else
waits for no confirmation but its own. Nothing in it may wait for an answer.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ..bus import BusError

__all__ = ["Outbox"]

Send = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Item:
    send: Send
    after_all: bool


class Outbox:
    """A queue of writes, begun in order by one task.

    Parameters
    ----------
    log
        Where a write that the middleware refused is reported.
    """

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._queue: asyncio.Queue[_Item] = asyncio.Queue()
        self._under_way: set[asyncio.Task[None]] = set()

    def put(self, send: Send, *, after_all: bool = False) -> None:
        """Have something sent.

        Parameters
        ----------
        send
            Sends it, and returns when it is there. Up to where it first
            waits, what is put next has not begun.
        after_all
            Must all that was put before be there when it begins?
        """
        self._queue.put_nowait(_Item(send, after_all))

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
        async with asyncio.TaskGroup() as group:
            while True:
                item = await self._queue.get()
                if item.after_all and self._under_way:
                    await self._wait_for_all()
                # Tasks begin in the order in which they were made.
                task = group.create_task(self._carry_out(item.send))
                self._under_way.add(task)
                task.add_done_callback(self._done)

    async def _wait_for_all(self) -> None:
        try:
            await asyncio.wait(self._under_way)
        except asyncio.CancelledError:
            # What has been taken and is not sent any more keeps nobody.
            self._queue.task_done()
            raise

    def _done(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._queue.task_done()

    async def _carry_out(self, send: Send) -> None:
        try:
            await send()
        except BusError:
            # The world misses one message; whoever cares asks again. To
            # stop here would cost the night.
            self._log.exception("A message could not be written")
