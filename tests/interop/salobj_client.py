# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client on salobj, to be run by an interpreter that has it.

It is told what to do, and tells what it sees, in lines of JSON: a request on
stdin, and on stdout a reply to each and every event as it comes. Several
requests may be under way.

    {"id": 1, "do": "open", "remote": "queue", "component": "ScriptQueue", "index": 1}
    {"id": 2, "do": "command", "remote": "queue", "name": "pause", "timeout": 20, "fields": {}}
    {"id": 3, "do": "close", "remote": "queue"}

A reply to `open` has the names of all commands and events; a reply to
`command` the acknowledgements, or what was raised. The end of stdin ends it.
"""

from __future__ import annotations

import asyncio
import functools
import json
import os
import sys
from typing import Any

import lsst.ts.salobj as salobj


def tell(**line: Any) -> None:
    """Write a line to stdout."""
    _STDOUT.write(json.dumps(line) + "\n")
    _STDOUT.flush()


class Client:
    """The remotes, and the domain they share."""

    def __init__(self) -> None:
        self.domain = salobj.Domain()
        self.remotes: dict[str, Any] = {}

    async def open(self, request: dict[str, Any]) -> dict[str, Any]:
        """Make a remote, and tell every event from its history on."""
        tag = request["remote"]
        remote = salobj.Remote(self.domain, request["component"], request["index"])
        self.remotes[tag] = remote
        for name in remote.salinfo.event_names:
            event = getattr(remote, f"evt_{name}")
            event.callback = functools.partial(self.heard, tag, name)
        await remote.start_task
        return {
            "commands": sorted(remote.salinfo.command_names),
            "events": sorted(remote.salinfo.event_names),
        }

    async def heard(self, tag: str, name: str, data: Any) -> None:
        """Tell an event."""
        tell(remote=tag, event=name, data=vars(data))

    async def command(self, request: dict[str, Any]) -> dict[str, Any]:
        """Give a command, and wait until it is done."""
        command = getattr(self.remotes[request["remote"]], f"cmd_{request['name']}")
        data = command.DataType()
        for field, value in request["fields"].items():
            setattr(data, field, value)
        try:
            ack = await command.start(data, timeout=request["timeout"])
        except salobj.AckError as error:
            return {"raised": type(error).__name__, "ack": vars(error.ackcmd)}
        return {"ack": vars(ack)}

    async def close(self, request: dict[str, Any]) -> dict[str, Any]:
        """Close a remote."""
        await self.remotes.pop(request["remote"]).close()
        return {}

    async def answer(self, request: dict[str, Any]) -> None:
        """Do what a request says."""
        deeds = {"open": self.open, "command": self.command, "close": self.close}
        tell(id=request["id"], **await deeds[request["do"]](request))


async def main() -> None:
    """Answer requests until stdin ends."""
    client = Client()
    reader = asyncio.StreamReader(limit=1 << 20)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async with client.domain, asyncio.TaskGroup() as group:
        while line := await reader.readline():
            group.create_task(client.answer(json.loads(line)))


if __name__ == "__main__":
    # What salobj prints by itself must not come between the lines.
    _STDOUT = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    asyncio.run(main())
