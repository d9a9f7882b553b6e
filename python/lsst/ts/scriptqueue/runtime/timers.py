# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time limits: the core starts them as effects and hears of them as events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ..core.effects import CancelTimer, SetTimer

__all__ = ["Timers"]


class Timers:
    """The time limits that run, on the clock of the event loop.

    Parameters
    ----------
    expired
        Told of each limit that has run out.
    """

    def __init__(self, expired: Callable[[SetTimer], None]) -> None:
        self._expired = expired
        self._handles: dict[int, asyncio.TimerHandle] = {}

    def start(self, effect: SetTimer) -> None:
        loop = asyncio.get_running_loop()
        self._handles[effect.request] = loop.call_later(effect.delay_s, self._expire, effect)

    def cancel(self, effect: CancelTimer) -> None:
        handle = self._handles.pop(effect.request, None)
        if handle is not None:
            handle.cancel()

    def cancel_all(self) -> None:
        for handle in self._handles.values():
            handle.cancel()
        self._handles.clear()

    def _expire(self, effect: SetTimer) -> None:
        del self._handles[effect.request]
        self._expired(effect)
