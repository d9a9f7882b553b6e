# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The component that salobj has for tests, Test:1, to be run by an interpreter that has salobj.

    salobj_component.py CONFIG_DIR

It begins in STANDBY.
"""

from __future__ import annotations

import asyncio
import sys

import lsst.ts.salobj as salobj


async def main() -> None:
    """Be Test:1."""
    async with salobj.TestCsc(index=1, config_dir=sys.argv[1]) as component:
        await component.done_task


if __name__ == "__main__":
    asyncio.run(main())
