# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Speaking with a keeper, line by line, and seeing a process end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from lsst.ts.scriptqueue.keeper.launch_id import LAUNCH_ID_VARIABLE
from lsst.ts.scriptqueue.keeper.place import open_directory, socket_address
from lsst.ts.scriptqueue.keeper.protocol import VERSION

__all__ = ["PROGRAM", "Talk", "end_keeper", "end_of", "keeper_pid", "start_keeper"]

PROGRAM = [sys.executable, "-P", "-m", "lsst.ts.scriptqueue.keeper"]

_PATIENCE_S = 20.0


def start_keeper(state_dir: Path) -> int:
    """Start a keeper, and return its process id when it can be asked."""
    subprocess.run([*PROGRAM, "--detach", str(state_dir)], check=True, timeout=_PATIENCE_S)
    return keeper_pid(state_dir)


def keeper_pid(state_dir: Path) -> int:
    """Return the process id of the keeper of a state directory."""
    return int((state_dir / "keeper.lock").read_text())


async def end_keeper(state_dir: Path) -> None:
    """End the keeper of a state directory, if there is one."""
    if (state_dir / "keeper.sock").exists():
        pid = keeper_pid(state_dir)
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            # One that was killed may have had its number in another namespace: 1, above all.
            if os.fsencode(state_dir) in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
                os.kill(pid, signal.SIGTERM)
                await end_of(pid)


async def end_of(pid: int) -> None:
    """Wait until a process has ended, whoever's child it is."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(descriptor, ended.set)
    try:
        async with asyncio.timeout(_PATIENCE_S):
            await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


class Talk:
    """A connection to a keeper, for an ``async with``.

    Keepers look through all processes of the machine, and so also through those of tests that run beside this
    one. So a launch that is ``one`` here is another one for the keeper of each state directory.
    """

    def __init__(self, state_dir: Path) -> None:
        self._state_dir = state_dir
        self._mark = f"-{uuid.uuid5(uuid.NAMESPACE_URL, state_dir.as_uri())}"
        self._number = 0
        self.pushed: list[Mapping[str, Any]] = []

    async def __aenter__(self) -> Talk:
        directory = open_directory(str(self._state_dir))
        try:
            self._reader, self._writer = await asyncio.open_unix_connection(socket_address(directory))
        finally:
            os.close(directory)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._writer.close()
        await self._writer.wait_closed()

    async def say(self, line: bytes) -> None:
        """Send bytes as they are."""
        self._writer.write(line)
        await self._writer.drain()

    async def hear(self) -> Mapping[str, Any] | None:
        """Return the next message, or None at the end of the connection."""
        async with asyncio.timeout(_PATIENCE_S):
            try:
                line = await self._reader.readline()
            except ConnectionResetError:
                return None
        return json.loads(line.replace(self._mark.encode(), b"")) if line else None

    def full_id(self, launch_id: str) -> str:
        """Return the launch id for which the keeper is asked."""
        return f"{launch_id}{self._mark}"

    async def ask(self, do: str, **fields: object) -> Mapping[str, Any]:
        """Ask something, and return the answer; what is pushed meanwhile is kept."""
        self._number += 1
        if "launch_id" in fields:
            fields["launch_id"] = self.full_id(str(fields["launch_id"]))
        await self.say(json.dumps({"id": self._number, "do": do, **fields}).encode() + b"\n")
        while (message := await self.hear()) is not None:
            if message.get("to") == self._number:
                return message
            self.pushed.append(message)
        raise EOFError(f"the keeper did not answer to {do}")

    async def hello(self, **fields: object) -> Mapping[str, Any]:
        """Say who speaks."""
        return await self.ask("hello", **{"version": VERSION, "kill_after_s": 5.0, **fields})

    async def launch(self, launch_id: str, text: str, **fields: object) -> Mapping[str, Any]:
        """Have a shell started."""
        request = {
            "launch_id": launch_id,
            "sal_index": 100001,
            "executable": "/bin/sh",
            "arguments": ["-c", text],
            "environment": {**os.environ, LAUNCH_ID_VARIABLE: self.full_id(launch_id)},
            "cwd": "/",
            "output_path": str(self._state_dir / f"{launch_id}.log"),
            "search": False,
        }
        return await self.ask("launch", **{**request, **fields})

    async def exited(self) -> Mapping[str, Any]:
        """Return the next exit that is told."""
        if self.pushed:
            return self.pushed.pop(0)
        message = await self.hear()
        assert message is not None
        assert message.get("push") == "exited", message
        return message
