#!/usr/bin/env python3
# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fail while running, as a telescope does at its worst."""

import asyncio
import types
from typing import Any

from lsst.ts.scriptqueue.sal import BaseScript


class FailsWhileRunning(BaseScript):
    """Run for a while, then fail."""

    def __init__(self, index: int) -> None:
        super().__init__(index=index, descr="Fail while running.")
        self.after = 0.0

    @classmethod
    def get_schema(cls) -> dict[str, Any]:
        return {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "title": "FailsWhileRunning v1",
            "type": "object",
            "properties": {
                "after": {
                    "description": "When to fail (seconds from the start).",
                    "type": "number",
                    "minimum": 0,
                    "default": 0.5,
                },
            },
            "additionalProperties": False,
        }

    async def configure(self, config: types.SimpleNamespace) -> None:
        self.after = config.after

    def set_metadata(self, metadata: Any) -> None:
        metadata.duration = self.after
        metadata.totalCheckpoints = 1

    async def run(self) -> None:
        await self.checkpoint("so far so good")
        await asyncio.sleep(self.after)
        raise RuntimeError("the mirror covers do not open")

    async def cleanup(self) -> None:
        self.log.info("The mirror covers are released.")


if __name__ == "__main__":
    FailsWhileRunning.main()
