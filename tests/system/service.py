# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""run_script_queue as a process of its own, and a client of it; nothing of it is left when a test ends."""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
import secrets
import sys
from collections.abc import AsyncIterator, Iterator, Sequence

import psutil
import pytest

from ..observer import PATIENCE_S

__all__ = [
    "COMMAND",
    "Service",
    "a_service",
    "apart",
    "keeper_of",
    "nothing_left",
    "on_each",
    "on_each_bus",
    "scripts_in",
]

COMMAND = (sys.executable, "-m", "lsst.ts.scriptqueue.cli.run_script_queue")


class Service:
    """A run_script_queue process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def line(self) -> str:
        """The next line it prints."""
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            return (await self.process.stdout.readline()).decode().strip()

    async def end(self) -> tuple[int, str]:
        """Wait for its end; return its status and what it wrote to stderr."""
        async with asyncio.timeout(PATIENCE_S):
            _, errors = await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode, errors.decode()


@contextlib.asynccontextmanager
async def a_service(
    tmp_path: pathlib.Path, *arguments: str, command: Sequence[str] = COMMAND
) -> AsyncIterator[Service]:
    for kind in ("standard", "external"):
        (tmp_path / kind).mkdir(exist_ok=True)
    process = await asyncio.create_subprocess_exec(
        *command,
        "1",
        *("--standard", str(tmp_path / "standard"), "--external", str(tmp_path / "external")),
        *("--state-dir", str(tmp_path / "state"), *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield Service(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


@contextlib.contextmanager
def nothing_left(state_dir: pathlib.Path) -> Iterator[None]:
    """Kill the keeper of a state directory and its scripts on leaving."""
    try:
        yield
    finally:
        keeper = keeper_of(state_dir)
        if keeper is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                victims = [*keeper.children(recursive=True), keeper]
                for victim in victims:
                    with contextlib.suppress(psutil.NoSuchProcess):
                        victim.kill()
                psutil.wait_procs(victims, PATIENCE_S)


def keeper_of(state_dir: pathlib.Path) -> psutil.Process | None:
    """The keeper of a state directory, if one runs."""
    try:
        process = psutil.Process(int((state_dir / "keeper.lock").read_text()))
        return process if str(state_dir) in process.cmdline() else None
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess, psutil.ZombieProcess):
        return None


def scripts_in(state_dir: pathlib.Path) -> list[psutil.Process]:
    """The processes of a service's scripts."""
    keeper = keeper_of(state_dir)
    return [] if keeper is None else keeper.children(recursive=True)


@pytest.fixture
def apart(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> Iterator[None]:
    """Let nobody else hear a service in this folder, and leave nothing of it."""
    monkeypatch.setenv("LSST_TOPIC_SUBNAME", f"test_{secrets.token_hex(6)}")
    with nothing_left(tmp_path / "state"):
        yield


@pytest.fixture(params=["dds", "kafka"])
def on_each(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that chooses each middleware in turn."""
    if request.param == "kafka":
        for name, value in request.getfixturevalue("kafka_server").environment.items():
            monkeypatch.setenv(name, value)


on_each_bus = pytest.mark.usefixtures("on_each")
