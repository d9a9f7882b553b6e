# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What clients are told: refusals, and what becomes of a command that is under way at the end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

from ..core.refusals import Refused
from ..launch.paths import ScriptPathError
from ..launch.schema import SchemaError
from ..sal.errors import ExpectedError

__all__ = ["UnfinishedError", "answered", "refusals"]

#: A command that is under way when the component closes is waited for this long (seconds).
LAST_ANSWERS_S = 1.0


class UnfinishedError(Exception):
    """The component ends before a command is done."""


async def answered(reply: asyncio.Future[str]) -> str:
    """Wait for the reply of the queue; one who is cancelled waits a moment longer.

    Raises
    ------
    Refused
        If the queue refuses.
    UnfinishedError
        If the wait was cancelled, and there was no reply in that moment.
    """
    try:
        return await asyncio.shield(reply)
    except asyncio.CancelledError:
        # It has been given to the queue, where most commands are done in a moment.
        await asyncio.wait({reply}, timeout=LAST_ANSWERS_S)
        if reply.done():
            return reply.result()
        reply.cancel()
        raise UnfinishedError("the service ends before this is done") from None


@contextlib.contextmanager
def refusals() -> Iterator[None]:
    """What the queue refuses is an error the client expected."""
    try:
        yield
    except (Refused, ScriptPathError, SchemaError) as error:
        raise ExpectedError(str(error)) from None
