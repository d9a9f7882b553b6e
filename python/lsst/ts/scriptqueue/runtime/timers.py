# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time limits: the core starts them as effects and hears of them as events.

A limit on somebody's answer is only fair while answers can arrive. So whoever
knows tells these timers when the middleware was last seen to carry a message
all the way. A limit that is due while that is too long ago is put off: it
begins anew when the middleware is back, because the question may not even
have left. One that is due before any proof from its own time has arrived
waits for that, and is then over. Until a first proof has come, limits count as
they are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ..core.effects import CancelTimer, SetTimer

__all__ = ["FRESH_S", "Timers"]

#: A proof that the middleware works is good for so long (seconds).
FRESH_S = 2.5


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
        self._overdue: dict[int, tuple[SetTimer, float]] = {}
        self._put_off: dict[int, SetTimer] = {}
        self._heard_at: float | None = None

    def start(self, effect: SetTimer) -> None:
        loop = asyncio.get_running_loop()
        self._handles[effect.request] = loop.call_later(effect.delay_s, self._due, effect, loop.time())

    def cancel(self, effect: CancelTimer) -> None:
        self._overdue.pop(effect.request, None)
        self._put_off.pop(effect.request, None)
        handle = self._handles.pop(effect.request, None)
        if handle is not None:
            handle.cancel()

    def cancel_all(self) -> None:
        for handle in self._handles.values():
            handle.cancel()
        for limits in (self._handles, self._overdue, self._put_off):
            limits.clear()

    def heard(self, age_s: float) -> None:
        """Take a proof that the middleware works: a message sent so long ago has come all the way."""
        self._heard_at = heard_at = max(
            self._heard_at or 0.0, asyncio.get_running_loop().time() - max(0.0, age_s)
        )
        if self._put_off and self.is_fresh:
            limits, self._put_off = self._put_off, {}
            for effect in limits.values():
                self.start(effect)
        for request, (effect, began_at) in list(self._overdue.items()):
            if heard_at >= began_at:
                del self._overdue[request]
                self._expired(effect)

    def _due(self, effect: SetTimer, began_at: float) -> None:
        del self._handles[effect.request]
        if self._heard_at is None:
            self._expired(effect)
        elif not self.is_fresh:
            self._put_off[effect.request] = effect
        elif self._heard_at < began_at:
            self._overdue[effect.request] = effect, began_at
        else:
            self._expired(effect)

    @property
    def is_fresh(self) -> bool:
        """Is there a proof, and is it good still?"""
        return self._heard_at is not None and asyncio.get_running_loop().time() - self._heard_at <= FRESH_S
