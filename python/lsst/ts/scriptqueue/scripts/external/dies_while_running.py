#!/usr/bin/env python3
# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Die while running, without another word, as if killed."""

import asyncio
import os
import sys
import types
from typing import Any

from lsst.ts.scriptqueue.sal import BaseScript


class DiesWhileRunning(BaseScript):
    """Run for a while, then let the whole process die."""

    def __init__(self, index: int) -> None:
        super().__init__(index=index, descr="Die while running.")
        self.after = 0.0

    @classmethod
    def get_schema(cls) -> dict[str, Any]:
        return {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "title": "DiesWhileRunning v1",
            "type": "object",
            "properties": {
                "after": {
                    "description": "When to die (seconds from the start).",
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
        await self.checkpoint("still alive")
        await asyncio.sleep(self.after)
        print("a library called abort()", file=sys.stderr, flush=True)
        os._exit(3)


if __name__ == "__main__":
    DiesWhileRunning.main()
