# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A CSC that tells what its hooks are called for."""

from __future__ import annotations

from typing import Any

from lsst.ts.scriptqueue.sal import BaseCsc, Domain, ExpectedError


class Telling(BaseCsc):
    """A CSC whose hooks tell what they are called for, and fail if told to."""

    def __init__(self, domain: Domain, **kwargs: Any) -> None:
        self.story: list[str] = []
        self.failing: str | None = None
        super().__init__(domain, "ScriptQueue", 1, **({"duplicate_watch_s": 0} | kwargs))

    def tell(self, hook: str) -> None:
        self.story.append(f"{hook} {self.summary_state.name}")
        if hook == self.failing:
            raise ExpectedError(f"{hook} failed")

    async def handle_summary_state(self) -> None:
        self.tell("handle")

    async def begin_start(self, data: Any) -> None:
        self.tell(f"begin_start {data.configurationOverride}".strip())

    async def end_start(self, data: Any) -> None:
        self.tell("end_start")

    async def begin_enable(self, data: Any) -> None:
        self.tell("begin_enable")

    async def end_enable(self, data: Any) -> None:
        self.tell("end_enable")
