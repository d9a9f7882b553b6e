# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A broker of one test process's own, which it may stop, kill and pause.

It lives beside the broker that all tests share, and uses the same registry.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from lsst.ts.scriptqueue.local_kafka.server import Server, running

__all__ = ["OUTAGES", "OUTAGES_AND_LONG", "OwnBroker", "own_broker", "own_broker_process"]

_PROGRAM = (sys.executable, "-m", "lsst.ts.scriptqueue.local_kafka")

#: The ways in which a broker goes away.
OUTAGES = ("away", "crash", "pause")

#: The same for tests that are to be quick: a broker takes its time to stop and to start.
OUTAGES_AND_LONG = (pytest.param("away", marks=pytest.mark.long), "crash", "pause")


class OwnBroker:
    """A broker that may be taken away.

    Parameters
    ----------
    folder
        Where it lives.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = self._server.environment | {"LSST_TOPIC_SUBNAME": f"test_{secrets.token_hex(6)}"}
        self._gone = ""

    async def go(self, how: str) -> None:
        """Take it away, in one of the ways of `OUTAGES`."""
        self._gone = how
        if how == "pause":
            os.kill(self._server.broker_pid, signal.SIGSTOP)
            # Its threads go on for a moment, and could still answer.
            while not _stands_still(self._server.broker_pid):
                os.sched_yield()
        else:
            await self._do(how)

    async def come_back(self) -> None:
        """Bring it back, if it is away."""
        how, self._gone = self._gone, ""
        if how == "pause":
            os.kill(self._server.broker_pid, signal.SIGCONT)
        elif how:
            await self._do("back")

    @property
    def _server(self) -> Server:
        server = running(self.folder)
        assert server is not None
        return server

    async def _do(self, action: str) -> None:
        # Apart from this process, whose children are counted.
        process = await asyncio.create_subprocess_exec(*_PROGRAM, action, "--state-dir", str(self.folder))
        assert await process.wait() == 0


@pytest.fixture(scope="session")
def own_broker_process(kafka_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a broker of this test process's own."""
    folder = tmp_path_factory.mktemp("own-broker")
    where = ("--state-dir", str(folder))
    subprocess.run([*_PROGRAM, "start", *where, "--registry", kafka_server.registry], check=True)
    yield folder
    subprocess.run([*_PROGRAM, "stop", *where], check=True)


@pytest.fixture
async def own_broker(own_broker_process: Path) -> AsyncIterator[OwnBroker]:
    """A broker that may be taken away; it is back after the test."""
    broker = OwnBroker(own_broker_process)
    yield broker
    await broker.come_back()


def _stands_still(pid: int) -> bool:
    """Is every thread of a process stopped?"""
    try:
        stats = [file.read_text() for file in Path(f"/proc/{pid}/task").glob("*/stat")]
    except (FileNotFoundError, ProcessLookupError):
        # One has ended meanwhile, so they run.
        return False
    return all(stat.rpartition(")")[2].split()[0] == "T" for stat in stats)
