#!/usr/bin/env python3
# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Slew the telescope to a position and track it. The telescope is simulated."""

import asyncio
import types
from typing import Any

from lsst.ts.scriptqueue.sal import BaseScript, MetadataCoordSys, MetadataDome, MetadataRotSys

#: Time a slew takes (seconds). A real one takes longer.
SLEW_TIME = 1.0


class SlewAndTrack(BaseScript):
    """Slew to a position on the sky, or over the ground, and track it."""

    def __init__(self, index: int) -> None:
        super().__init__(
            index=index,
            descr="Slew to a position and track it.",
            help="Give a position on the sky, `ra` and `dec`, or one over the ground, `az` and `el`.",
        )
        self.config = types.SimpleNamespace()

    @classmethod
    def get_schema(cls) -> dict[str, Any]:
        return {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "title": "SlewAndTrack v1",
            "type": "object",
            "properties": {
                "az": {
                    "description": "Azimuth (degrees).",
                    "type": "number",
                    "minimum": -270,
                    "maximum": 270,
                },
                "el": {
                    "description": "Elevation (degrees).",
                    "type": "number",
                    "minimum": 15,
                    "maximum": 86.5,
                },
                "ra": {
                    "description": "Right ascension (hours).",
                    "type": "number",
                    "minimum": 0,
                    "maximum": 24,
                },
                "dec": {
                    "description": "Declination (degrees).",
                    "type": "number",
                    "minimum": -90,
                    "maximum": 90,
                },
                "rotation": {
                    "description": "Position angle of the camera on the sky (degrees).",
                    "type": "number",
                    "default": 0,
                },
                "track_for": {
                    "description": "How long to track (seconds).",
                    "type": "number",
                    "minimum": 0,
                    "default": 1,
                },
            },
            "anyOf": [{"required": ["az", "el"]}, {"required": ["ra", "dec"]}],
            "additionalProperties": False,
        }

    async def configure(self, config: types.SimpleNamespace) -> None:
        self.config = config

    def set_metadata(self, metadata: Any) -> None:
        if hasattr(self.config, "ra"):
            metadata.coordinateSystem = MetadataCoordSys.ICRS
            metadata.position = (self.config.ra * 15, self.config.dec)
        else:
            metadata.coordinateSystem = MetadataCoordSys.OBSERVED
            metadata.position = (self.config.az, self.config.el)
        metadata.rotationSystem = MetadataRotSys.SKY
        metadata.cameraAngle = self.config.rotation
        metadata.dome = MetadataDome.OPEN
        metadata.duration = SLEW_TIME + self.config.track_for
        metadata.totalCheckpoints = 2

    async def run(self) -> None:
        await self.checkpoint("slew")
        self.log.info("Slewing.")
        await asyncio.sleep(SLEW_TIME)
        await self.checkpoint("track")
        self.log.info("On target; tracking for %s s.", self.config.track_for)
        await asyncio.sleep(self.config.track_for)

    async def cleanup(self) -> None:
        self.log.info("Tracking ends.")


if __name__ == "__main__":
    SlewAndTrack.main()
