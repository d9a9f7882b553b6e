# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running a script author's code so that it can be stopped, and how it ended.

Whatever the author's code raises becomes a value here, which the script's
life is then a matter of tables.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from .errors import ExpectedError

__all__ = ["Outcome", "ScriptWork"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a piece of work ended.

    Attributes
    ----------
    is_stopped
        Was it stopped, or did it stop itself?
    error
        What it raised.
    stop_reason
        Why it was stopped, if there is something to say.
    """

    is_stopped: bool
    error: BaseException | None = None
    stop_reason: str = ""

    @property
    def is_expected(self) -> bool:
        """Is the error one of which the text says all?"""
        return isinstance(self.error, ExpectedError)

    @property
    def reason(self) -> str:
        """The error in words; "" if there is none."""
        return "" if self.error is None else _words(self.error)


class ScriptWork:
    """A piece of the author's code that runs.

    Attributes
    ----------
    is_stop_asked
        Was it told to stop?
    stop_reason
        Why, if there is something to say.
    """

    def __init__(self) -> None:
        self.is_stop_asked = False
        self.stop_reason = ""
        self._task: asyncio.Task[None] | None = None

    async def attend(self, work: Coroutine[Any, Any, None], name: str) -> Outcome:
        """Run it to its end. If this is cancelled, so is the work."""
        self._task = asyncio.create_task(work, name=name)
        try:
            await asyncio.wait([self._task])
        finally:
            if not self._task.done():
                self._task.cancel()
                await asyncio.wait([self._task])
        if self._task.cancelled():
            return Outcome(True, stop_reason=self.stop_reason)
        error = self._task.exception()
        return Outcome(self.is_stop_asked and error is None, error, self.stop_reason)

    def stop(self, reason: str = "") -> None:
        """Cancel it, once: how it then cleans up is its own affair."""
        if self.is_stop_asked:
            return
        self.is_stop_asked = True
        self.stop_reason = reason
        if self._task is not None:
            self._task.cancel()


def _words(error: BaseException) -> str:
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(_words(one) for one in error.exceptions)
    if isinstance(error, ExpectedError):
        return str(error)
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
