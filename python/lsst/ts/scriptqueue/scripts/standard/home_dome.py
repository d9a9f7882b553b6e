#!/usr/bin/env python3
# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the dome's home position. The dome is simulated."""

import asyncio
import types
from typing import Any

from lsst.ts.scriptqueue.sal import BaseScript

#: How fast the dome turns (degrees per second). A real one is slower.
SPEED = 90.0

#: Where the dome looks for its switch (degrees).
STEPS = (90, 180, 270, 360)


class HomeDome(BaseScript):
    """Turn the dome until it has found its home position."""

    def __init__(self, index: int) -> None:
        super().__init__(index=index, descr="Home the dome.")
        self.azimuth = 0.0

    @classmethod
    def get_schema(cls) -> None:
        return None

    async def configure(self, config: types.SimpleNamespace) -> None:
        pass

    def set_metadata(self, metadata: Any) -> None:
        metadata.duration = STEPS[-1] / SPEED
        metadata.totalCheckpoints = len(STEPS)

    async def run(self) -> None:
        for azimuth in STEPS:
            await self.checkpoint(f"turn to {azimuth}")
            await asyncio.sleep((azimuth - self.azimuth) / SPEED)
            self.azimuth = azimuth
        self.log.info("The dome is at home.")


if __name__ == "__main__":
    HomeDome.main()
