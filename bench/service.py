# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ScriptQueue as a process of its own, commanded by an ordinary client."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
from children import Crowd, cpu_of
from leftovers import kill_marked
from middleware import Middleware

from lsst.ts.scriptqueue.sal import Domain, Location, Remote, State

__all__ = ["Service", "running_service"]

INDEX = 1
START_LIMIT_S = 60.0
COMMAND_LIMIT_S = 60.0

#: Runs the deployed ScriptQueue.
DEPLOYED = "from lsst.ts.scriptqueue import run_script_queue as run; run()"

#: How long a queue may take to end, with all its scripts, if a run is given up (seconds).
GRACE_S = 60.0


class Service:
    """A running ScriptQueue and a client of it.

    Parameters
    ----------
    pid
        Its process.
    owner
        The process whose children its scripts are.
    remote
        The client.
    enabled_s
        Time from its start until ENABLED was heard (seconds).
    limit_s
        How long a command, or the end of a script, may take (seconds).

    Attributes
    ----------
    pid
        Its process.
    remote
        The client.
    enabled_s
        Time from its start until ENABLED was heard (seconds).
    enabled_cpu_s
        CPU it had taken by then (seconds).
    process_ends
        When the process of each script was seen to have ended (TAI unix
        seconds), by index.
    """

    def __init__(self, pid: int, owner: int, remote: Remote, enabled_s: float, limit_s: float) -> None:
        self.pid = pid
        self._owner = owner
        self.remote = remote
        self.enabled_s = enabled_s
        self._limit_s = limit_s
        self.enabled_cpu_s = cpu_of(pid)
        self.process_ends: dict[int, float] = {}
        self._news = asyncio.Event()
        remote.evt_script.callback = self._heard

    async def add(self, path: str, config: str, **more: str) -> int:
        """Add a script at the end, with more fields if they are given, and return its index."""
        ack = await self.remote.cmd_add.set_start(
            timeout=self._limit_s,
            isStandard=True,
            path=path,
            config=config,
            location=Location.LAST,
            **more,
        )
        return int(ack.result)

    async def pause(self) -> None:
        """Have it start nothing."""
        await self.remote.cmd_pause.set_start(timeout=COMMAND_LIMIT_S)

    async def resume(self) -> None:
        """Have it go on."""
        await self.remote.cmd_resume.set_start(timeout=COMMAND_LIMIT_S)

    async def stop(self, index: int) -> None:
        """Stop a script."""
        await self.remote.cmd_stopScripts.set_start(
            timeout=COMMAND_LIMIT_S, length=1, salIndices=[index] + [0] * 399
        )

    def script_processes(self) -> list[psutil.Process]:
        """Return the processes of its scripts."""
        return psutil.Process(self._owner).children()

    def children_cpu(self) -> float:
        """Return the CPU time of all scripts that have ended (seconds)."""
        times = psutil.Process(self._owner).cpu_times()
        return float(times.children_user + times.children_system)

    async def gone(self, processes: Sequence[psutil.Process]) -> None:
        """Wait until processes of scripts have ended and were reaped.

        Raises
        ------
        TimeoutError
            If one stays.
        """
        _, alive = await asyncio.to_thread(psutil.wait_procs, processes, START_LIMIT_S)
        if alive:
            raise TimeoutError(f"{len(alive)} scripts have not gone within {START_LIMIT_S} s")

    async def ended(self, indices: Sequence[int]) -> Mapping[int, float]:
        """Wait until it has told when the processes of scripts ended; return that (TAI unix seconds)."""
        async with asyncio.timeout(self._limit_s):
            while any(index not in self.process_ends for index in indices):
                self._news.clear()
                await self._news.wait()
        return {index: self.process_ends[index] for index in indices}

    def _heard(self, data: Any) -> None:
        if data.timestampProcessEnd > 0:
            self.process_ends[data.scriptSalIndex] = data.timestampProcessEnd
            self._news.set()

    async def beats(self, count: int) -> None:
        """Let so many of its heartbeats go by."""
        for _ in range(count):
            await self.remote.evt_heartbeat.next(flush=True, timeout=START_LIMIT_S)


@contextlib.asynccontextmanager
async def running_service(
    middleware: Middleware,
    domain: Domain,
    standard: Path,
    folder: Path,
    configuration: str = "",
    limit_s: float = COMMAND_LIMIT_S,
) -> AsyncIterator[Service]:
    """Start a ScriptQueue, wait until it is ENABLED, and end it on leaving.

    Whatever the reason, its scripts have ended then, too.

    Parameters
    ----------
    middleware
        On what, and whose.
    domain
        Where its client is.
    standard
        The directory of its scripts.
    folder
        Where it lives; is made.
    configuration
        Its slots and rules, in YAML; "" for one serial slot.
    limit_s
        How long a command, or the end of a script, may take (seconds).
    """
    remote = Remote(domain, "ScriptQueue", INDEX, include=("summaryState", "heartbeat", "queue", "script"))
    folder.mkdir()
    log = folder / "queue.log"
    command = [*_program(middleware), "--standard", str(standard), "--external", str(standard)]
    command += ["--state", "enabled"]
    if not middleware.salobj_python:
        command += ["--state-dir", str(folder), "--bus", middleware.name]
    if configuration:
        (folder / "config").mkdir()
        (folder / "config" / "_init.yaml").write_text(configuration)
        command += ["--config-dir", str(folder / "config")]
    with kill_marked(middleware.subname), Crowd(GRACE_S) as crowd:
        async with remote:
            began = crowd.start(command, environment=middleware.environment, log=log)
            try:
                await _state(remote, crowd.pids[0], State.ENABLED)
            except TimeoutError:
                raise RuntimeError(f"no ScriptQueue within {START_LIMIT_S} s:\n{log.read_text()}") from None
            enabled_s = time.perf_counter() - began
            owner = crowd.pids[0] if middleware.salobj_python else int((folder / "keeper.lock").read_text())
            yield Service(crowd.pids[0], owner, remote, enabled_s, limit_s)
        await crowd.end()


def _program(middleware: Middleware) -> list[str]:
    if middleware.salobj_python:
        # It has our import name, so only its own interpreter finds it.
        return [middleware.salobj_python, "-c", DEPLOYED, str(INDEX)]
    return [sys.executable, "-m", "lsst.ts.scriptqueue.cli.run_script_queue", str(INDEX)]


async def _state(remote: Any, pid: int, state: State) -> None:
    """Wait for a state of this process; on Kafka a client first hears what the one before it left."""
    async with asyncio.timeout(START_LIMIT_S):
        while True:
            data = await remote.evt_summaryState.next(flush=False)
            if data.private_origin == pid and data.summaryState == state:
                return
