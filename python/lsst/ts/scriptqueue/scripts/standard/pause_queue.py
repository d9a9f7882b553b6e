#!/usr/bin/env python3
# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pause the very queue that runs this script, for somebody to look at something."""

import types
from typing import Any

from lsst.ts.scriptqueue.sal import BaseScript, Remote

#: How many indices each queue has for its scripts.
INDICES_PER_QUEUE = 100_000

#: Time limit for the command (seconds).
TIMEOUT = 10.0


class PauseQueue(BaseScript):
    """Pause the queue this script is in; what is added after it waits."""

    def __init__(self, index: int) -> None:
        super().__init__(index=index, descr="Pause the queue.")
        self.queue = Remote(self.domain, "ScriptQueue", index // INDICES_PER_QUEUE, include=[])

    @classmethod
    def get_schema(cls) -> None:
        return None

    async def configure(self, config: types.SimpleNamespace) -> None:
        pass

    def set_metadata(self, metadata: Any) -> None:
        pass

    async def run(self) -> None:
        await self.queue.cmd_pause.set_start(timeout=TIMEOUT)
        self.log.info("The queue is paused; resume it when all is well.")


if __name__ == "__main__":
    PauseQueue.main()
