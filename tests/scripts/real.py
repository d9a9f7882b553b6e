# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A script in a process of its own, over DDS."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import sys
import textwrap
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lsst.ts.scriptqueue.sal import Domain, Remote, ScriptState

#: No test waits longer for what must come (seconds).
SOON_S = 40.0

HEAD = f"""\
#!{sys.executable}
import asyncio, os, pathlib, sys, threading, time
from lsst.ts.scriptqueue.sal import BaseScript

class Script(BaseScript):
    def __init__(self, index):
        super().__init__(index=index, descr="a real one")

    @classmethod
    def get_schema(cls):
        return None

    async def configure(self, config):
        pass

    def set_metadata(self, metadata):
        pass

"""


def write_script(path: Path, body: str, tail: str = "Script.main()") -> Path:
    """Write a script; `body` has the rest of its class."""
    path.write_text(HEAD + textwrap.indent(textwrap.dedent(body), "    ") + "\n" + tail + "\n")
    path.chmod(0o755)
    return path


@dataclass(eq=False)
class Real:
    """A script in a process of its own."""

    process: asyncio.subprocess.Process
    remote: Remote
    output: Path
    run: asyncio.Task[Any] | None = None

    async def close(self) -> None:
        """Leave nothing behind."""
        if self.process.returncode is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            await self.process.wait()
        if self.run is not None:
            self.run.cancel()
            await asyncio.wait([self.run])

    async def reports(self, state: ScriptState) -> Any:
        """Wait until it reports a state."""
        async with asyncio.timeout(SOON_S):
            while True:
                data = await self.remote.evt_state.next(flush=False)
                if data.state == state:
                    return data

    async def runs(self) -> None:
        """Bring it to where it runs."""
        await self.reports(ScriptState.UNCONFIGURED)
        await self.remote.cmd_configure.set_start(timeout=SOON_S)
        await self.remote.cmd_setGroupId.set_start(groupId="g", timeout=SOON_S)
        self.run = asyncio.create_task(self.remote.cmd_run.set_start(timeout=SOON_S))
        await self.reports(ScriptState.RUNNING)

    @property
    def states(self) -> list[ScriptState]:
        """The states reported and not waited for yet."""
        found = []
        while (data := self.remote.evt_state.get_oldest()) is not None:
            found.append(ScriptState(data.state))
        return found

    async def exits(self) -> int:
        """Wait until its process has gone, and return its exit code."""
        async with asyncio.timeout(SOON_S):
            return await self.process.wait()


@contextlib.asynccontextmanager
async def real(path: Path, **environment: str) -> AsyncIterator[Real]:
    """Start a script; kill it in the end if it still runs."""
    index = 20_000_000 + secrets.randbelow(1_000_000)
    output = path.with_suffix(".output")
    async with Domain.connect("dds") as domain, Remote(domain, "Script", index) as remote:
        with output.open("wb") as file:
            process = await asyncio.create_subprocess_exec(
                path,
                str(index),
                stdout=file,
                stderr=file,
                start_new_session=True,
                env={**os.environ, **environment},
            )
        script = Real(process, remote, output)
        try:
            yield script
        finally:
            await script.close()
