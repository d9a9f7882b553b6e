#!/usr/bin/env python3
# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take images of the sky. The camera is simulated."""

import asyncio
import types
from typing import Any

from lsst.ts.scriptqueue.sal import BaseScript, MetadataDome

#: Time to read an image out (seconds). A real one takes longer.
READOUT_TIME = 0.1


class TakeImages(BaseScript):
    """Take a number of images, with a checkpoint before each."""

    def __init__(self, index: int) -> None:
        super().__init__(
            index=index,
            descr="Take images of the sky.",
            help="The checkpoints are named `exposure 1 of 3` and so on.",
        )
        self.config = types.SimpleNamespace()

    @classmethod
    def get_schema(cls) -> dict[str, Any]:
        return {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "title": "TakeImages v1",
            "type": "object",
            "properties": {
                "exposures": {
                    "description": "How many images to take.",
                    "type": "integer",
                    "minimum": 1,
                    "maximum": 1000,
                    "default": 3,
                },
                "exposure_time": {
                    "description": "Exposure time of each (seconds).",
                    "type": "number",
                    "minimum": 0,
                    "default": 0.4,
                },
                "filter": {
                    "description": "Filter to use; empty for the one that is in.",
                    "type": "string",
                    "enum": ["", "u", "g", "r", "i", "z", "y"],
                    "default": "",
                },
                "instrument": {
                    "description": "Camera to use.",
                    "type": "string",
                    "enum": ["LSSTCam", "LATISS"],
                    "default": "LSSTCam",
                },
            },
            "additionalProperties": False,
        }

    async def configure(self, config: types.SimpleNamespace) -> None:
        self.config = config

    def set_metadata(self, metadata: Any) -> None:
        exposures = self.config.exposures
        metadata.duration = exposures * (self.config.exposure_time + READOUT_TIME)
        metadata.nimages = exposures
        metadata.totalCheckpoints = exposures
        metadata.instrument = self.config.instrument
        metadata.filters = self.config.filter
        metadata.dome = MetadataDome.OPEN

    async def run(self) -> None:
        for number in range(1, self.config.exposures + 1):
            await self.checkpoint(f"exposure {number} of {self.config.exposures}")
            await asyncio.sleep(self.config.exposure_time)
            await asyncio.sleep(READOUT_TIME)
            self.log.info("Took an image of group %s.", self.next_supplemented_group_id())


if __name__ == "__main__":
    TakeImages.main()
