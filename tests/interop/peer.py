# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs on salobj, as a test sees them."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import pathlib
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

__all__ = ["PATIENCE_S", "Client", "a_client", "write_own_probe", "write_probe"]

#: Programs on salobj take seconds to start, and many times that beside others.
PATIENCE_S = 100.0

HERE = pathlib.Path(__file__).parent


class Client:
    """A process that runs ``salobj_client.py``.

    Attributes
    ----------
    heard
        Every event that came: its remote, its name and its fields, in order.
    patience_s
        How long it waits for what must come.
    """

    patience_s = PATIENCE_S

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.heard: list[tuple[str, str, dict[str, Any]]] = []
        self._process = process
        self._numbers = itertools.count(1)
        self._replies: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._news = asyncio.Event()

    async def open(self, remote: str, component: str, index: int) -> dict[str, Any]:
        """Make a remote; all its events are heard."""
        return await self._ask(do="open", remote=remote, component=component, index=index)

    async def close(self, remote: str) -> None:
        """Close a remote."""
        await self._ask(do="close", remote=remote)

    async def command(self, name: str, remote: str = "queue", **fields: Any) -> dict[str, Any]:
        """Give a command; return its acknowledgement."""
        reply = await self._command(name, remote, fields)
        assert "raised" not in reply, reply
        ack: dict[str, Any] = reply["ack"]
        return ack

    async def refused(self, name: str, remote: str = "queue", **fields: Any) -> str:
        """Give a command that must be refused; return why it is."""
        reply = await self._command(name, remote, fields)
        assert reply.get("raised") == "AckError", reply
        assert (reply["ack"]["ack"], reply["ack"]["error"]) == (-302, 1)
        reason: str = reply["ack"]["result"]
        assert reason.startswith("Failed: ")
        return reason.removeprefix("Failed: ")

    async def add(self, path: str, config: str = "", **fields: Any) -> int:
        """Add a standard script; return its index."""
        fields = {"isStandard": True, "location": 2} | fields
        return int((await self.command("add", path=path, config=config, **fields))["result"])

    async def stop(self, indices: Sequence[int], terminate: bool = False) -> None:
        """Stop scripts."""
        padded = [*indices, *[0] * (400 - len(indices))]
        await self.command("stopScripts", length=len(indices), salIndices=padded, terminate=terminate)

    def seen(self, event: str, remote: str = "queue") -> list[dict[str, Any]]:
        """All events of a name that were heard, in order."""
        return [data for tag, name, data in self.heard if (tag, name) == (remote, event)]

    def last(self, event: str, remote: str = "queue") -> dict[str, Any]:
        """The latest event of a name, or nothing."""
        return next(iter(reversed(self.seen(event, remote))), {})

    def script(self, index: int) -> dict[str, Any]:
        """The latest ``script`` event of an index, or nothing."""
        return next((data for data in reversed(self.seen("script")) if data["scriptSalIndex"] == index), {})

    @property
    def waiting(self) -> list[int]:
        """Who waits, the next one first."""
        queue = self.last("queue")
        return list(queue["salIndices"][: queue["length"]])

    @property
    def past(self) -> list[int]:
        """The history, the latest first."""
        queue = self.last("queue")
        return list(queue["pastSalIndices"][: queue["pastLength"]])

    async def until(self, what: str, is_so: Callable[[], Any]) -> None:
        """Wait until what was heard fulfils a condition."""
        try:
            async with asyncio.timeout(self.patience_s):
                while not is_so():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            last = "\n".join(f"{tag} {name} {data}" for tag, name, data in self.heard[-10:])
            raise AssertionError(f"never saw: {what}\n{last}") from None

    async def listen(self) -> None:
        """Take in what the process says, to its end."""
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            said = json.loads(line)
            if "id" in said:
                self._replies.pop(said["id"]).set_result(said)
            else:
                self.heard.append((said["remote"], said["event"], said["data"]))
                self._news.set()
        for reply in self._replies.values():
            reply.cancel("the client has ended; see its stderr")

    async def _command(self, name: str, remote: str, fields: dict[str, Any]) -> dict[str, Any]:
        return await self._ask(do="command", remote=remote, name=name, timeout=self.patience_s, fields=fields)

    async def _ask(self, **request: Any) -> dict[str, Any]:
        number = next(self._numbers)
        self._replies[number] = asyncio.get_running_loop().create_future()
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"id": number, **request}).encode() + b"\n")
        return await self._replies[number]


@contextlib.asynccontextmanager
async def a_client(interpreter: str) -> AsyncIterator[Client]:
    """Start a client; it ends by itself when it is let go."""
    process = await asyncio.create_subprocess_exec(
        interpreter,
        str(HERE / "salobj_client.py"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 22,
    )
    client = Client(process)
    listening = asyncio.create_task(client.listen())
    try:
        yield client
        assert process.stdin is not None
        process.stdin.close()
        async with asyncio.timeout(PATIENCE_S):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await listening


def write_probe(file: pathlib.Path, interpreter: str) -> None:
    """Write ``salobj_script.py`` as an executable script."""
    _write(file, interpreter, (HERE / "salobj_script.py").read_text())


def write_own_probe(file: pathlib.Path) -> None:
    """Write the same script on our ``BaseScript``."""
    theirs = (HERE / "salobj_script.py").read_text()
    ours = theirs.replace("import lsst.ts.salobj as salobj", "import lsst.ts.scriptqueue.sal as salobj")
    assert ours != theirs
    _write(file, sys.executable, ours)


def _write(file: pathlib.Path, interpreter: str, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!{interpreter}\n{text}")
    file.chmod(0o755)
