# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written is there when the journal is opened again."""

from __future__ import annotations

import asyncio
import math
import os
import pathlib
import sqlite3
import threading
from typing import Any

import pytest

from lsst.ts.scriptqueue.journal import (
    Entry,
    Journal,
    JournalError,
    JournalInUseError,
    Limits,
    Query,
    Recovered,
    Snapshot,
    connecting,
    read_history,
)

from .stage import LOG, NOW_TAI, a_line, a_script, an_entry, entries, opened, recovered_from, write_all


async def test_a_journal_that_was_not_there(tmp_path: pathlib.Path) -> None:
    assert await recovered_from(tmp_path / "new" / "state") == Recovered(None, (), (), is_fresh=True)
    assert await recovered_from(tmp_path / "new" / "state") == Recovered(None, (), (), is_fresh=False)


async def test_entries_come_back_in_order(tmp_path: pathlib.Path) -> None:
    await write_all(tmp_path, entries(1, 3), entries(4, 4))
    await write_all(tmp_path, entries(5, 6))
    assert await recovered_from(tmp_path) == Recovered(None, entries(1, 6), (), is_fresh=False)


async def test_after_a_snapshot_only_what_came_later_comes_back(tmp_path: pathlib.Path) -> None:
    async with opened(tmp_path) as (journal, _):
        # None of these is waited for: the order in which they are asked for counts.
        asked = [
            journal.write(entries(1, 3)),
            journal.write_snapshot("all of 3"),
            journal.write(entries(4, 5)),
        ]
        await asyncio.gather(*asked)
    assert await recovered_from(tmp_path) == Recovered(Snapshot(3, "all of 3"), entries(4, 5), (), False)


async def test_a_later_snapshot_takes_the_place_of_the_first(tmp_path: pathlib.Path) -> None:
    async with opened(tmp_path) as (journal, _):
        for number in range(1, 5):
            await journal.write(entries(number, number))
            await journal.write_snapshot(f"all of {number}")
        await journal.write_snapshot("all of 4, better")
    assert await recovered_from(tmp_path) == Recovered(Snapshot(4, "all of 4, better"), (), (), False)
    with sqlite3.connect(tmp_path / "journal.sqlite") as connection:
        assert connection.execute("SELECT after FROM snapshots ORDER BY after").fetchall() == [(3,), (4,)]
    connection.close()


@pytest.mark.parametrize(
    ("limits", "written", "wants"),
    [
        pytest.param(Limits(snapshot_entries=3), entries(1, 2), False, id="few entries"),
        pytest.param(Limits(snapshot_entries=3), entries(1, 3), True, id="many entries"),
        pytest.param(Limits(snapshot_bytes=500), (an_entry(1, 400),), False, id="little text"),
        pytest.param(Limits(snapshot_bytes=500), (an_entry(1, 500),), True, id="much text"),
    ],
)
async def test_a_snapshot_is_wanted_when_there_is_much_to_replay(
    tmp_path: pathlib.Path, limits: Limits, written: tuple[Entry, ...], wants: bool
) -> None:
    async with opened(tmp_path, limits) as (journal, _):
        await journal.write(written)
        assert journal.wants_snapshot is wants
    async with opened(tmp_path, limits) as (journal, _):
        assert journal.wants_snapshot is wants
        await journal.write_snapshot("")
        assert not journal.wants_snapshot


async def test_what_many_write_while_the_disk_is_busy_is_committed_together(tmp_path: pathlib.Path) -> None:
    free, reached = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    #: The entries of each commit; what is only tidied up has none, and may come at any time.
    commits: list[int] = []

    def connect(path: pathlib.Path) -> sqlite3.Connection:
        connection = connecting.connect(path)
        written = 0

        def note(statement: str) -> None:
            nonlocal written
            if statement.startswith("INSERT INTO entries"):
                written += 1
            elif statement == "COMMIT" and written:
                commits.append(written)
                written = 0
                loop.call_soon_threadsafe(reached.set)
                free.wait()

        connection.set_trace_callback(note)
        return connection

    async with opened(tmp_path, connect=connect) as (journal, _):
        try:
            first = journal.write(entries(1, 1))
            await reached.wait()
            others = [journal.write(entries(number, number)) for number in range(2, 52)]
        finally:
            free.set()
        await asyncio.gather(first, *others)
        assert commits == [1, 50]
    assert (await recovered_from(tmp_path)).entries == entries(1, 51)


async def test_the_history_keeps_scripts_and_their_stories(tmp_path: pathlib.Path) -> None:
    async with opened(tmp_path) as (journal, _):
        await journal.write(scripts=[a_script(script_state="RUNNING")], happenings=[a_line(text="runs")])
        await journal.write(scripts=[a_script(exit_code=None, signal=9)], happenings=[a_line(text="killed")])
        # The file is asked while it is open.
        answer = read_history(tmp_path, Query())
    assert [told.script for told in answer.scripts] == [a_script(signal=9)]
    assert [line.text for line in answer.scripts[0].story] == ["runs", "killed"]


async def test_a_line_that_is_told_again_after_a_restart_is_in_the_story_once(tmp_path: pathlib.Path) -> None:
    async with opened(tmp_path) as (journal, _):
        await journal.write(scripts=[a_script()], happenings=[a_line(text="added")])
    async with opened(tmp_path) as (journal, _):
        await journal.write(happenings=[a_line(text="added"), a_line(text="runs")])
        answer = read_history(tmp_path, Query())
    assert [line.text for line in answer.scripts[0].story] == ["added", "runs"]


async def test_a_second_journal_of_a_directory_is_refused(tmp_path: pathlib.Path) -> None:
    async with opened(tmp_path):
        with pytest.raises(
            JournalInUseError, match=rf"process {os.getpid()} writes the journal in {tmp_path}"
        ):
            await recovered_from(tmp_path)
    assert not (await recovered_from(tmp_path)).is_fresh


async def test_what_was_asked_for_is_written_before_it_closes(tmp_path: pathlib.Path) -> None:
    async with opened(tmp_path) as (journal, _):
        done = journal.write(entries(1, 1))
    assert done.done()
    with pytest.raises(JournalError, match="is closed"):
        journal.write(entries(2, 2))
    await journal.aclose()
    assert (await recovered_from(tmp_path)).entries == entries(1, 1)


async def test_who_no_longer_waits_has_written_all_the_same(tmp_path: pathlib.Path) -> None:
    async with opened(tmp_path) as (journal, _):
        journal.write(entries(1, 1)).cancel()
        await journal.write(entries(2, 2))
    assert (await recovered_from(tmp_path)).entries == entries(1, 2)


async def test_opening_is_cancelled(tmp_path: pathlib.Path) -> None:
    task = asyncio.create_task(Journal.open(tmp_path, lambda: NOW_TAI, LOG))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    for thread in threading.enumerate():
        if thread.name == "journal":
            await asyncio.to_thread(thread.join)
    assert not (await recovered_from(tmp_path)).complaints


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"entries": [Entry(math.nan, "", 0, "")]}, id="no time"),
        pytest.param({"entries": [Entry(0.0, "", 2**63, "")]}, id="too large"),
        pytest.param({"entries": [Entry(0.0, "", 0, "\ud800")]}, id="half a character"),
        pytest.param({"scripts": [a_script(config="\ud800")]}, id="in the history"),
        pytest.param({"happenings": [a_line(text="\ud800")]}, id="in a story"),
    ],
)
async def test_what_cannot_be_kept_is_refused_at_once(tmp_path: pathlib.Path, wrong: dict[str, Any]) -> None:
    async with opened(tmp_path) as (journal, _):
        with pytest.raises(ValueError, match=r"time|bits|surrogates"):
            journal.write(**wrong)
        await journal.write(entries(1, 1))
    assert (await recovered_from(tmp_path)).entries == entries(1, 1)


@pytest.mark.parametrize("text", ["", "a\0b", "'\"; DROP TABLE entries", "°⊙ \U0001f52d", "line\r\nline"])
async def test_any_text_comes_back_as_it_was(tmp_path: pathlib.Path, text: str) -> None:
    entry = Entry(-0.0, text, -1, text)
    async with opened(tmp_path) as (journal, _):
        await journal.write([entry], [a_script(config=text, output_tail=text)], [a_line(text=text)])
    assert (await recovered_from(tmp_path)).entries == (entry,)
    (told,) = read_history(tmp_path, Query()).scripts
    assert (told.script.config, told.script.output_tail, told.story[0].text) == (text, text, text)
