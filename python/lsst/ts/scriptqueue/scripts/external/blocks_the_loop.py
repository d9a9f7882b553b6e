#!/usr/bin/env python3
# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Block the event loop: a mistake that is easily made, and what comes of it.

While it blocks, the script neither answers nor gives a sign of life. A warning
with the line that blocks appears in its log.
"""

import time
import types
from typing import Any

from lsst.ts.scriptqueue.sal import BaseScript


class BlocksTheLoop(BaseScript):
    """Wait in the wrong way."""

    def __init__(self, index: int) -> None:
        super().__init__(index=index, descr="Block the event loop.")
        self.duration = 0.0

    @classmethod
    def get_schema(cls) -> dict[str, Any]:
        return {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "title": "BlocksTheLoop v1",
            "type": "object",
            "properties": {
                "duration": {
                    "description": "How long to block (seconds).",
                    "type": "number",
                    "minimum": 0,
                    "default": 2,
                },
            },
            "additionalProperties": False,
        }

    async def configure(self, config: types.SimpleNamespace) -> None:
        self.duration = config.duration

    def set_metadata(self, metadata: Any) -> None:
        metadata.duration = self.duration

    async def run(self) -> None:
        time.sleep(self.duration)  # noqa: ASYNC251


if __name__ == "__main__":
    BlocksTheLoop.main()
