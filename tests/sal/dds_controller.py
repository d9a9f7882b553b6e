# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A controller as a process of its own, on DDS; ``resume`` ends it."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from lsst.ts.scriptqueue.sal import Controller, Domain, ScriptState


class Remembering(Controller):
    """Reports a state at its start, and runs with an acknowledgement in progress."""

    heartbeat_interval = 0.5

    async def do_run(self, data: Any) -> str:
        await self.cmd_run.ack_in_progress(data, timeout=20.0, result="running")
        for number in range(1, 51):
            await self.evt_state.set_write(state=ScriptState.RUNNING, numCheckpoints=number)
        self.log.info("ran")
        return "well run"

    async def do_resume(self, data: Any) -> None:
        await self.close()


async def amain(index: int) -> None:
    async with Domain.connect("dds", leaf=True) as domain, Remembering(domain, "Script", index) as script:
        await script.evt_state.set_write(state=ScriptState.CONFIGURED, reason="history")
        await script.done_task


if __name__ == "__main__":
    asyncio.run(amain(int(sys.argv[1])))
