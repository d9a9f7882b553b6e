# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that takes part in a network and does what its stdin says.

One JSON object a line in each direction. Every request is answered by
``{"done": seconds}``; each message that is delivered is told as
``{"topic": ..., "message": ...}``. At the end of its stdin it closes and exits.

The topics are those of `topics`, by the names of their constants.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

from lsst.ts.scriptqueue.bus import IndexRange, Link, Message, Reading, connect

from . import topics
from .onlooker import count_participants


def tell(**what: Any) -> None:
    """Write one line."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


class Peer:
    """The bus of this process, and one link."""

    def __init__(self, role: str) -> None:
        self.bus = connect("dds", leaf=role == "leaf")
        self.link: Link | None = None
        self.answers: set[asyncio.Task[None]] = set()

    async def open(
        self, index: int, writes: list[str], reads: list[tuple[str, int, int]], echo: bool
    ) -> None:
        """Open the link; with echo, commands are acknowledged."""
        self.link = await self.bus.open(
            index=index,
            writes=[getattr(topics, name) for name in writes],
            reads=[
                Reading(getattr(topics, name), IndexRange(first, last), self.teller(name, echo))
                for name, first, last in reads
            ],
        )

    def teller(self, name: str, echo: bool) -> Any:
        def deliver(message: Message) -> None:
            tell(topic=name, message=message)
            if echo and name == "COMMAND":
                task = asyncio.create_task(self.write("ACKNOWLEDGEMENT", message))
                self.answers.add(task)
                task.add_done_callback(self.answers.discard)

        return deliver

    async def write(self, name: str, message: Message) -> None:
        """Write one message."""
        assert self.link is not None
        await self.link.write(getattr(topics, name), message)

    async def burst(self, name: str, message: Message, first: int, last: int) -> None:
        """Write many messages that differ in their ``number``."""
        for number in range(first, last + 1):
            await self.write(name, message | {"number": number})

    async def block(self) -> None:
        """Block the event loop until there is another line on stdin."""
        tell(blocked=True)
        sys.stdin.buffer.readline()

    async def count(self) -> None:
        """Tell how many participants were found."""
        tell(participants=count_participants(self.bus))


async def main(role: str) -> None:
    """Do what stdin says."""
    peer = Peer(role)
    while line := await asyncio.to_thread(sys.stdin.buffer.readline):
        request = json.loads(line)
        start = time.perf_counter()
        await getattr(peer, request.pop("do"))(**request)
        tell(done=time.perf_counter() - start)
    await peer.bus.aclose()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
