#!/usr/bin/env python3
# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Slew the main telescope's mount. The mount is simulated."""

import asyncio
import types
from typing import Any

from lsst.ts.scriptqueue.sal import BaseScript, MetadataCoordSys

#: How fast the mount moves (degrees per second). A real one is slower.
SPEED = 60.0


class Slew(BaseScript):
    """Slew the mount to an azimuth and an elevation."""

    def __init__(self, index: int) -> None:
        super().__init__(index=index, descr="Slew the mount.")
        self.az = self.el = 0.0

    @classmethod
    def get_schema(cls) -> dict[str, Any]:
        return {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "title": "Slew v1",
            "type": "object",
            "properties": {
                "az": {
                    "description": "Azimuth (degrees).",
                    "type": "number",
                    "minimum": -270,
                    "maximum": 270,
                    "default": 0,
                },
                "el": {
                    "description": "Elevation (degrees).",
                    "type": "number",
                    "minimum": 15,
                    "maximum": 86.5,
                    "default": 80,
                },
            },
            "additionalProperties": False,
        }

    async def configure(self, config: types.SimpleNamespace) -> None:
        self.az, self.el = config.az, config.el

    def set_metadata(self, metadata: Any) -> None:
        metadata.coordinateSystem = MetadataCoordSys.MOUNT
        metadata.position = (self.az, self.el)
        metadata.duration = self.slew_time

    @property
    def slew_time(self) -> float:
        """Time from the parking position (seconds)."""
        return max(abs(self.az), abs(90 - self.el)) / SPEED

    async def run(self) -> None:
        await asyncio.sleep(self.slew_time)
        self.log.info("The mount is at azimuth %s, elevation %s.", self.az, self.el)


if __name__ == "__main__":
    Slew.main()
