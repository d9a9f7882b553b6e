#!/usr/bin/env python3
# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take images at a number of focus positions."""

import asyncio
import types
from typing import Any

from lsst.ts.scriptqueue.sal import BaseScript, ExpectedError


class FocusSweep(BaseScript):
    """Take images at a number of focus positions."""

    def __init__(self, index: int) -> None:
        super().__init__(index=index, descr="Take images at a number of focus positions.")
        self.config = types.SimpleNamespace()
        self.focus = 0.0

    @classmethod
    def get_schema(cls) -> dict[str, Any]:
        return {
            "type": "object",
            "properties": {
                "center": {"type": "number", "description": "Focus in the middle (mm)."},
                "step": {"type": "number", "description": "From image to image (mm).", "default": 0.1},
                "images": {"type": "integer", "minimum": 3, "default": 5, "description": "How many."},
                "exposure": {"type": "number", "minimum": 0, "default": 15, "description": "Seconds."},
            },
            "required": ["center"],
            "additionalProperties": False,
        }

    async def configure(self, config: types.SimpleNamespace) -> None:
        if config.images % 2 == 0:
            raise ExpectedError(f"images must be odd, to have one at the center, not {config.images}")
        self.config = config

    def set_metadata(self, metadata: Any) -> None:
        metadata.duration = self.config.images * self.config.exposure
        metadata.nimages = self.config.images
        metadata.totalCheckpoints = self.config.images

    async def run(self) -> None:
        half = self.config.images // 2
        for number in range(self.config.images):
            await self.checkpoint(f"image {number + 1} of {self.config.images}")
            self.focus = self.config.center + (number - half) * self.config.step
            self.log.info("Exposing at %.2f mm for group %s", self.focus, self.group_id)
            await asyncio.sleep(self.config.exposure)

    async def cleanup(self) -> None:
        self.focus = self.config.center


if __name__ == "__main__":
    FocusSweep.main()
