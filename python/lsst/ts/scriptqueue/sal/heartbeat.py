# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sign of life of a component."""

from __future__ import annotations

import asyncio
import logging

from ..bus.contract import BusError
from .writer import EventWriter

__all__ = ["beat"]


async def beat(writer: EventWriter, interval_s: float, log: logging.Logger) -> None:
    """Write heartbeats for ever, the first one now.

    A heartbeat that cannot be written is complained about once, until one can.

    Parameters
    ----------
    writer
        The event ``heartbeat``.
    interval_s
        Time between two (seconds); late ones do not shift those after them.
    log
        Where to complain.
    """
    loop = asyncio.get_running_loop()
    due = loop.time()
    is_failing = False
    while True:
        try:
            await writer.write()
            is_failing = False
        except BusError as error:
            if not is_failing:
                log.error("the heartbeat cannot be written: %s", error)
            is_failing = True
        now = loop.time()
        due += interval_s
        if due < now:
            due = now
        await asyncio.sleep(due - now)
