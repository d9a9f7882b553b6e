# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection of a command line to one ScriptQueue and its scripts: an ordinary client."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

from ...bus.contract import IndexRange
from ...sal.domain import Domain
from ...sal.remote import Remote
from .feed import Feed

__all__ = ["INDICES_PER_QUEUE", "Client", "Interest", "NoQueueError", "connect"]

#: Scripts of queue n have the SAL indices n * this to n * this + (this - 1).
INDICES_PER_QUEUE = 100_000

#: How long a queue that is alive may be silent (seconds); it has a heartbeat every second.
SILENCE_S = 5.0

#: How long to listen for a queue before saying that there is none (seconds).
HEARING_S = 3.5


class NoQueueError(RuntimeError):
    """No queue is heard from; the text says how to start one."""


@dataclass(frozen=True, slots=True)
class Interest:
    """Which events a client listens to, by plain name; None for all.

    Attributes
    ----------
    queue
        Of the queue.
    scripts
        Of its scripts.
    talks_to_scripts
        Are scripts given commands, too?
    """

    queue: tuple[str, ...] | None = None
    scripts: tuple[str, ...] | None = None
    talks_to_scripts: bool = True


class Client:
    """A connection to one ScriptQueue and its scripts.

    Parameters
    ----------
    domain
        Where it speaks.
    index
        SAL index of the queue.
    interest
        What to listen to.

    Attributes
    ----------
    domain, index
        As given.
    feed
        What is heard.
    queue
        The remote of the queue.
    scripts
        The remote of all its scripts; None if they do not matter.
    """

    def __init__(self, domain: Domain, index: int, interest: Interest) -> None:
        self.domain = domain
        self.index = index
        self.feed = Feed()
        self.queue = Remote(domain, "ScriptQueue", index, include=interest.queue)
        self.scripts: Remote | None = None
        if interest.talks_to_scripts or interest.scripts != ():
            first = index * INDICES_PER_QUEUE
            self.scripts = Remote(
                domain,
                "Script",
                IndexRange(first, first + INDICES_PER_QUEUE - 1),
                include=interest.scripts,
                readonly=not interest.talks_to_scripts,
            )
        for remote in self.remotes:
            for event in remote.events.values():
                event.callback = functools.partial(self.feed.publish, event.topic)

    @property
    def remotes(self) -> Iterable[Remote]:
        """The remotes there are."""
        return (self.queue,) if self.scripts is None else (self.queue, self.scripts)

    @property
    def is_heard(self) -> bool:
        """Has the queue given a sign of life just now?"""
        newest = max((record.private_sndStamp for record in self.feed.board.latest.values()), default=0.0)
        return newest > self.domain.clock.tai() - SILENCE_S

    async def hear(self) -> None:
        """Wait for a sign of life of the queue.

        Raises
        ------
        NoQueueError
            If there is none in time.
        """
        with self.feed.listening() as events:
            if self.is_heard:
                return
            try:
                async with asyncio.timeout(HEARING_S):
                    while (await events.get()).component != "ScriptQueue":
                        pass
            except TimeoutError:
                raise NoQueueError(
                    f"no ScriptQueue:{self.index} is heard from (listened for {HEARING_S:g} s).\n"
                    f"Start one with: run_script_queue {self.index} --state enabled\n"
                    "If one runs, --bus, LSST_DDS_DOMAIN_ID or LSST_TOPIC_SUBNAME are others there than here."
                ) from None


@contextlib.asynccontextmanager
async def connect(client: Client) -> AsyncIterator[Client]:
    """Open the remotes of a client, all at once; close them on leaving.

    Raises
    ------
    BusError
        If the middleware cannot be reached.
    """
    async with contextlib.AsyncExitStack() as stack:
        for remote in client.remotes:
            await stack.enter_async_context(remote)
        yield client
