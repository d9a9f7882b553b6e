# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file does not grow for ever."""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
import sqlite3
from collections.abc import Iterator

import pytest

from lsst.ts.scriptqueue.journal import Journal, Limits, Query, read_history
from lsst.ts.scriptqueue.journal import journal as journal_module
from lsst.ts.scriptqueue.journal.connecting import connect, for_reading
from lsst.ts.scriptqueue.journal.journal_file import JournalFile, Writing
from lsst.ts.scriptqueue.journal.layout import STEPS, migrate
from lsst.ts.scriptqueue.journal.rows import entry_values, happening_values, script_values

from .stage import DAY_S, LOG, NOW_TAI, a_line, a_script, an_entry


@contextlib.contextmanager
def a_journal_file(folder: pathlib.Path, limits: Limits, now_tai: float = NOW_TAI) -> Iterator[JournalFile]:
    journal_file = JournalFile(folder, limits, lambda: now_tai, "0.1.0", STEPS, connect, LOG)
    journal_file.open()
    try:
        yield journal_file
    finally:
        journal_file.close()


def tidied(journal_file: JournalFile) -> int:
    """Tidy until there is nothing left to do; return how many steps it took."""
    steps = 1
    journal_file.tidy()
    while journal_file.is_untidy:
        journal_file.tidy()
        steps += 1
    return steps


def history_of(first: int, last: int) -> Writing:
    numbers = range(first, last + 1)
    return Writing(
        (),
        tuple(script_values(a_script(number)) for number in numbers),
        tuple(
            happening_values(a_line(number, text))
            for number in numbers
            for text in ("added", "runs", "ended")
        ),
    )


def kept(folder: pathlib.Path) -> list[int]:
    return [told.script.sal_index - 100_000 for told in read_history(folder, Query()).scripts]


def rows_of(folder: pathlib.Path, table: str) -> int:
    with for_reading(folder / "journal.sqlite") as connection:
        (count,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(count)


def test_the_oldest_beyond_a_number_are_removed(tmp_path: pathlib.Path) -> None:
    with a_journal_file(tmp_path, Limits(keep_rows=30)) as journal_file:
        journal_file.write([history_of(1, 100)])
        assert tidied(journal_file) >= 4
        assert kept(tmp_path) == list(range(71, 101))
        assert rows_of(tmp_path, "happenings") == 90
        # One that is written anew is none more.
        journal_file.write([history_of(71, 100)])
        tidied(journal_file)
        assert len(kept(tmp_path)) == 30
    with a_journal_file(tmp_path, Limits(keep_rows=10)) as journal_file:
        tidied(journal_file)
    assert kept(tmp_path) == list(range(91, 101))


def test_those_that_are_too_old_are_removed(tmp_path: pathlib.Path) -> None:
    lost = Writing((), (), tuple(happening_values(a_line(number)) for number in range(200, 204)))
    with a_journal_file(tmp_path, Limits(keep_days=10)) as journal_file:
        journal_file.write([history_of(1, 60), lost])
        tidied(journal_file)
        assert len(kept(tmp_path)) == 60
    with a_journal_file(tmp_path, Limits(keep_days=10), NOW_TAI + 10 * DAY_S + 40.5) as journal_file:
        tidied(journal_file)
    assert kept(tmp_path) == list(range(41, 61))
    # Lines of a script that the history does not know have gone with their time, too.
    with a_journal_file(tmp_path, Limits(keep_days=10), NOW_TAI + 20 * DAY_S) as journal_file:
        tidied(journal_file)
    assert (rows_of(tmp_path, "scripts"), rows_of(tmp_path, "happenings")) == (0, 0)


def test_entries_before_the_last_but_one_snapshot_are_removed(tmp_path: pathlib.Path) -> None:
    with a_journal_file(tmp_path, Limits()) as journal_file:
        journal_file.write([Writing(tuple(entry_values(an_entry(n)) for n in range(1, 1201)), (), ())])
        journal_file.write_snapshot("one")
        journal_file.write([Writing(tuple(entry_values(an_entry(n)) for n in range(1201, 1211)), (), ())])
        assert tidied(journal_file) == 1
        journal_file.write_snapshot("two")
        assert tidied(journal_file) == 4
    with for_reading(tmp_path / "journal.sqlite") as connection:
        found = connection.execute("SELECT min(number), max(number) FROM entries").fetchone()
    assert found == (1201, 1210)


@pytest.mark.parametrize("spare_pages", [0, 20])
def test_pages_that_nobody_needs_are_given_back(tmp_path: pathlib.Path, spare_pages: int) -> None:
    with a_journal_file(tmp_path, Limits(keep_rows=1, spare_pages=spare_pages)) as journal_file:
        journal_file.write([history_of(1, 2000)])
        tidied(journal_file)
    with for_reading(tmp_path / "journal.sqlite") as connection:
        (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    assert free <= spare_pages
    assert (tmp_path / "journal.sqlite").stat().st_size < 4096 * (40 + spare_pages)


def test_a_file_that_cannot_give_pages_back_is_left_as_it_is(tmp_path: pathlib.Path) -> None:
    with contextlib.closing(connect(tmp_path / "journal.sqlite")) as connection:
        connection.execute("PRAGMA auto_vacuum = NONE")
        migrate(connection, "0.1.0", STEPS)
    with a_journal_file(tmp_path, Limits(keep_rows=1, spare_pages=0)) as journal_file:
        journal_file.write([history_of(1, 200)])
        assert tidied(journal_file) < 20
    assert kept(tmp_path) == [200]


def test_ten_thousand_scripts_in_a_bounded_file(tmp_path: pathlib.Path) -> None:
    sizes = []
    with a_journal_file(tmp_path, Limits(keep_rows=500)) as journal_file:
        for first in range(1, 10_001, 500):
            journal_file.write([history_of(first, first + 499)])
            tidied(journal_file)
            sizes.append((tmp_path / "journal.sqlite").stat().st_size)
    assert kept(tmp_path) == list(range(9_501, 10_001))
    # It has the size of twice what is kept, and keeps that.
    assert max(sizes[10:]) <= 1.1 * max(sizes[:10])


def test_a_reader_that_stays_keeps_the_log_long_only_as_long_as_it_stays(tmp_path: pathlib.Path) -> None:
    limits = Limits(wal_bytes=100_000)
    log = tmp_path / "journal.sqlite-wal"

    def write(first: int) -> None:
        for number in range(first, first + 1000, 10):
            journal_file.write(
                [Writing(tuple(entry_values(an_entry(n, 2000)) for n in range(number, number + 10)), (), ())]
            )

    with a_journal_file(tmp_path, limits) as journal_file:
        with for_reading(tmp_path / "journal.sqlite") as reader:
            reader.execute("BEGIN")
            assert reader.execute("SELECT count(*) FROM entries").fetchone() == (0,)
            write(1)
            write(1001)
            grown = log.stat().st_size
            assert grown > 6_000_000
            # It still sees what it saw.
            assert reader.execute("SELECT count(*) FROM entries").fetchone() == (0,)
        write(2001)
        assert log.stat().st_size < grown
        write(3001)
        assert log.stat().st_size < 5_000_000
        assert rows_of(tmp_path, "entries") == 4000


def test_a_history_that_is_asked_while_it_is_written_sees_whole_writes(tmp_path: pathlib.Path) -> None:
    with a_journal_file(tmp_path, Limits()) as journal_file:
        for number in range(1, 30, 2):
            journal_file.write([history_of(number, number + 1)])
            assert kept(tmp_path) == list(range(1, number + 2))


def test_a_history_in_a_folder_that_may_not_be_written(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_journal_file(tmp_path, Limits()) as journal_file:
        journal_file.write([history_of(1, 3)])
    assert not (tmp_path / "journal.sqlite-wal").exists()
    # Whoever runs the tests may be allowed everything.
    monkeypatch.setattr("os.access", lambda *_: False)
    assert kept(tmp_path) == [1, 2, 3]
    assert [file.name for file in tmp_path.glob("journal.sqlite*")] == ["journal.sqlite"]


def test_what_cannot_be_tidied_is_said_and_left(
    tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    def connect_without_tables(path: pathlib.Path) -> sqlite3.Connection:
        connection = connect(path)
        connection.set_authorizer(
            lambda action, *_: (
                sqlite3.SQLITE_DENY
                if action == sqlite3.SQLITE_DELETE and _[0] == "scripts"
                else sqlite3.SQLITE_OK
            )
        )
        return connection

    journal_file = JournalFile(
        tmp_path, Limits(keep_rows=1), lambda: NOW_TAI, "0.1.0", STEPS, connect_without_tables, LOG
    )
    journal_file.open()
    try:
        journal_file.write([history_of(1, 30)])
        tidied(journal_file)
        assert "Old entries stay for now" in caplog.text
        journal_file.write([history_of(31, 31)])
    finally:
        journal_file.close()
    assert len(kept(tmp_path)) == 31


async def test_what_nobody_adds_to_grows_old_too(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "_TIDY_S", 0.01)
    loop, tidied_later = asyncio.get_running_loop(), asyncio.Event()
    now_tai = NOW_TAI

    def tidy(journal_file: JournalFile) -> None:
        plainly(journal_file)
        if now_tai > NOW_TAI and not journal_file.is_untidy:
            loop.call_soon_threadsafe(tidied_later.set)

    plainly = JournalFile.tidy
    monkeypatch.setattr(JournalFile, "tidy", tidy)
    journal, _ = await Journal.open(tmp_path, lambda: now_tai, LOG, Limits(keep_days=10))
    try:
        await journal.write(scripts=[a_script(1)])
        assert kept(tmp_path) == [1]
        now_tai += 11 * DAY_S
        async with asyncio.timeout(10):
            await tidied_later.wait()
        assert kept(tmp_path) == []
    finally:
        await journal.aclose()
