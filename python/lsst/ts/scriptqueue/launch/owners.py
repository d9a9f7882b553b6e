# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for the tasks that own children."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from typing import Any

__all__ = ["CLOSE_MARGIN_S", "first_of", "give_up_late"]

logger = logging.getLogger(__name__)

#: How much longer than its stop plan a child, and who owns it, may take to go, in seconds.
CLOSE_MARGIN_S = 3.0


async def first_of(*futures: asyncio.Future[Any]) -> None:
    """Wait until one of several futures is done; never cancels them."""
    await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)


async def give_up_late(owners: Collection[asyncio.Task[None]], kill_after_s: float) -> None:
    """Wait until all children are seen off, for so long as that may take; cancel what takes longer."""
    if not owners:
        return
    _, late = await asyncio.wait(owners, timeout=kill_after_s + CLOSE_MARGIN_S)
    for task in late:
        logger.error("%s could not be ended in time and is given up", task.get_name())
        task.cancel()
    if late:
        await asyncio.wait(late)
