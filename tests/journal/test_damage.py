# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that were cut or written over: the journal opens, and gives back nothing that was not written.

A damaged file is made as a crash leaves it: the database, and beside it the
write-ahead log with what has not been copied into it. The files are small and
of small pages, so that every byte of the last ones can be tried.
"""

from __future__ import annotations

import dataclasses
import pathlib
import random
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest

from lsst.ts.scriptqueue.journal import (
    Entry,
    JournalError,
    Limits,
    Query,
    Recovered,
    ScriptRow,
    Snapshot,
    read_history,
)
from lsst.ts.scriptqueue.journal.journal_file import JournalFile, Writing
from lsst.ts.scriptqueue.journal.layout import STEPS
from lsst.ts.scriptqueue.journal.rows import entry_values, happening_values, script_values

from .stage import LOG, NOW_TAI, a_line, a_script, an_entry, opened, recovered_from, small_pages

PAGE = 512
MAIN, WAL = "journal.sqlite", "journal.sqlite-wal"
FILES = {"sqlite": MAIN, "wal": WAL}

FEW, MANY = 12, 60


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path


@dataclass(frozen=True, slots=True)
class Written:
    """Files as a crash leaves them, and what was written.

    Attributes
    ----------
    files
        Content of each file, by its name.
    snapshots
        The snapshots that were written, by the number of the entry before.
    entries
        All entries that were written; the first has number 1.
    """

    files: dict[str, bytes]
    snapshots: dict[int, str]
    entries: tuple[Entry, ...] = field(repr=False)

    def put(self, folder: pathlib.Path, **changed: bytes) -> None:
        """Put the files into an empty folder."""
        for file in folder.iterdir():
            file.unlink()
        for short, name in FILES.items():
            (folder / name).write_bytes(changed.get(short, self.files[name]))

    def check(self, recovered: Recovered) -> int:
        """Check that nothing came back that was not written; return the number of the last entry."""
        first = 0
        if recovered.snapshot is not None:
            first = recovered.snapshot.after
            assert recovered.snapshot.body == self.snapshots[first]
        assert recovered.entries == self.entries[first : first + len(recovered.entries)]
        return first + len(recovered.entries)


def a_journal_file(folder: pathlib.Path) -> JournalFile:
    return JournalFile(folder, Limits(), lambda: NOW_TAI, "0.1.0", STEPS, small_pages, LOG)


def this_script(number: int) -> ScriptRow:
    return a_script(number, config=f"the {number}. script")


def a_writing(number: int) -> Writing:
    return Writing(
        (entry_values(an_entry(number, 40)),),
        (script_values(this_script(number)),),
        (happening_values(a_line(number)),),
    )


def write_files(folder: pathlib.Path, *, snapshots: bool, copied: int, last: int = FEW) -> Written:
    """Write a journal.

    Parameters
    ----------
    folder
        Where.
    snapshots
        Is there a snapshot, and one before it?
    copied
        After which entry the write-ahead log is copied into the database.
    last
        Number of the last entry.
    """
    kept: dict[int, str] = {}
    journal_file = a_journal_file(folder)
    journal_file.open()
    try:
        for number in range(1, last + 1):
            journal_file.write([a_writing(number)])
            if snapshots and number in (last // 4, last // 2):
                kept[number] = f"all of {number}{'·' * 400}"
                journal_file.write_snapshot(kept[number])
            if number == copied:
                checkpoint(journal_file)
        files = {name: (folder / name).read_bytes() for name in (MAIN, WAL)}
    finally:
        journal_file.close()
    return Written(files, kept, tuple(an_entry(number, 40) for number in range(1, last + 1)))


def checkpoint(journal_file: JournalFile) -> None:
    assert journal_file._connection is not None
    journal_file._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()


def reopened(folder: pathlib.Path) -> Recovered:
    journal_file = a_journal_file(folder)
    try:
        return journal_file.open()
    finally:
        journal_file.close()


#: Ways to have written a journal.
ALL_IN_THE_LOG = {"snapshots": False, "copied": 0}
ALL_COPIED = {"snapshots": False, "copied": FEW}
WAYS = [
    pytest.param(ALL_IN_THE_LOG, id="all in the log"),
    pytest.param(ALL_COPIED, id="all copied"),
    pytest.param({"snapshots": True, "copied": FEW // 2}, id="snapshots, half copied"),
]


@pytest.mark.parametrize("way", WAYS)
def test_whole_files_give_back_all(folder: pathlib.Path, way: dict[str, int]) -> None:
    written = write_files(folder, **way)  # type: ignore[arg-type]
    written.put(folder)
    recovered = reopened(folder)
    assert written.check(recovered) == FEW
    assert recovered.complaints == ()
    assert len(read_history(folder, Query()).scripts) == FEW


def cuts(size: int, pages: int, others: int, seed: int) -> list[int]:
    """Every byte of the last pages, and some elsewhere."""
    return [
        *range(max(0, size - pages * PAGE), size),
        *sorted(random.Random(seed).sample(range(size), others)),
    ]


def try_cuts(folder: pathlib.Path, written: Written, name: str, sizes: list[int]) -> list[int]:
    """Cut a file at each of the sizes; return the number of the last entry that came back from each."""
    whole = written.files[FILES[name]]
    numbers = []
    for size in sizes:
        written.put(folder, **{name: whole[:size]})
        recovered = reopened(folder)
        numbers.append(written.check(recovered))
        if size % 16 == 0:
            assert_goes_on(folder, recovered)
    return numbers


def try_bytes(folder: pathlib.Path, written: Written, name: str, seeds: Iterable[int]) -> None:
    """Overwrite some bytes of a file, otherwise for each seed."""
    for seed in seeds:
        dice = random.Random(seed)
        damaged = bytearray(written.files[FILES[name]])
        for _ in range(dice.choice((1, 1, 4))):
            length = dice.choice((1, 4, 64, PAGE))
            start = dice.randrange(len(damaged))
            end = min(len(damaged), start + length)
            damaged[start:end] = dice.choice((bytes(end - start), dice.randbytes(end - start)))
        written.put(folder, **{name: bytes(damaged)})
        recovered = reopened(folder)
        written.check(recovered)
        assert_goes_on(folder, recovered)
        for told in read_history(folder, Query()).scripts:
            assert told.script == this_script(told.script.sal_index - 100_000)


def assert_goes_on(folder: pathlib.Path, recovered: Recovered) -> None:
    """Something more can be written, and all comes back."""
    if not recovered.complaints:
        return
    after = recovered.snapshot.after if recovered.snapshot else 0
    journal_file = a_journal_file(folder)
    assert journal_file.open() == dataclasses.replace(recovered, complaints=())
    journal_file.write([a_writing(after + len(recovered.entries) + 1)])
    journal_file.close()
    again = reopened(folder)
    assert again.complaints == ()
    assert len(again.entries) == len(recovered.entries) + 1


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", FILES)
def test_a_file_is_cut(folder: pathlib.Path, way: dict[str, int], name: str) -> None:
    written = write_files(folder, **way)  # type: ignore[arg-type]
    sizes = cuts(len(written.files[FILES[name]]), 1, 10, 1)
    if way is not {"sqlite": ALL_COPIED, "wal": ALL_IN_THE_LOG}[name]:
        # The long test tries them all.
        sizes = sizes[::8]
    numbers = try_cuts(folder, written, name, sizes)
    if name == "wal":
        # On the last page of the log only the last commit can depend.
        assert min(numbers[: PAGE // 8]) >= FEW - 1


def test_of_a_database_that_was_cut_is_kept_what_is_before_the_cut(folder: pathlib.Path) -> None:
    written = write_files(folder, snapshots=False, copied=MANY, last=MANY)
    whole = written.files[MAIN]
    kept = []
    for tenths in range(10, 0, -1):
        written.put(folder, sqlite=whole[: len(whole) * tenths // 10], wal=b"")
        kept.append((written.check(reopened(folder)), len(read_history(folder, Query()).scripts)))
    assert kept == sorted(kept, reverse=True)
    assert kept[0] == (MANY, MANY)
    entries, scripts = kept[1]
    assert min(entries, scripts) > 3 * MANY // 4


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", FILES)
def test_bytes_of_a_file_are_overwritten(folder: pathlib.Path, way: dict[str, int], name: str) -> None:
    try_bytes(folder, write_files(folder, **way), name, range(100))  # type: ignore[arg-type]


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("seed", [pytest.param(random.SystemRandom().randrange(2**31), id="any seed")])
def test_many_more_cuts_and_bytes(folder: pathlib.Path, way: dict[str, int], name: str, seed: int) -> None:
    written = write_files(folder, **way)  # type: ignore[arg-type]
    size = len(written.files[FILES[name]])
    try_cuts(folder, written, name, cuts(size, 4, min(2_000, size), seed))
    try_bytes(folder, written, name, range(seed, seed + 2_000))


def test_the_message_says_what_was_found_and_where_the_file_is(folder: pathlib.Path) -> None:
    written = write_files(folder, snapshots=False, copied=FEW)
    # The text of an entry is changed, and nothing that SQLite would notice.
    damaged = written.files[MAIN].replace(b'{"n": 7}', b'{"n": 8}')
    written.put(folder, sqlite=damaged, wal=b"")
    recovered = reopened(folder)
    assert written.check(recovered) == 6
    (aside,) = folder.glob("journal.damaged-*.sqlite")
    assert aside.read_bytes() == damaged
    assert recovered.complaints == (
        f"the journal {folder}/journal.sqlite was damaged (entry 7 is not what was written); it is kept as "
        f"{aside.name}, and what could be read of it is used: entries up to number 6, 12 scripts of the "
        "history with 12 lines",
    )


def test_the_log_is_set_aside_with_the_file(folder: pathlib.Path) -> None:
    written = write_files(folder, snapshots=False, copied=0)
    written.put(folder, wal=written.files[WAL].replace(b'{"n": 7}', b'{"n": 8}'), sqlite=b"\0" * PAGE)
    reopened(folder)
    (aside,) = folder.glob("journal.damaged-*.sqlite")
    assert aside.with_name(f"{aside.name}-wal").stat().st_size == len(written.files[WAL])


def test_a_second_damaged_file_has_a_name_of_its_own(folder: pathlib.Path) -> None:
    for _ in range(2):
        (folder / MAIN).write_bytes(b"no database at all")
        assert reopened(folder).complaints
    assert len(list(folder.glob("journal.damaged-*.sqlite"))) == 2


def test_if_the_newest_snapshot_is_damaged_the_one_before_leads_as_far(folder: pathlib.Path) -> None:
    written = write_files(folder, snapshots=True, copied=FEW)
    newest, before = FEW // 2, FEW // 4
    written.put(folder, wal=b"", sqlite=written.files[MAIN].replace(b"all of 6", b"all of 9"))
    recovered = reopened(folder)
    assert recovered.snapshot == Snapshot(before, written.snapshots[before])
    assert recovered.entries == written.entries[before:]
    assert f"the snapshot after entry {newest} is not what was written" in recovered.complaints[0]


def test_the_history_is_read_from_both_sides_of_the_damage(folder: pathlib.Path) -> None:
    written = write_files(folder, snapshots=False, copied=MANY, last=MANY)
    damaged = bytearray(written.files[MAIN])
    place = damaged.index(b"the 30. script") // PAGE * PAGE
    damaged[place : place + PAGE] = bytes(PAGE)
    written.put(folder, sqlite=bytes(damaged), wal=b"")
    reopened(folder)
    kept = {told.script.sal_index - 100_000 for told in read_history(folder, Query()).scripts}
    assert {1, MANY} < kept
    assert 30 not in kept


@pytest.mark.parametrize("killed_before", ["complete", "put aside", "in its place"])
def test_a_rebuilding_that_was_killed_is_done_again(folder: pathlib.Path, killed_before: str) -> None:
    written = write_files(folder, snapshots=False, copied=FEW)
    damaged = written.files[MAIN].replace(b'{"n": 7}', b'{"n": 8}')
    written.put(folder, sqlite=damaged, wal=b"")
    reopened(folder)
    new = (folder / MAIN).read_bytes()
    for file in folder.iterdir():
        file.unlink()
    match killed_before:
        case "complete":
            (folder / MAIN).write_bytes(damaged)
            (folder / "journal.building").write_bytes(new[:-PAGE])
        case "put aside":
            (folder / MAIN).write_bytes(damaged)
            (folder / "journal.rebuilt").write_bytes(new)
        case _:
            (folder / "journal.damaged-20260101T000000Z.sqlite").write_bytes(damaged)
            (folder / WAL).write_bytes(written.files[WAL])
            (folder / "journal.rebuilt").write_bytes(new)
    assert reopened(folder).entries == written.entries[:6]
    assert not list(folder.glob("journal.[br]*"))
    # What was left of the old file has not been taken for the new one's.
    assert reopened(folder) == Recovered(None, written.entries[:6], (), is_fresh=False)


def spoil(folder: pathlib.Path, what: bytes) -> None:
    """Overwrite the page of the database that has a text; the connection to it is not told."""
    content = (folder / MAIN).read_bytes()
    with (folder / MAIN).open("r+b") as file:
        file.seek(content.index(what) // PAGE * PAGE)
        file.write(b"\xff" * PAGE)


@pytest.mark.parametrize(
    ("spoilt", "is_lost"),
    [
        pytest.param(b"the 2. script", False, id="of the history"),
        pytest.param(b'{"n": 2}', True, id="of the replay"),
    ],
)
async def test_damage_that_shows_while_it_is_written(
    folder: pathlib.Path, spoilt: bytes, is_lost: bool, caplog: pytest.LogCaptureFixture
) -> None:
    def connect_without_memory(path: pathlib.Path) -> sqlite3.Connection:
        connection = small_pages(path)
        connection.execute("PRAGMA cache_size = 0")
        return connection

    write_files(folder, snapshots=False, copied=FEW)
    async with opened(folder, connect=connect_without_memory) as (journal, recovered):
        assert len(recovered.entries) == FEW
        spoil(folder, spoilt)
        # A script of the history is written anew, so that its page is read.
        writing: dict[str, Any] = {"entries": [an_entry(FEW + 1, 40)], "scripts": [this_script(2)]}
        if is_lost:
            spoil(folder, b"the 2. script")
            with pytest.raises(
                JournalError, match=r"entries after number \d are lost; it goes on after a snapshot"
            ):
                await journal.write(**writing)
            assert journal.wants_snapshot
            with pytest.raises(JournalError, match="it goes on after a snapshot"):
                await journal.write(**writing)
            await journal.write_snapshot("all of 12")
        await journal.write(**writing)
    assert "it is kept as journal.damaged-" in caplog.text
    recovered = await recovered_from(folder)
    if is_lost:
        assert recovered == Recovered(Snapshot(FEW, "all of 12"), (an_entry(FEW + 1, 40),), (), False)
    else:
        assert recovered.entries == tuple(an_entry(number, 40) for number in range(1, FEW + 2))
    assert this_script(2) in [told.script for told in read_history(folder, Query()).scripts]
