# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calling what blocks, in a thread of its own that ends with the call."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

__all__ = ["Interrupted", "in_thread"]

T = TypeVar("T")


class Interrupted(Exception):
    """The caller no longer waits for what is done."""


async def in_thread(function: Callable[[threading.Event], T]) -> T:
    """Call a function in a thread and return what it returns.

    Parameters
    ----------
    function
        Is given an event that is set when the caller is cancelled: then it
        should raise `Interrupted` soon, and the cancellation waits for that.
    """
    loop = asyncio.get_running_loop()
    stop = threading.Event()
    result: asyncio.Future[T] = loop.create_future()

    def settle(value: T | None, error: Exception | None) -> None:
        if result.cancelled():
            return
        if error is None:
            result.set_result(value)  # type: ignore[arg-type]
        else:
            result.set_exception(error)

    def run() -> None:
        value: T | None = None
        fault: Exception | None = None
        try:
            value = function(stop)
        except Exception as error:  # noqa: BLE001  it is raised again where the call was made
            fault = error
        loop.call_soon_threadsafe(settle, value, fault)

    thread = threading.Thread(target=run, name="kafka-call")
    thread.start()
    try:
        await asyncio.shield(result)
    except asyncio.CancelledError:
        stop.set()
        await asyncio.wait([result])
        # Whatever it was, nobody wants to know any more.
        result.exception()
        raise
    finally:
        thread.join()
    return result.result()
