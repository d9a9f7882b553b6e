# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the queue's side knows of a child that the keeper owns."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .contract import Identity, Launched

__all__ = ["KeptChild", "KeptStatus", "launched_as"]


@dataclass(frozen=True, slots=True)
class KeptStatus:
    """How a child ended.

    Attributes
    ----------
    exit_code, signal
        Both None if that is not known.
    ended_at_s
        When, in seconds since the machine was started; None if that is not known.
    """

    exit_code: int | None
    signal: int | None
    ended_at_s: float | None = None


@dataclass(eq=False, slots=True)
class KeptChild:
    """A child, from the request to the telling of its exit.

    Attributes
    ----------
    launch_id, sal_index
        As in the request.
    launched
        Done when its program has been executed.
    ended
        Done when the keeper has said that it has ended.
    owner
        The task that sees it off.
    kill_after_s
        From when it is to be ended: seconds from SIGTERM to SIGKILL.
    is_unwanted
        Whether its launch was cancelled, so that nobody is told of its exit.
    is_inherited
        Whether an earlier queue has launched it.
    """

    launch_id: str
    sal_index: int
    launched: asyncio.Future[Launched]
    ended: asyncio.Future[KeptStatus]
    owner: asyncio.Task[None] = field(init=False)
    kill_after_s: float | None = None
    is_unwanted: bool = False
    is_inherited: bool = False

    @property
    def running(self) -> Launched | None:
        """What was launched, if it was, and has not ended."""
        is_launched = self.launched.done() and not self.launched.cancelled()
        return self.launched.result() if is_launched and not self.ended.done() else None


def launched_as(described: Mapping[str, Any]) -> Launched:
    """Return what was launched, from the keeper's description of a child."""
    return Launched(described["launch_id"], Identity(*described["identity"]), described["output_path"])
