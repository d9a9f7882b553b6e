# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work that waits now and then, while others are served."""

from __future__ import annotations

from collections.abc import Callable, Generator

from .leftovers import Pause
from .poll import Poll

__all__ = ["drive"]


def drive(poll: Poll, work: Generator[Pause, None, object], done: Callable[..., None]) -> None:
    """Go on with some work whenever what it waits for has come, until it is done; then pass on its result."""
    try:
        descriptors, seconds = next(work)
    except StopIteration as stop:
        done(stop.value)
        return

    def go_on() -> None:
        poll.cancel(work)
        for descriptor in descriptors:
            poll.unwatch(descriptor)
        drive(poll, work, done)

    for descriptor in descriptors:
        poll.watch(descriptor, go_on)
    poll.after(seconds, work, go_on)
