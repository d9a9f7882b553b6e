# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines in and out of descriptors."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lsst.ts.scriptqueue.cli.commanding.streams import LineWriter, read_lines, when_closed

SOON_S = 10.0


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        with contextlib.suppress(OSError):
            os.close(end)


async def collected(descriptor: int) -> list[str]:
    async with asyncio.timeout(SOON_S):
        return [line async for line in read_lines(descriptor)]


async def test_lines_come_as_they_were_written(pipe: tuple[int, int]) -> None:
    out, into = pipe
    os.write(into, "one\n\ntwo \N{DEGREE SIGN}\nlast without end".encode())
    os.close(into)
    assert await collected(out) == ["one", "", "two \N{DEGREE SIGN}", "last without end"]


async def test_a_file_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_text("one\ntwo\n")
    with path.open() as file:
        assert await collected(file.fileno()) == ["one", "two"]


async def test_a_full_pipe_holds_up_the_line_and_not_the_loop(pipe: tuple[int, int]) -> None:
    out, into = pipe
    long = "x" * 200_000
    async with asyncio.timeout(SOON_S), asyncio.TaskGroup() as group:
        writing = group.create_task(LineWriter(into).write(long))
        # More than a pipe holds: the writer waits, and this goes on.
        for _ in range(100):
            await asyncio.sleep(0)
        assert not writing.done()
        received = group.create_task(collected(out))
        await writing
        os.close(into)
    assert received.result() == [long]
    assert os.get_blocking(out)


async def test_nobody_reads(pipe: tuple[int, int]) -> None:
    out, into = pipe
    os.close(out)
    with pytest.raises(BrokenPipeError):
        await LineWriter(into).write("a line")


async def test_a_reader_that_goes_is_noticed_while_nothing_is_written(pipe: tuple[int, int]) -> None:
    out, into = pipe
    gone = asyncio.Event()
    with when_closed(into, gone.set):
        assert not gone.is_set()
        os.close(out)
        async with asyncio.timeout(SOON_S):
            await gone.wait()


async def test_a_file_is_never_closed_by_its_reader(tmp_path: Path) -> None:
    with (tmp_path / "lines").open("w") as file:
        with when_closed(file.fileno(), lambda: pytest.fail("told of nothing")):
            await LineWriter(file.fileno()).write("a line")
    assert (tmp_path / "lines").read_text() == "a line\n"
