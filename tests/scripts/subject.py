# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A script that does what a test wants of it."""

from __future__ import annotations

import asyncio
import types
from typing import Any

from lsst.ts.scriptqueue.sal import BaseScript, ExpectedError
from lsst.ts.scriptqueue.testing import pass_time

SCHEMA = {
    "type": "object",
    "properties": {
        "checkpoints": {"type": "array", "items": {"type": "string"}, "default": ["start", "end"]},
        "step_s": {"type": "number", "minimum": 0, "default": 10},
        "fail": {
            "type": "string",
            "enum": ["", "configure", "configure expectedly", "metadata", "run", "run expectedly", "cleanup"],
            "default": "",
        },
        "hang": {"type": "string", "enum": ["", "configure", "cleanup", "after stop"], "default": ""},
    },
    "additionalProperties": False,
}


class Subject(BaseScript):
    """Passes checkpoints, waits before each, and fails where it is told to."""

    def __init__(self, index: int) -> None:
        super().__init__(index=index, descr="A script under test", help="It does as it is told.")
        self.config = types.SimpleNamespace()
        self.calls: list[str] = []
        self.began = asyncio.Event()
        self.go_on = asyncio.Event()

    @classmethod
    def get_schema(cls) -> dict[str, Any]:
        return SCHEMA

    async def configure(self, config: types.SimpleNamespace) -> None:
        self.calls.append("configure")
        self.config = config
        self.began.set()
        if config.hang == "configure":
            await self.go_on.wait()
        self._fail_in("configure")

    def set_metadata(self, metadata: Any) -> None:
        if self.config.fail == "metadata":
            metadata.durration = 1
        metadata.duration = self.config.step_s * len(self.config.checkpoints)
        metadata.totalCheckpoints = len(self.config.checkpoints)

    async def run(self) -> None:
        self.calls.append("run")
        for name in self.config.checkpoints:
            try:
                await pass_time(self.config.step_s)
            except asyncio.CancelledError:
                if self.config.hang != "after stop":
                    raise
            await self.checkpoint(name)
        self._fail_in("run")

    async def cleanup(self) -> None:
        self.calls.append("cleanup")
        if self.config.hang == "cleanup":
            await self.go_on.wait()
        self._fail_in("cleanup")

    def _fail_in(self, place: str) -> None:
        if self.config.fail == place:
            raise ValueError(f"a mistake in {place}")
        if self.config.fail == f"{place} expectedly":
            raise ExpectedError(f"no {place} today")
