#!/usr/bin/env python3
# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calibrate the camera with flat fields, filter by filter. All is simulated."""

import asyncio
import types
from typing import Any

from lsst.ts.scriptqueue.sal import BaseScript, MetadataDome

#: Time to change the filter, and to adjust the lamp to it (seconds).
CHANGE_TIME = 0.3


class TakeFlats(BaseScript):
    """Take flat fields in one filter after the other, with the dome closed."""

    def __init__(self, index: int) -> None:
        super().__init__(
            index=index,
            descr="Take flat fields.",
            help="The checkpoints are named `filter r` and `flat 2 of 3 in r`.",
        )
        self.config = types.SimpleNamespace()

    @classmethod
    def get_schema(cls) -> dict[str, Any]:
        return {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "title": "TakeFlats v1",
            "type": "object",
            "properties": {
                "filters": {
                    "description": "Filters, in the order in which they are used.",
                    "type": "array",
                    "items": {"type": "string", "enum": ["u", "g", "r", "i", "z", "y"]},
                    "minItems": 1,
                    "default": ["r", "i"],
                },
                "flats": {
                    "description": "How many flat fields to take in each filter.",
                    "type": "integer",
                    "minimum": 1,
                    "default": 3,
                },
                "exposure_time": {
                    "description": "Exposure time of each (seconds).",
                    "type": "number",
                    "minimum": 0,
                    "default": 0.2,
                },
            },
            "additionalProperties": False,
        }

    async def configure(self, config: types.SimpleNamespace) -> None:
        self.config = config
        self.lamp_is_on = False

    def set_metadata(self, metadata: Any) -> None:
        filters, flats = self.config.filters, self.config.flats
        metadata.duration = len(filters) * (CHANGE_TIME + flats * self.config.exposure_time)
        metadata.nimages = len(filters) * flats
        metadata.totalCheckpoints = len(filters) * (flats + 1)
        metadata.instrument = "LSSTCam"
        metadata.filters = ",".join(filters)
        metadata.dome = MetadataDome.CLOSED

    async def run(self) -> None:
        self.lamp_is_on = True
        for name in self.config.filters:
            await self.checkpoint(f"filter {name}")
            await asyncio.sleep(CHANGE_TIME)
            for number in range(1, self.config.flats + 1):
                await self.checkpoint(f"flat {number} of {self.config.flats} in {name}")
                await asyncio.sleep(self.config.exposure_time)
            self.log.info("Took %s flat fields in %s.", self.config.flats, name)

    async def cleanup(self) -> None:
        if self.lamp_is_on:
            self.lamp_is_on = False
            self.log.info("The lamp is off.")


if __name__ == "__main__":
    TakeFlats.main()
