# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client that hears the states of scripts, and when."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lsst.ts.scriptqueue.sal import Domain, Remote, ScriptState

__all__ = ["Report", "ScriptWatch"]


@dataclass(frozen=True, slots=True)
class Report:
    """A state that a script reported.

    Attributes
    ----------
    heard
        When it was heard (seconds of the performance counter).
    sent_tai
        When the script sent it (TAI unix seconds).
    """

    heard: float
    sent_tai: float


class ScriptWatch:
    """Hears the states of all scripts; a context manager.

    Parameters
    ----------
    domain
        Where to listen.

    Attributes
    ----------
    bus
        The bus of that domain.
    """

    def __init__(self, domain: Domain) -> None:
        self.bus = domain.bus
        self._remote = Remote(domain, "Script", include=("state",), readonly=True)
        self._remote.evt_state.callback = self._heard
        self._reports: dict[tuple[int, ScriptState], Report] = {}
        self._news = asyncio.Event()

    async def __aenter__(self) -> ScriptWatch:
        await self._remote.start_task
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._remote.close()

    def forget(self) -> None:
        """Forget what was heard."""
        self._reports.clear()

    async def reached(
        self, indices: Iterable[int], state: ScriptState, limit_s: float
    ) -> Mapping[int, Report]:
        """Wait until scripts have reported a state, and return when.

        Raises
        ------
        TimeoutError
            If one does not in time.
        """
        wanted = [(index, state) for index in indices]
        async with asyncio.timeout(limit_s):
            while not all(key in self._reports for key in wanted):
                self._news.clear()
                await self._news.wait()
        return {index: self._reports[index, state] for index, state in wanted}

    def _heard(self, data: Any) -> None:
        heard = time.perf_counter()
        self._reports.setdefault(
            (data.salIndex, ScriptState(data.state)), Report(heard, data.private_sndStamp)
        )
        self._news.set()
