# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue as a process that is killed and started again, its keeper, and its scripts."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pathlib
import sys
import time

import psutil
from leftovers import marked
from middleware import Middleware

from .stage import SCRIPT, SCRIPTS, Stage

__all__ = ["INDEX", "Service", "keeper_of", "scripts_of"]

INDEX = 1

_PROGRAM = (sys.executable, "-P", "-m", "lsst.ts.scriptqueue.cli.run_script_queue", str(INDEX))
_END_LIMIT_S = 40.0


class Service:
    """One life of the queue.

    Attributes
    ----------
    pid
        Its process.
    began_at
        When it was started (UTC, unix seconds).
    is_restarted
        Was there one before it that had been asked for something?
    resumes
        Does it go on by itself?
    gone
        Is set when the process has gone.
    log
        What it prints.
    """

    def __init__(
        self, process: asyncio.subprocess.Process, log: pathlib.Path, *, is_restarted: bool, resumes: bool
    ) -> None:
        self.pid = process.pid
        self.began_at = time.time()
        self.is_restarted = is_restarted
        self.resumes = resumes
        self.log = log
        self.gone = asyncio.Event()
        self._process = process

    @classmethod
    async def start(
        cls, stage: Stage, middleware: Middleware, number: int, *, is_restarted: bool, resumes: bool
    ) -> Service:
        """Start it."""
        log = stage.logs / f"queue-{number:03}.log"
        arguments = ["--standard", str(SCRIPTS), "--external", str(SCRIPTS), "--bus", middleware.name]
        arguments += ["--state-dir", str(stage.state), "--config", str(stage.settings)]
        arguments += ["--config-dir", str(stage.config)]
        arguments += ["--resume-after-restart", "--state", "enabled"] if resumes else []
        process = await _run(middleware, log, *arguments)
        return cls(process, log, is_restarted=is_restarted, resumes=resumes)

    @property
    def status(self) -> int | None:
        """Its exit status; None while it runs."""
        return self._process.returncode

    def kill(self) -> None:
        """Kill it; nothing is waited for."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def ended(self) -> int:
        """Wait until it has ended; return its exit status."""
        async with asyncio.timeout(_END_LIMIT_S):
            status = await self._process.wait()
        self.gone.set()
        return status

    async def stop(self, stage: Stage, middleware: Middleware, *, keeps_scripts: bool) -> tuple[int, int]:
        """Have it end as planned; return the exit statuses of who told it to, and of itself."""
        more = ["--keep-scripts"] if keeps_scripts else []
        stopping = await _run(
            middleware, stage.logs / "stop.log", "--stop", *more, "--state-dir", str(stage.state)
        )
        status = await self.ended()
        return await stopping.wait(), status


def keeper_of(stage: Stage) -> psutil.Process | None:
    """Return the keeper, if one runs."""
    try:
        process = psutil.Process(int((stage.state / "keeper.lock").read_text()))
        return process if str(stage.state) in process.cmdline() else None
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess, psutil.ZombieProcess):
        return None


def scripts_of(middleware: Middleware) -> list[tuple[int, psutil.Process]]:
    """Return the processes of all scripts, each with its SAL index."""
    found = []
    for process in marked(middleware.subname):
        with contextlib.suppress(psutil.Error):
            # Read once: what ends meanwhile has no command line any more.
            words = process.cmdline()
            if any(word.endswith(SCRIPT) for word in words):
                found.append((int(words[-1]), process))
    return found


async def _run(middleware: Middleware, log: pathlib.Path, *arguments: str) -> asyncio.subprocess.Process:
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        return await asyncio.create_subprocess_exec(
            *_PROGRAM,
            *arguments,
            env=middleware.environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    finally:
        os.close(output)
