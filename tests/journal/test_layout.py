# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The format of the file: brought forward step by step, refused if it is newer."""

from __future__ import annotations

import dataclasses
import pathlib
import sqlite3
from contextlib import closing

import pytest

from lsst.ts.scriptqueue import __version__
from lsst.ts.scriptqueue.core.scripts import Script
from lsst.ts.scriptqueue.journal import JournalError, JournalTooNewError, Query, Recovered, read_history
from lsst.ts.scriptqueue.journal.layout import STEPS, Step, migrate, sql, tables_of
from lsst.ts.scriptqueue.journal.rows import HAPPENING_COLUMNS, SCRIPT_COLUMNS

from .stage import entries, opened, recovered_from, write_all

#: An earlier layout that never was: entries had no index.
EARLIER = sql(
    "CREATE TABLE entries (number INTEGER PRIMARY KEY, at_tai REAL, kind TEXT, body TEXT, chain INTEGER)",
    "CREATE TABLE snapshots (after INTEGER PRIMARY KEY, chain INTEGER, body TEXT, digest INTEGER)",
)


def from_earlier(connection: sqlite3.Connection) -> None:
    """Bring that layout to the one of today; what is in it is dropped."""
    for table in ("entries", "snapshots"):
        connection.execute(f"DROP TABLE {table}")
    STEPS[0](connection)


class Killed(BaseException):
    """Stands for the end of the process."""


def killed(connection: sqlite3.Connection) -> None:
    from_earlier(connection)
    raise Killed


def versions(folder: pathlib.Path) -> tuple[int, str, str]:
    with closing(sqlite3.connect(folder / "journal.sqlite")) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        about = dict(connection.execute("SELECT name, value FROM about"))
    return version, about["format"], about["program"]


def made_by(folder: pathlib.Path, *steps: Step, program: str = "0.0.1") -> None:
    with closing(sqlite3.connect(folder / "journal.sqlite", isolation_level=None)) as connection:
        migrate(connection, program, steps)


async def test_a_new_file_has_the_newest_format(tmp_path: pathlib.Path) -> None:
    await recovered_from(tmp_path)
    assert versions(tmp_path) == (len(STEPS), str(len(STEPS)), __version__)


async def test_an_earlier_format_is_brought_forward(tmp_path: pathlib.Path) -> None:
    made_by(tmp_path, EARLIER)
    assert versions(tmp_path) == (1, "1", "0.0.1")
    steps = (EARLIER, from_earlier)
    recovered = await recovered_from(tmp_path, steps=steps)
    assert recovered == Recovered(None, (), (), is_fresh=False)
    assert versions(tmp_path) == (2, "2", __version__)
    await write_all(tmp_path, entries(1, 2), steps=steps)
    assert (await recovered_from(tmp_path, steps=steps)).entries == entries(1, 2)


async def test_entries_survive_a_new_step(tmp_path: pathlib.Path) -> None:
    await write_all(tmp_path, entries(1, 2))
    steps = (*STEPS, sql("CREATE TABLE more (something TEXT)"))
    assert (await recovered_from(tmp_path, steps=steps)).entries == entries(1, 2)
    assert versions(tmp_path)[0] == len(STEPS) + 1


def test_who_is_killed_in_the_middle_of_a_step_leaves_the_format_before_it(tmp_path: pathlib.Path) -> None:
    made_by(tmp_path, EARLIER)
    with closing(sqlite3.connect(tmp_path / "journal.sqlite", isolation_level=None)) as connection:
        before = tables_of(connection)
        with pytest.raises(Killed):
            migrate(connection, "0.0.2", (EARLIER, killed))
    assert versions(tmp_path) == (1, "1", "0.0.1")
    with closing(sqlite3.connect(tmp_path / "journal.sqlite")) as connection:
        assert tables_of(connection) == before


async def test_a_newer_format_is_refused_and_left_alone(tmp_path: pathlib.Path) -> None:
    made_by(tmp_path, *STEPS, sql("CREATE TABLE later (something TEXT)"), program="9.1.0")
    before = (tmp_path / "journal.sqlite").read_bytes()
    with pytest.raises(JournalTooNewError) as caught:
        await recovered_from(tmp_path)
    newer, ours = len(STEPS) + 1, len(STEPS)
    assert str(caught.value) == (
        f"the journal {tmp_path}/journal.sqlite has format {newer}, written by version 9.1.0 of the program; "
        f"this is version {__version__}, which knows formats up to {ours}. Use version 9.1.0 or a newer one"
    )
    assert (tmp_path / "journal.sqlite").read_bytes() == before
    with pytest.raises(JournalTooNewError, match=r"ask it with version 9\.1\.0 of the program"):
        read_history(tmp_path, Query())


async def test_a_number_that_was_overwritten_is_no_newer_format(tmp_path: pathlib.Path) -> None:
    await write_all(tmp_path, entries(1, 2))
    with closing(sqlite3.connect(tmp_path / "journal.sqlite")) as connection:
        connection.execute("PRAGMA user_version = 77")
    async with opened(tmp_path) as (_, recovered):
        assert recovered.entries == entries(1, 2)
        assert f"it says that its format is 77, and also {len(STEPS)}" in recovered.complaints[0]


def test_the_history_of_a_file_that_is_not_ready_says_so(tmp_path: pathlib.Path) -> None:
    (tmp_path / "journal.sqlite").touch()
    with pytest.raises(JournalError, match="has only just been made; it can be asked when a queue"):
        read_history(tmp_path, Query())


def test_the_tables_have_a_column_for_each_field() -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate(connection, "", STEPS)
        for table, columns in (("scripts", SCRIPT_COLUMNS), ("happenings", HAPPENING_COLUMNS)):
            found = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            assert found == ["number", *columns, "digest"]


def test_what_every_snapshot_must_tell_of_a_script_belongs_to_the_format() -> None:
    """A field that becomes required, or is no longer written though it was, needs a new step."""
    required = [
        field.name
        for field in dataclasses.fields(Script)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]
    assert (len(STEPS), required) == (3, ["index", "wish", "slot", "command_id", "cmd_id", "added_tai"])
