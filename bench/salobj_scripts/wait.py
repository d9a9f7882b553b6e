# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The script that is measured, on salobj: what scripts/wait.py is on ours.

The program writes it beside the deployed ScriptQueue, with a first line that
names an interpreter that has salobj.
"""

import asyncio
import types
from typing import Any

import lsst.ts.salobj as salobj
import yaml


class Wait(salobj.BaseScript):  # type: ignore[misc]
    """Wait for a time."""

    def __init__(self, index: int) -> None:
        super().__init__(index=index, descr="Wait for a time.")
        self.duration = 0.0

    @classmethod
    def get_schema(cls) -> dict[str, Any]:
        schema: dict[str, Any] = yaml.safe_load(
            """
            $schema: http://json-schema.org/draft-07/schema#
            title: Wait v1
            type: object
            properties:
              duration:
                description: How long to wait (seconds).
                type: number
                minimum: 0
                default: 0
            additionalProperties: false
            """
        )
        return schema

    async def configure(self, config: types.SimpleNamespace) -> None:
        self.duration = config.duration

    def set_metadata(self, metadata: Any) -> None:
        metadata.duration = self.duration

    async def run(self) -> None:
        self.log.info("Waiting for %s s.", self.duration)
        await asyncio.sleep(self.duration)


if __name__ == "__main__":
    asyncio.run(Wait.amain())
