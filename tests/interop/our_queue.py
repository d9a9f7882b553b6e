# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our ScriptQueue as a service on Kafka, as a test sees it."""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
import sys
from collections.abc import AsyncIterator

from .peer import PATIENCE_S, write_probe

__all__ = ["our_queue"]


@contextlib.asynccontextmanager
async def our_queue(
    folder: pathlib.Path, interpreter: str, state: str = "enabled", configuration: str = "{}"
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start ScriptQueue:1 with a standard script ``probe.py`` on salobj, and end it."""
    write_probe(folder / "standard" / "probe.py", interpreter)
    (folder / "config").mkdir()
    (folder / "config" / "_init.yaml").write_text(configuration)
    (folder / "external").mkdir()
    with (folder / "queue.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "lsst.ts.scriptqueue.cli.run_script_queue", "1", "--bus", "kafka"),
            *("--standard", str(folder / "standard"), "--external", str(folder / "external")),
            *("--state-dir", str(folder / "state"), "--config-dir", str(folder / "config")),
            *("--state", state),
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE_S):
            line = await process.stdout.readline()
        started = line.decode().strip() == f"ScriptQueue:1 is {state.upper()}"
        assert started, (folder / "queue.log").read_text()
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(PATIENCE_S):
                await process.communicate()
        except TimeoutError:
            process.kill()
            await process.communicate()
    assert process.returncode == 0, (folder / "queue.log").read_text()
