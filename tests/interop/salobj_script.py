# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A script on salobj's own BaseScript; what it does is in its configuration."""

from __future__ import annotations

import asyncio
import pathlib
from typing import Any

import lsst.ts.salobj as salobj

SCHEMA = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "type": "object",
    "properties": {
        "refuse": {"type": "boolean", "default": False},
        "fail": {"type": "boolean", "default": False},
        "wait": {"type": "boolean", "default": False},
        "note": {"type": "string", "default": ""},
    },
    "additionalProperties": False,
}


class Probe(salobj.BaseScript):  # type: ignore[misc]
    """Passes two checkpoints; in between it waits or fails, if it is told to."""

    def __init__(self, index: int) -> None:
        super().__init__(index=index, descr="a probe", help="for tests")

    @classmethod
    def get_schema(cls) -> dict[str, Any]:
        return SCHEMA

    async def configure(self, config: Any) -> None:
        if config.refuse:
            raise RuntimeError("told to refuse")
        self.config = config

    def set_metadata(self, metadata: Any) -> None:
        metadata.duration = 12.5
        metadata.instrument = "LATISS"
        metadata.nimages = 3
        metadata.filters = "r,i"
        metadata.survey = "interop"
        metadata.position = [10.0, -20.0]
        metadata.totalCheckpoints = 2

    async def run(self) -> None:
        await self.checkpoint("begin")
        if self.config.wait:
            await asyncio.Event().wait()
        if self.config.fail:
            raise RuntimeError("told to fail")
        await self.checkpoint("end")

    async def cleanup(self) -> None:
        if self.config.note:
            self.leave_note()

    def leave_note(self) -> None:
        with pathlib.Path(self.config.note).open("a") as note:
            note.write(self.group_id)


if __name__ == "__main__":
    asyncio.run(Probe.amain())
