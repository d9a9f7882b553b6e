# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading and writing lines on descriptors without ever blocking the event loop.

A descriptor is waited for and then used a page at a time, which never blocks,
so that signals are always served; it is left in blocking mode, because other
processes may share it. A regular file is always ready.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TextIO

__all__ = ["LineWriter", "nobody_reads", "read_lines", "when_closed"]

#: What a pipe that is ready always takes at once (bytes).
_PAGE = 4096


class LineWriter:
    """Writes lines to a descriptor.

    Parameters
    ----------
    descriptor
        Where to write.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    async def write(self, line: str) -> None:
        """Write a line.

        Raises
        ------
        BrokenPipeError
            If nobody reads any more.
        """
        data = memoryview(f"{line}\n".encode(errors="replace"))
        loop = asyncio.get_running_loop()
        while data:
            await _ready(self._descriptor, loop.add_writer, loop.remove_writer)
            data = data[os.write(self._descriptor, data[:_PAGE]) :]


def nobody_reads(stream: TextIO) -> None:
    """Forget what was to be written to a stream whose reader has gone.

    Otherwise Python tries again as it ends, and complains.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


async def read_lines(descriptor: int) -> AsyncIterator[str]:
    """Yield lines without their ends, until the end of the file."""
    loop = asyncio.get_running_loop()
    rest = b""
    while True:
        await _ready(descriptor, loop.add_reader, loop.remove_reader)
        chunk = os.read(descriptor, 16 * _PAGE)
        if not chunk:
            break
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line.decode(errors="replace")
    if rest:
        yield rest.decode(errors="replace")


@contextlib.contextmanager
def when_closed(descriptor: int, told: Callable[[], None]) -> Iterator[None]:
    """Tell when the reader of a pipe or socket has gone, also while nothing is written."""
    mode = os.fstat(descriptor).st_mode
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        yield
        return
    loop = asyncio.get_running_loop()

    def ready() -> None:
        loop.remove_reader(descriptor)
        told()

    # Nothing can be read from the writing end: it is ready when the other has gone.
    loop.add_reader(descriptor, ready)
    try:
        yield
    finally:
        loop.remove_reader(descriptor)


async def _ready(
    descriptor: int, add: Callable[[int, Callable[[], None]], None], remove: Callable[[int], bool]
) -> None:
    is_ready = asyncio.Event()
    try:
        add(descriptor, is_ready.set)
    except PermissionError:
        # A regular file cannot be waited for, and need not be.
        return
    try:
        await is_ready.wait()
    finally:
        remove(descriptor)
