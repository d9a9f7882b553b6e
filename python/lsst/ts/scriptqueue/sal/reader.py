# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading events and telemetry.

A message older than the last one of its topic and index is dropped, whoever
wrote it; ``private_origin`` tells one process from the one before. What
arrives is queued for ``next`` and ``get_oldest``, or given to the callback,
in order. A synchronous callback is called at once. An asynchronous one is
awaited before it is called for the next message, unless
``allow_multiple_callbacks`` is set, and then nothing is dropped, however slow
it is. A callback that raises stops nothing; what it raised is logged.

The queue is bounded. Most readers only look at the latest message and let it
run over; but to one who has taken messages from it, that is an error, which is
logged until the queue has been emptied.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import inspect
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any

from ..bus.contract import Message, TopicSpec
from .errors import ComponentError, ExpectedError
from .records import Record, record_class

if TYPE_CHECKING:
    from .endpoint import Endpoint

__all__ = ["EventReader", "is_asynchronous"]

#: How many messages are kept for `next`.
QUEUE_LENGTH = 100

#: Of how many indices the last stamp is kept.
_INDICES_KEPT = 1_000

#: A callback that is behind by so many messages is complained about.
_BACKLOG_WORTH_A_WARNING = 1000

Callback = Callable[[Any], Awaitable[None] | None]


class EventReader:
    """Reads one event, or one topic of telemetry.

    Parameters
    ----------
    topic
        What to read.
    owner
        The endpoint it belongs to.

    Attributes
    ----------
    topic
        As given.
    allow_multiple_callbacks
        May an asynchronous callback be called again while it runs?
    """

    def __init__(self, topic: TopicSpec, owner: Endpoint) -> None:
        self.topic = topic
        self.allow_multiple_callbacks = False
        self._owner = owner
        self._record = record_class(topic)
        self._newest: dict[int, float] = {}
        self._current: Record | None = None
        self._queue: collections.deque[Record] = collections.deque(maxlen=QUEUE_LENGTH)
        #: How many were pushed out of the queue; None as long as nobody takes from it.
        self._overrun: int | None = None
        self._waiters: set[asyncio.Future[Record]] = set()
        self._callback: Callback | None = None
        self._is_asynchronous = False
        self._backlog: collections.deque[Record] = collections.deque()
        self._is_running = False

    @property
    def callback(self) -> Callback | None:
        """Called with each message; None for no callback.

        While there is one, the queue of `next` stays empty, and `next`, `aget`,
        `get_oldest` and `flush` are refused. Setting one empties the queue.
        """
        return self._callback

    @callback.setter
    def callback(self, callback: Callback | None) -> None:
        if callback is not None and not callable(callback):
            raise TypeError(f"a callback must be callable, not {callback!r}")
        self._callback = callback
        self._is_asynchronous = callback is not None and is_asynchronous(callback)
        self._queue.clear()
        self._backlog.clear()

    @property
    def has_callback(self) -> bool:
        """Is there a callback?"""
        return self._callback is not None

    @property
    def has_data(self) -> bool:
        """Has a message ever been seen?"""
        self._owner.check_open()
        return self._current is not None

    @property
    def nqueued(self) -> int:
        """How many messages wait to be taken by `next`."""
        return len(self._queue)

    def get(self) -> Any:
        """Return the latest message, or None if there has been none."""
        self._owner.check_open()
        return self._current

    def get_oldest(self) -> Any:
        """Take the oldest message of the queue, or return None if it is empty."""
        self._check_no_callback()
        self._note_taking()
        return self._queue.popleft() if self._queue else None

    def flush(self) -> None:
        """Empty the queue."""
        self._check_no_callback()
        self._queue.clear()

    async def aget(self, timeout: float | None = None) -> Any:
        """Return the latest message; wait for one if there has been none.

        Parameters
        ----------
        timeout
            Time limit (seconds); None for none.

        Raises
        ------
        TimeoutError
            If there is no message in time.
        """
        self._check_no_callback()
        if self._current is None:
            await self._arrival(timeout)
        return self._current

    async def next(self, *, flush: bool, timeout: float | None = None) -> Any:
        """Take the oldest message of the queue; wait for one if it is empty.

        All that wait at the same time get the same message.

        Parameters
        ----------
        flush
            Empty the queue first, to wait for a new message?
        timeout
            Time limit (seconds); None for none.

        Raises
        ------
        TimeoutError
            If there is no message in time.
        """
        self._check_no_callback()
        if flush:
            self._queue.clear()
        self._note_taking()
        if self._queue:
            return self._queue.popleft()
        record = await self._arrival(timeout)
        if self._queue and self._queue[0] is record:
            self._queue.popleft()
        return record

    def deliver(self, message: Message) -> None:
        """Take a message from the bus."""
        index = message.get("salIndex", 0)
        stamp = message["private_sndStamp"]
        newest = self._newest.get(index)
        if newest is None:
            if len(self._newest) >= _INDICES_KEPT:
                del self._newest[next(iter(self._newest))]
        elif stamp < newest:
            return
        self._newest[index] = stamp
        message["private_rcvStamp"] = self._owner.domain.clock.tai()
        self._current = record = self._record.received(message)
        if self._callback is None:
            self._note_overrun()
            self._queue.append(record)
            for waiter in self._waiters:
                if not waiter.done():
                    waiter.set_result(record)
        elif not self._is_asynchronous:
            self._call(self._callback, record)
        elif not self._owner.is_running:
            return
        elif self.allow_multiple_callbacks:
            self._owner.spawn(self._await_callback(record), f"{self.topic.name} callback", background=True)
        else:
            self._queue_for_callback(record)

    def close(self) -> None:
        """Wake those who wait, with an error; nothing more will come."""
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_exception(ComponentError(f"{self._owner.title} was closed"))

    def _note_taking(self) -> None:
        if self._overrun is None or len(self._queue) <= 1:
            self._overrun = 0

    def _note_overrun(self) -> None:
        if self._overrun is None or len(self._queue) < QUEUE_LENGTH:
            return
        self._overrun += 1
        if self._overrun == 1:
            self._owner.log.error(
                "%s: the queue of %d messages is full, the oldest are lost; take them faster, "
                "or set a callback, which is given all",
                self.topic.name,
                QUEUE_LENGTH,
            )

    def _queue_for_callback(self, record: Record) -> None:
        self._backlog.append(record)
        if len(self._backlog) % _BACKLOG_WORTH_A_WARNING == 0:
            self._owner.log.warning(
                "%s: the callback is %d messages behind", self.topic.name, len(self._backlog)
            )
        if not self._is_running:
            self._is_running = True
            self._owner.spawn(self._work_off(), f"{self.topic.name} callbacks", background=True)

    async def _work_off(self) -> None:
        try:
            while self._backlog:
                await self._await_callback(self._backlog.popleft())
        finally:
            self._is_running = False

    def _call(self, callback: Callback, record: Record) -> None:
        with self._logging(record):
            result = callback(record)
            if result is not None and inspect.isawaitable(result) and self._owner.is_running:
                self._owner.spawn(
                    self._finish(result, record), f"{self.topic.name} callback", background=True
                )

    async def _await_callback(self, record: Record) -> None:
        with self._logging(record):
            if self._callback is not None:
                result = self._callback(record)
                if result is not None:
                    await result

    async def _finish(self, result: Awaitable[None], record: Record) -> None:
        with self._logging(record):
            await result

    @contextlib.contextmanager
    def _logging(self, record: Record) -> Iterator[None]:
        """Log what a callback raises; nothing else comes of it."""
        try:
            yield
        except ExpectedError as error:
            self._owner.log.warning("%s: %s", self.topic.name, error)
        except Exception:
            self._owner.log.exception("%s: the callback failed with %r", self.topic.name, record)

    async def _arrival(self, timeout: float | None) -> Record:
        """Wait for a message, which stays in the queue."""
        waiter: asyncio.Future[Record] = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        try:
            async with asyncio.timeout(timeout):
                await waiter
        except TimeoutError:
            if waiter.cancelled() or not waiter.done():
                raise TimeoutError(f"{self._owner.title}: no {self.topic.name} within {timeout} s") from None
        finally:
            self._waiters.discard(waiter)
        return waiter.result()

    def _check_no_callback(self) -> None:
        self._owner.check_open()
        if self._callback is not None:
            raise ComponentError(
                f"{self.topic.name} has a callback, which gets all messages; set it to None, or use get"
            )


def is_asynchronous(callback: Callable[..., Any]) -> bool:
    """Does calling it give something to await?"""
    return inspect.iscoroutinefunction(callback) or inspect.iscoroutinefunction(type(callback).__call__)
