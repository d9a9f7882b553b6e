# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the keeper waits for: descriptors and moments, each with what is called then."""

from __future__ import annotations

import select
import time
from collections.abc import Callable

__all__ = ["READABLE", "WRITABLE", "Poll"]

READABLE, WRITABLE = select.POLLIN, select.POLLOUT


class Poll:
    """Waits, without any work meanwhile, and calls what belongs to what has come."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self._callbacks: dict[int, Callable[[], None]] = {}
        self._moments: dict[object, tuple[float, Callable[[], None]]] = {}

    def watch(self, descriptor: int, callback: Callable[[], None], events: int = READABLE) -> None:
        """Call back whenever a descriptor is ready, or has failed."""
        self._poll.register(descriptor, events)
        self._callbacks[descriptor] = callback

    def unwatch(self, descriptor: int) -> None:
        """Do not call back any more; to be done before the descriptor is closed."""
        if self._callbacks.pop(descriptor, None) is not None:
            self._poll.unregister(descriptor)

    def after(self, seconds: float, key: object, callback: Callable[[], None]) -> None:
        """Call back once in so many seconds; replaces what was to come under the same key."""
        self._moments[key] = (time.monotonic() + seconds, callback)

    def cancel(self, key: object) -> None:
        """Do not call back what was to come under a key."""
        self._moments.pop(key, None)

    def wait(self) -> None:
        """Wait for something to come, and call what belongs to it."""
        timeout_ms = None
        if self._moments:
            remaining_s = min(moment for moment, _ in self._moments.values()) - time.monotonic()
            # Rounded up, or it would come too early and be waited for again.
            timeout_ms = int(remaining_s * 1000) + 1 if remaining_s > 0 else 0
        watched = dict(self._callbacks)
        for descriptor, _ in self._poll.poll(timeout_ms):
            # One that was called may have closed another, and its number may be in use again.
            if self._callbacks.get(descriptor) is watched[descriptor]:
                watched[descriptor]()
        now = time.monotonic()
        for key, (moment, callback) in list(self._moments.items()):
            # One that was called may have cancelled another, or set it anew.
            if moment <= now and self._moments.get(key) == (moment, callback):
                del self._moments[key]
                callback()
