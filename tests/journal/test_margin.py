# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is only noted in the margin is there the next time, once, and as far as the journal has not got."""

from __future__ import annotations

import asyncio
import pathlib
import random
import shutil
import sys
from asyncio.subprocess import PIPE

import pytest

from lsst.ts.scriptqueue.journal import Entry, Mark
from lsst.ts.scriptqueue.journal.margin import NAME, Margin

from .stage import an_entry, entries, opened, recovered_from, write_all


@pytest.fixture
def left(tmp_path: pathlib.Path) -> pathlib.Path:
    """Where a copy of the journal is taken to, as a crash would leave it."""
    return tmp_path / "left"


@pytest.mark.parametrize("written", [0, 1, 2, 3])
async def test_what_was_noted_follows_what_was_written(
    tmp_path: pathlib.Path, left: pathlib.Path, written: int
) -> None:
    folder = tmp_path / "journal"
    async with opened(folder) as (journal, _):
        mark = await journal.write(entries(1, 2))
        assert journal.jot(mark, entries(3, 5))
        for number in range(3, 3 + written):
            await journal.write([an_entry(number)])
        shutil.copytree(folder, left)
    recovered = await recovered_from(left)
    assert recovered.entries == entries(1, 5)
    assert recovered.complaints == ()
    # Now it is in the journal, and not in there twice.
    assert (await recovered_from(left)).entries == entries(1, 5)


async def test_a_note_that_the_journal_has_left_behind_is_of_no_use(
    tmp_path: pathlib.Path, left: pathlib.Path
) -> None:
    folder = tmp_path / "journal"
    async with opened(folder) as (journal, _):
        mark = await journal.write(entries(1, 2))
        journal.jot(mark, entries(3, 3))
        await journal.write(entries(3, 4))
        shutil.copytree(folder, left)
    assert (await recovered_from(left)).entries == entries(1, 4)


async def test_a_snapshot_holds_what_was_noted_before_it(tmp_path: pathlib.Path, left: pathlib.Path) -> None:
    folder = tmp_path / "journal"
    async with opened(folder) as (journal, _):
        mark = await journal.write(entries(1, 2))
        journal.jot(mark, entries(3, 3))
        mark = await journal.write_snapshot("up to 3")
        shutil.copytree(folder, left)
        assert (await recovered_from(left)).entries == ()
        journal.jot(mark, entries(4, 4))
        shutil.copytree(folder, left, dirs_exist_ok=True)
    assert (await recovered_from(left)).entries == entries(4, 4)


async def test_a_note_that_was_torn_leaves_the_one_before(tmp_path: pathlib.Path) -> None:
    mark = Mark(7, 1234, 0)
    margin = Margin.open(tmp_path)
    assert margin.note(mark, entries(8, 8))
    first = (tmp_path / NAME).read_bytes()
    assert margin.note(mark, entries(8, 9))
    margin.close()
    second = (tmp_path / NAME).read_bytes()
    [begin, *_, end] = [place for place, (a, b) in enumerate(zip(first, second, strict=True)) if a != b]
    for torn_at in (begin, (begin + end) // 2, end):
        (tmp_path / NAME).write_bytes(second[:torn_at] + first[torn_at:])
        margin = Margin.open(tmp_path)
        assert margin.after(mark) == entries(8, 8)
        margin.close()
    (tmp_path / NAME).write_bytes(second)
    margin = Margin.open(tmp_path)
    assert margin.after(mark) == entries(8, 9)
    margin.close()


@pytest.mark.parametrize("junk", [b"", b"TSQM", b"x" * 200_000, b"TSQM\x00\x01" + b"\xff" * 100])
async def test_what_is_no_note_is_none(tmp_path: pathlib.Path, junk: bytes) -> None:
    await write_all(tmp_path, entries(1, 2))
    (tmp_path / NAME).write_bytes(junk)
    async with opened(tmp_path) as (journal, recovered):
        assert recovered.entries == entries(1, 2)
        assert journal.jot(await journal.write(), entries(3, 3))


async def test_what_is_too_long_is_not_noted(tmp_path: pathlib.Path, left: pathlib.Path) -> None:
    folder = tmp_path / "journal"
    async with opened(folder) as (journal, _):
        mark = await journal.write(entries(1, 1))
        assert not journal.jot(mark, [Entry(0.0, "kind", 1, "x" * 70_000)])
        shutil.copytree(folder, left)
    assert (await recovered_from(left)).entries == entries(1, 1)


async def test_without_a_margin_the_journal_works(tmp_path: pathlib.Path) -> None:
    (tmp_path / NAME).mkdir()
    async with opened(tmp_path) as (journal, _):
        assert not journal.jot(await journal.write(entries(1, 1)), entries(2, 2))
    assert (await recovered_from(tmp_path)).entries == entries(1, 1)


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
