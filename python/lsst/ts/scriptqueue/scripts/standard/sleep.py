#!/usr/bin/env python3
# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait for a time, and do nothing else."""

import asyncio
import types
from typing import Any

import yaml

from lsst.ts.scriptqueue.sal import BaseScript


class Sleep(BaseScript):
    """Wait for a time."""

    def __init__(self, index: int) -> None:
        super().__init__(index=index, descr="Wait for a time.")
        self.sleep_for = 0.0

    @classmethod
    def get_schema(cls) -> dict[str, Any]:
        schema: dict[str, Any] = yaml.safe_load(
            """
            $schema: http://json-schema.org/draft-07/schema#
            title: Sleep v1
            type: object
            properties:
              sleep_for:
                description: How long to wait (seconds).
                type: number
                minimum: 0
                default: 1
            additionalProperties: false
            """
        )
        return schema

    async def configure(self, config: types.SimpleNamespace) -> None:
        self.sleep_for = config.sleep_for

    def set_metadata(self, metadata: Any) -> None:
        metadata.duration = self.sleep_for

    async def run(self) -> None:
        self.log.info("Waiting for %s s.", self.sleep_for)
        await asyncio.sleep(self.sleep_for)


if __name__ == "__main__":
    asyncio.run(Sleep.amain())
