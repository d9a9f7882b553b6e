# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""``command_script_queue INDEX monitor``: the events, from the history on, until interrupted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection

from .client import Client, Interest, connect
from .feed import Event

__all__ = ["INTEREST", "monitor"]

#: All events, and no command.
INTEREST = Interest(talks_to_scripts=False)

_HEARTBEATS = frozenset({"heartbeat"})


async def monitor(
    client: Client,
    write: Callable[[str], Awaitable[None]],
    word: Callable[[Event], str],
    closed: asyncio.Event,
    *,
    with_heartbeats: bool = False,
) -> None:
    """Write a line for each event, until nobody reads them any more.

    The history comes in the order in which it was sent, whatever the topic;
    what is sent after that in the order in which it arrives.

    Parameters
    ----------
    client
        The connection, not yet open.
    write
        Writes a line; `BrokenPipeError` means that nobody reads.
    word
        Makes a line of an event.
    closed
        Set when nobody reads.
    with_heartbeats
        Also for heartbeats? They tell nothing but that somebody lives.
    """
    left_out = frozenset[str]() if with_heartbeats else _HEARTBEATS
    writing = asyncio.create_task(_write_events(client, write, word, left_out), name="monitor")
    ending = asyncio.create_task(closed.wait(), name="monitor's reader")
    try:
        await asyncio.wait([writing, ending], return_when=asyncio.FIRST_COMPLETED)
    finally:
        ending.cancel()
        writing.cancel()
        await asyncio.wait([writing, ending])
    if not writing.cancelled():
        writing.result()


async def _write_events(
    client: Client,
    write: Callable[[str], Awaitable[None]],
    word: Callable[[Event], str],
    left_out: Collection[str],
) -> None:
    with client.feed.listening() as events:
        async with connect(client):
            history = [events.get_nowait() for _ in range(events.qsize())]
            history.sort(key=lambda event: event.data.private_sndStamp)
            try:
                for event in history:
                    if event.name not in left_out:
                        await write(word(event))
                while True:
                    event = await events.get()
                    if event.name not in left_out:
                        await write(word(event))
            except BrokenPipeError:
                return
