# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that a script leaves behind, and their end; what counts as one: `keeper.leftovers`.

Many scripts that end together share one look at all processes of the machine.
"""

from __future__ import annotations

import asyncio
import logging
import select
from collections.abc import Mapping

from ..keeper.leftovers import PATIENCE_S, hunt

__all__ = ["Leftovers", "end_leftovers"]

logger = logging.getLogger(__name__)


class Leftovers:
    """Ends the leftovers of scripts; calls that come together are one look."""

    def __init__(self) -> None:
        self._asked: dict[str, int] = {}
        self._looking = asyncio.Lock()

    async def end(self, launch_id: str, group: int) -> None:
        """End what a script left behind.

        Parameters
        ----------
        launch_id
            The script's launch.
        group
            Its process group. Its leader must not have been reaped yet, so
            that the number cannot mean another group.
        """
        self._asked[launch_id] = group
        async with self._looking:
            if launch_id not in self._asked:
                return
            asked, self._asked = self._asked, {}
            gone = await asyncio.to_thread(end_leftovers, asked)
        if not gone:
            logger.error("processes of %s could not be killed within %s s", ", ".join(asked), PATIENCE_S)


def end_leftovers(groups: Mapping[str, int]) -> bool:
    """Kill the leftovers of some scripts and wait, bounded, until they are gone.

    Parameters
    ----------
    groups
        Launch id to process group.

    Returns
    -------
    gone
        Whether none is left.
    """
    hunting = hunt(groups)
    while True:
        try:
            descriptors, seconds = next(hunting)
        except StopIteration as stop:
            return bool(stop.value)
        poller = select.poll()
        for descriptor in descriptors:
            poller.register(descriptor, select.POLLIN)
        poller.poll(seconds * 1000)
