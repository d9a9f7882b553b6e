#!/usr/bin/env python3
# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A script that does what its configuration says, and writes down that it ran and how that ended."""

import asyncio
import os
import pathlib
import signal
import time
import types
from typing import Any

from lsst.ts.scriptqueue.sal import BaseScript


class Act(BaseScript):
    """Write down that it runs, wait, and end in one way or another."""

    def __init__(self, index: int) -> None:
        super().__init__(index=index, descr="Writes down what it does.")
        self.own_index = index

    @classmethod
    def get_schema(cls) -> dict[str, Any]:
        return {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "diary": {"type": "string"},
                "how": {"enum": ["done", "fail", "die", "bad"]},
                "configure_s": {"type": "number"},
                "run_s": {"type": "number"},
            },
            "required": ["name", "diary", "how", "configure_s", "run_s"],
            "additionalProperties": False,
        }

    async def configure(self, config: types.SimpleNamespace) -> None:
        self.config = config
        await asyncio.sleep(config.configure_s)
        if config.how == "bad":
            raise ValueError("told not to be configured")

    def set_metadata(self, metadata: Any) -> None:
        metadata.duration = self.config.run_s

    async def run(self) -> None:
        self.write("begin")
        try:
            await asyncio.sleep(self.config.run_s)
        except asyncio.CancelledError:
            self.write("end stopped")
            raise
        if self.config.how == "fail":
            self.write("end failed")
            raise RuntimeError("told to fail")
        if self.config.how == "die":
            self.write("end died")
            os.kill(os.getpid(), signal.SIGKILL)
        self.write("end done")

    def write(self, what: str) -> None:
        """Add a line to the diary of this index: when (UTC, unix seconds), which process, and what."""
        with open(pathlib.Path(self.config.diary) / str(self.own_index), "a") as diary:
            diary.write(f"{time.time()} {os.getpid()} {what}\n")


if __name__ == "__main__":
    asyncio.run(Act.amain())
