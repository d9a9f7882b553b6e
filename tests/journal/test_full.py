# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""No room, and other errors of the disk: nothing half-written, and on as soon as it can be."""

from __future__ import annotations

import asyncio
import pathlib
import resource
import shutil
import sqlite3
import subprocess
import sys
from typing import Any

import pytest

from lsst.ts.scriptqueue.journal import (
    Entry,
    JournalError,
    JournalFullError,
    Query,
    connecting,
    read_history,
)

from .stage import a_script, an_entry, entries, opened, recovered_from

BIG = 50_000


async def test_there_is_no_room(tmp_path: pathlib.Path) -> None:
    connections: list[sqlite3.Connection] = []

    def connect(path: pathlib.Path) -> sqlite3.Connection:
        connections.append(sqlite3.connect(path, isolation_level=None, check_same_thread=False))
        return connections[-1]

    async with opened(tmp_path, connect=connect) as (journal, _):
        await journal.write(entries(1, 2))
        connections[-1].execute("PRAGMA max_page_count = 20")
        with pytest.raises(JournalFullError, match="there is no room on the disk; make room, and try again"):
            await journal.write([an_entry(3), an_entry(4, BIG)], [a_script()])
        with pytest.raises(JournalFullError):
            await journal.write_snapshot("·" * BIG)
        # What is small enough still goes, and takes the number of what did not.
        await journal.write(entries(3, 3))
        connections[-1].execute("PRAGMA max_page_count = 1000000")
        await journal.write([an_entry(4, BIG)])
        assert len(connections) == 1
    recovered = await recovered_from(tmp_path)
    assert recovered.entries == (*entries(1, 3), an_entry(4, BIG))
    assert recovered.snapshot is None
    assert recovered.complaints == ()
    assert read_history(tmp_path, Query()).scripts == ()


async def test_all_that_were_to_be_written_together_hear_of_it(tmp_path: pathlib.Path) -> None:
    def connect(path: pathlib.Path) -> sqlite3.Connection:
        connection = connecting.connect(path)
        connection.execute("PRAGMA max_page_count = 20")
        return connection

    async with opened(tmp_path, connect=connect) as (journal, _):
        asked = [journal.write([an_entry(number, BIG)]) for number in range(3)]
        said = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(error) for error in said] == [JournalFullError] * 3
    assert len(set(map(id, said))) == 3


async def test_an_error_of_the_disk_passes(tmp_path: pathlib.Path) -> None:
    """A limit on the size of files makes real writes fail; it is this process's own."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    async with opened(tmp_path) as (journal, _):
        await journal.write(entries(1, 2))
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
        try:
            with pytest.raises(JournalError, match="the disk"):
                await journal.write([an_entry(3, 4 * BIG)])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        await journal.write([an_entry(3, 4 * BIG)])
    recovered = await recovered_from(tmp_path)
    assert recovered.entries == (*entries(1, 2), an_entry(3, 4 * BIG))
    assert recovered.complaints == ()


async def test_what_failed_and_is_found_all_the_same_is_removed(tmp_path: pathlib.Path) -> None:
    """As when the disk took a commit and then said that it had not."""

    class Lying(sqlite3.Connection):
        def execute(self, statement: str, *arguments: Any) -> sqlite3.Cursor:
            done = super().execute(statement, *arguments)
            if statement == "COMMIT" and lies:
                error = sqlite3.OperationalError(lies.pop())
                error.sqlite_errorcode, error.sqlite_errorname = (
                    sqlite3.SQLITE_IOERR_FSYNC,
                    "SQLITE_IOERR_FSYNC",
                )
                raise error
            return done

    lies: list[str] = []

    def connect(path: pathlib.Path) -> sqlite3.Connection:
        return sqlite3.connect(path, isolation_level=None, factory=Lying)

    async with opened(tmp_path, connect=connect) as (journal, _):
        await journal.write(entries(1, 2))
        lies.append("disk I/O error")
        with pytest.raises(
            JournalError, match=r"the disk reports an error \(disk I/O error, SQLITE_IOERR_FSYNC\)"
        ):
            await journal.write([Entry(0.0, "refused", 0, "")])
        await journal.write(entries(3, 3))
    assert (await recovered_from(tmp_path)).entries == entries(1, 3)
    assert not list(tmp_path.glob("journal.damaged-*"))


async def test_a_folder_that_cannot_be_made(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(
        JournalError, match=r"the state directory .*/file/state cannot be made: Not a directory"
    ):
        await recovered_from(tmp_path / "file" / "state")


#: Fills a file system of its own, and sets it read-only; says what the journal said of each.
ON_A_TINY_DISK = """
import asyncio, logging, os, pathlib, subprocess, sys
from lsst.ts.scriptqueue.journal import Entry, Journal, JournalError

async def main(folder):
    journal, _ = await Journal.open(folder / "state", lambda: 0.0, logging.getLogger())
    written = 0

    async def attempt(size=100):
        nonlocal written
        try:
            await journal.write([Entry(0.0, "kind", written + 1, "x" * size)])
            written += 1
            return "written"
        except JournalError as error:
            return f"{type(error).__name__}: {error}"

    def mounted(how):
        return subprocess.run(["mount", "-o", f"remount,{how}", folder], capture_output=True).returncode == 0

    print(await attempt())
    filler = folder / "filler"
    with open(filler, "wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            pass
    said = "written"
    while said == "written":
        said = await attempt()
    print(said)
    print(await attempt())
    await journal.aclose()
    journal, recovered = await Journal.open(folder / "state", lambda: 0.0, logging.getLogger())
    print(len(recovered.entries) == written, *recovered.complaints)
    print(await attempt())
    filler.unlink()
    print(await attempt())
    await journal.aclose()
    if mounted("ro"):
        try:
            await Journal.open(folder / "state", lambda: 0.0, logging.getLogger())
        except JournalError as error:
            print(error)
        mounted("rw")
    else:
        print("could not be made read-only")
    journal, recovered = await Journal.open(folder / "state", lambda: 0.0, logging.getLogger())
    print([entry.index for entry in recovered.entries] == list(range(1, written + 1)), *recovered.complaints)
    await journal.aclose()

asyncio.run(main(pathlib.Path(sys.argv[1])))
"""


@pytest.mark.system
def test_a_real_disk_is_full_and_read_only(tmp_path: pathlib.Path) -> None:
    if shutil.which("unshare") is None:
        pytest.skip("this machine has no unshare(1)")
    (tmp_path / "disk").mkdir()
    inside = 'mount -t tmpfs -o size=2M tmpfs "$1" && exec "$2" -c "$3" "$1"'
    words = ("unshare", "--mount", "--map-root-user", "sh", "-c", inside, "sh")
    run = subprocess.run(
        [*words, str(tmp_path / "disk"), sys.executable, ON_A_TINY_DISK],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    if run.returncode and ("unshare" in run.stderr or "mount" in run.stderr):
        pytest.skip(f"no file system of its own here: {run.stderr.strip()}")
    assert run.returncode == 0, run.stderr
    first, full, still_full, reopened, also_full, then, read_only, recovered = run.stdout.splitlines()
    assert first == "written"
    assert full.startswith("JournalFullError: ")
    assert "there is no room on the disk" in still_full
    assert reopened.startswith("True the journal ")
    assert "there is no room on the disk" in reopened
    assert also_full.startswith("JournalFullError: ")
    assert then == "written"
    assert "read-only" in read_only.lower()
    assert recovered == "True"
