# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Log records become ``logMessage`` events.

The handler only puts a record into a bounded queue, which one task writes; what
other threads log is handed to the loop's thread first. So logging never waits
for the middleware, and what writing logs in turn is not relayed again. Floods
are cut: beyond a burst, no more than so many a second go out, and one message
says how many did not.
"""

from __future__ import annotations

import asyncio
import collections
import contextvars
import logging
import threading
from contextlib import suppress
from typing import Any

from ..bus.contract import BusError
from .clock import Clock
from .errors import ComponentError
from .records import wire_text
from .writer import EventWriter

__all__ = ["LogRelay"]

#: So many messages go out at once, and so many a second after that.
BURST = 200
RATE_PER_S = 50.0

_is_relaying: contextvars.ContextVar[bool] = contextvars.ContextVar("sal_log_relay", default=False)


class LogRelay(logging.Handler):
    """Relays the records of one logger, of level INFO and above.

    Parameters
    ----------
    log
        The logger.
    writer
        The event ``logMessage``.
    clock
        Where the time stamps come from.
    """

    def __init__(self, log: logging.Logger, writer: EventWriter, clock: Clock) -> None:
        super().__init__(logging.INFO)
        self._log = log
        self._writer = writer
        self._clock = clock
        self._traceback_formatter = logging.Formatter()
        self._queue: collections.deque[dict[str, Any]] = collections.deque()
        self._lost = 0
        self._allowance = float(BURST)
        self._allowance_at = 0.0
        self._arrived = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loop_thread = 0

    def emit(self, record: logging.LogRecord) -> None:
        if self._loop is None or _is_relaying.get():
            return
        try:
            fields = self._fields(record)
        except (TypeError, ValueError):
            # Arguments that do not fit the format: Python's own way of complaining.
            self.handleError(record)
            return
        if threading.get_ident() == self._loop_thread:
            self._take(fields)
        else:
            with suppress(RuntimeError):  # The loop was closed; nobody can be told.
                self._loop.call_soon_threadsafe(self._take, fields)

    async def run(self) -> None:
        """Write what is logged, for ever."""
        _is_relaying.set(True)
        loop = asyncio.get_running_loop()
        self._allowance_at = loop.time()
        while True:
            while self._queue or self._lost:
                await asyncio.sleep(self._delay_s(loop.time()))
                await self._write_next()
            self._arrived.clear()
            await self._arrived.wait()

    async def drain(self) -> None:
        """Write what is left, whatever the rate."""
        token = _is_relaying.set(True)
        try:
            # Other threads may have handed over records a moment ago.
            await asyncio.sleep(0)
            while self._queue or self._lost:
                await self._write_next()
        finally:
            _is_relaying.reset(token)

    def attach(self) -> None:
        """Begin to take records; called by the loop that will run it."""
        self._loop = asyncio.get_running_loop()
        self._loop_thread = threading.get_ident()
        self._log.addHandler(self)

    def detach(self) -> None:
        """Take no more records."""
        self._log.removeHandler(self)
        self.close()

    def _take(self, fields: dict[str, Any]) -> None:
        if len(self._queue) >= BURST:
            self._lost += 1
        else:
            self._queue.append(fields | {"timestamp": self._clock.tai()})
        self._arrived.set()

    async def _write_next(self) -> None:
        if self._queue:
            fields = self._queue.popleft()
        else:
            lost, self._lost = self._lost, 0
            text = f"{lost} log messages were not sent: they came faster than {RATE_PER_S:.0f} a second"
            fields = {"name": self._log.name, "level": logging.WARNING, "message": text}
        try:
            await self._writer.set_write(force_output=True, **self._blank() | fields)
        except (BusError, ComponentError):
            # Relaying is off here, so this reaches the other handlers only.
            self._log.exception("a log message could not be written")

    def _blank(self) -> dict[str, Any]:
        return {
            "traceback": "",
            "filePath": "",
            "functionName": "",
            "lineNumber": 0,
            "process": 0,
            "timestamp": self._clock.tai(),
        }

    def _fields(self, record: logging.LogRecord) -> dict[str, Any]:
        traceback = self._traceback_formatter.formatException(record.exc_info) if record.exc_info else ""
        return {
            "name": wire_text(record.name),
            "level": record.levelno,
            "message": wire_text(record.getMessage()),
            "traceback": wire_text(traceback),
            "filePath": wire_text(record.pathname),
            "functionName": wire_text(record.funcName or ""),
            "lineNumber": record.lineno,
            "process": record.process or 0,
        }

    def _delay_s(self, now: float) -> float:
        """Take one from the allowance, and return how long to wait for it (seconds)."""
        gained = (now - self._allowance_at) * RATE_PER_S
        self._allowance = min(float(BURST), self._allowance + gained) - 1.0
        self._allowance_at = now
        return max(0.0, -self._allowance / RATE_PER_S)
