# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is only noted in the margin is there the next time, once, and as far as the journal has not got."""

from __future__ import annotations

import asyncio
import pathlib
import random
import shutil
import struct
import sys
import zlib
from asyncio.subprocess import PIPE

import pytest

from lsst.ts.scriptqueue.journal import Entry, Mark
from lsst.ts.scriptqueue.journal.margin import Margin, margin_path

from .stage import an_entry, entries, opened, recovered_from, write_all


@pytest.fixture
def memory(tmp_path: pathlib.Path) -> pathlib.Path:
    """What stands for a file system in memory."""
    (tmp_path / "memory").mkdir()
    return tmp_path / "memory"


def torn_away(folder: pathlib.Path, memory: pathlib.Path) -> pathlib.Path:
    """Return a copy of a journal and its margin, as a crash would leave them."""
    left = folder.with_name("left")
    shutil.copytree(folder, left, dirs_exist_ok=True)
    shutil.copyfile(margin_path(folder, memory), margin_path(left, memory))
    return left


@pytest.mark.parametrize("written", [0, 1, 2, 3])
async def test_what_was_noted_follows_what_was_written(
    tmp_path: pathlib.Path, memory: pathlib.Path, written: int
) -> None:
    folder = tmp_path / "journal"
    async with opened(folder, memory=memory) as (journal, _):
        mark = await journal.write(entries(1, 2))
        assert journal.jot(mark, entries(3, 5))
        for number in range(3, 3 + written):
            await journal.write([an_entry(number)])
        left = torn_away(folder, memory)
    recovered = await recovered_from(left, memory=memory)
    assert recovered.entries == entries(1, 5)
    assert recovered.complaints == ()
    # Now it is in the journal, and not in there twice.
    assert (await recovered_from(left, memory=memory)).entries == entries(1, 5)


async def test_a_note_that_the_journal_has_left_behind_is_of_no_use(
    tmp_path: pathlib.Path, memory: pathlib.Path
) -> None:
    folder = tmp_path / "journal"
    async with opened(folder, memory=memory) as (journal, _):
        mark = await journal.write(entries(1, 2))
        journal.jot(mark, entries(3, 3))
        await journal.write(entries(3, 4))
        left = torn_away(folder, memory)
    assert (await recovered_from(left, memory=memory)).entries == entries(1, 4)


async def test_a_snapshot_holds_what_was_noted_before_it(
    tmp_path: pathlib.Path, memory: pathlib.Path
) -> None:
    folder = tmp_path / "journal"
    async with opened(folder, memory=memory) as (journal, _):
        mark = await journal.write(entries(1, 2))
        journal.jot(mark, entries(3, 3))
        mark = await journal.write_snapshot("up to 3")
        left = torn_away(folder, memory)
        assert (await recovered_from(left, memory=memory)).entries == ()
        journal.jot(mark, entries(4, 4))
        torn_away(folder, memory)
    assert (await recovered_from(left, memory=memory)).entries == entries(4, 4)


async def test_a_note_that_was_torn_leaves_the_one_before(
    tmp_path: pathlib.Path, memory: pathlib.Path
) -> None:
    mark, path = Mark(7, 1234, 0), margin_path(tmp_path, memory)
    margin = Margin.open(tmp_path, memory)
    assert margin.note(mark, entries(8, 8))
    first = path.read_bytes()
    assert margin.note(mark, entries(8, 9))
    margin.close(mark)
    second = path.read_bytes()
    [begin, *_, end] = [place for place, (a, b) in enumerate(zip(first, second, strict=True)) if a != b]
    for torn_at in (begin, (begin + end) // 2, end):
        path.write_bytes(second[:torn_at] + first[torn_at:])
        margin = Margin.open(tmp_path, memory)
        assert margin.after(mark) == entries(8, 8)
        margin.close(mark)
    path.write_bytes(second)
    margin = Margin.open(tmp_path, memory)
    assert margin.after(mark) == entries(8, 9)
    margin.close(mark)


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[1,2]", b"[[1,2],[]]", b"[[1,2,3],[[1]]]", b"[[1,2,3],[]]", b"\xff"]
)
async def test_what_another_program_has_noted_is_none(
    tmp_path: pathlib.Path, memory: pathlib.Path, body: bytes
) -> None:
    folder = tmp_path / "journal"
    await write_all(folder, entries(1, 2), memory=memory)
    head = struct.pack("<6sQII", b"TSQM\x00\x01", 1, len(body), zlib.crc32(body))
    margin_path(folder, memory).write_bytes(bytes(4096) + head + body)
    async with opened(folder, memory=memory) as (journal, recovered):
        assert recovered.entries == entries(1, 2)
        assert journal.jot(await journal.write(), entries(3, 3))


@pytest.mark.parametrize("junk", [b"", b"TSQM", b"x" * 200_000])
async def test_what_is_no_note_is_none(tmp_path: pathlib.Path, memory: pathlib.Path, junk: bytes) -> None:
    folder = tmp_path / "journal"
    await write_all(folder, entries(1, 2), memory=memory)
    margin_path(folder, memory).write_bytes(junk)
    async with opened(folder, memory=memory) as (journal, recovered):
        assert recovered.entries == entries(1, 2)
        assert journal.jot(await journal.write(), entries(3, 3))


async def test_what_is_too_long_is_not_noted(tmp_path: pathlib.Path) -> None:
    async with opened(tmp_path) as (journal, _):
        mark = await journal.write(entries(1, 1))
        assert not journal.jot(mark, [Entry(0.0, "kind", 1, "x" * 70_000)])


async def test_nothing_is_noted_where_nobody_would_find_it(
    tmp_path: pathlib.Path, memory: pathlib.Path
) -> None:
    async with opened(tmp_path / "journal", memory=memory) as (journal, _):
        mark = await journal.write(entries(1, 1))
        margin_path(tmp_path / "journal", memory).unlink()
        assert not journal.jot(mark, entries(2, 2))


async def test_without_memory_the_journal_works_and_says_so(
    tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    nowhere = tmp_path / "nowhere"
    async with opened(tmp_path, memory=nowhere) as (journal, _):
        assert not journal.jot(await journal.write(entries(1, 1)), entries(2, 2))
    assert "all that happens waits for the disk" in caplog.text
    assert (await recovered_from(tmp_path, memory=nowhere)).entries == entries(1, 1)


async def test_a_margin_stays_as_long_as_it_is_needed(tmp_path: pathlib.Path, memory: pathlib.Path) -> None:
    for name in ("one", "other"):
        async with opened(tmp_path / name, memory=memory) as (journal, _):
            journal.jot(await journal.write(entries(1, 1)), entries(2, 2))
            if name == "one":
                await journal.write(entries(2, 2))
    assert list(memory.iterdir()) == [margin_path(tmp_path / "other", memory)]
    # Its state directory goes, and then whoever comes next removes it.
    shutil.rmtree(tmp_path / "other")
    async with opened(tmp_path / "one", memory=memory):
        assert list(memory.iterdir()) == [margin_path(tmp_path / "one", memory)]


async def test_nothing_is_noted_in_a_closed_journal(tmp_path: pathlib.Path) -> None:
    async with opened(tmp_path) as (journal, _):
        mark = await journal.write(entries(1, 1))
    assert not journal.jot(mark, entries(2, 2))


#: Notes numbers, and prints each when it is noted, without waiting until it is written.
WRITER = """
import asyncio, logging, pathlib, sys
from collections import deque
from lsst.ts.scriptqueue.journal import Entry, Journal

async def main(folder):
    journal, recovered = await Journal.open(folder, lambda: 0.0, logging.getLogger())
    number = len(recovered.entries)
    mark = await journal.write()
    print("ready", flush=True)
    while True:
        owed = []
        for _ in range(3):
            number += 1
            owed.append(Entry(0.0, "kind", number, "x" * 300))
            assert journal.jot(mark, owed)
            print(number, flush=True)
        mark = await journal.write(owed)

asyncio.run(main(pathlib.Path(sys.argv[1])))
"""


@pytest.mark.system
async def test_what_was_noted_outlives_a_kill(tmp_path: pathlib.Path) -> None:
    dice = random.Random(17)
    for _ in range(8):
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", WRITER, tmp_path, stdout=PIPE)
        assert process.stdout is not None
        try:
            assert await process.stdout.readline() == b"ready\n"
            last = b""
            for _ in range(1 + dice.randrange(40)):
                last = await process.stdout.readline()
        finally:
            process.kill()
        rest = (await process.stdout.read()).splitlines(keepends=True)
        await process.wait()
        noted = int([last, *(line for line in rest if line.endswith(b"\n"))][-1])
        found = [entry.index for entry in (await recovered_from(tmp_path)).entries]
        assert found == list(range(1, len(found) + 1))
        assert len(found) >= noted
