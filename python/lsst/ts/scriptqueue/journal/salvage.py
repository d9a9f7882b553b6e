# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file that is not what was written: what can be read of it goes to a new one, and it is set aside.

The new file is made complete under another name first. Then the old one is
renamed, with what SQLite keeps beside it, and the new one takes its place.
Whoever is killed in between finds at the next start that the old one is there
and begins anew, or that it is not and puts the complete one in its place.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import pathlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .connecting import for_reading
from .faults import READING_ERRORS
from .records import Entry
from .replay import NOTHING, Replay, read_replay
from .rows import (
    HAPPENING_COLUMNS,
    SCRIPT_COLUMNS,
    chained,
    entry_values,
    happening_of,
    script_of,
)
from .tables import add_entries, add_happenings, add_scripts, add_snapshot

__all__ = ["finish_rebuilding", "rebuild"]

#: What SQLite keeps beside a file.
_BESIDE = ("-wal", "-shm", "-journal")

#: Makes and opens a new file in the format of today.
Make = Callable[[pathlib.Path], sqlite3.Connection]


def rebuild(path: pathlib.Path, why: str, make: Make) -> str:
    """Make a new file of what can be read of a damaged one.

    Parameters
    ----------
    path
        The file. Nobody has it open.
    why
        What shows that it is damaged.
    make
        Makes a new file.

    Returns
    -------
    str
        What was done, for people.

    Raises
    ------
    sqlite3.Error
        If the new file cannot be written.
    OSError
        If files cannot be renamed.
    """
    building, complete = _names(path)
    for name in (building, complete):
        _remove(name)
    replay, view = _best_replay(path)
    with contextlib.closing(make(building)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        _put_replay(connection, replay)
        scripts = _copy(path, view, connection, "scripts", SCRIPT_COLUMNS, _put_script)
        lines = _copy(path, view, connection, "happenings", HAPPENING_COLUMNS, _put_happening)
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    building.rename(complete)
    aside = _set_aside(path)
    complete.rename(path)
    _sync(path.parent)
    if replay.snapshot is None:
        found = f"entries up to number {replay.number}" if replay.entries else "no entries"
    else:
        found = f"a snapshot and entries up to number {replay.number}"
    return (
        f"the journal {path} was damaged ({why}); it is kept as {aside.name}, and what could be read of it "
        f"is used: {found}, {scripts} scripts of the history with {lines} lines"
    )


def finish_rebuilding(path: pathlib.Path) -> None:
    """Put a complete file into the place of one that was already set aside."""
    building, complete = _names(path)
    _remove(building)
    if complete.exists():
        if path.exists():
            _remove(complete)
        else:
            _set_aside(path)
            complete.rename(path)
            _sync(path.parent)


def _names(path: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
    return path.with_suffix(".building"), path.with_suffix(".rebuilt")


def _remove(path: pathlib.Path) -> None:
    for beside in ("", *_BESIDE):
        path.with_name(path.name + beside).unlink(missing_ok=True)


def _set_aside(path: pathlib.Path) -> pathlib.Path:
    """Rename a file, or what is left beside one that was renamed, so that it can still be opened."""
    stem = f"{path.stem}.damaged-{datetime.datetime.now(datetime.UTC):%Y%m%dT%H%M%SZ}"
    aside, count = path.with_name(f"{stem}{path.suffix}"), 1
    while any(aside.with_name(aside.name + beside).exists() for beside in ("", *_BESIDE)):
        count += 1
        aside = path.with_name(f"{stem}-{count}{path.suffix}")
    for beside in ("", *_BESIDE):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + beside).rename(aside.with_name(aside.name + beside))
    return aside


def _sync(directory: pathlib.Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _best_replay(path: pathlib.Path) -> tuple[Replay, bool]:
    """Read the file with its write-ahead log, and alone; return what leads further, and how that was read."""
    found = []
    for without_wal in (False, True):
        # What cannot even be opened gives nothing.
        with contextlib.suppress(*READING_ERRORS), _for_salvage(path, without_wal) as connection:
            found.append((read_replay(connection), without_wal))
    return max(found, key=lambda item: item[0].number, default=(NOTHING, False))


@contextlib.contextmanager
def _for_salvage(path: pathlib.Path, without_wal: bool) -> Iterator[sqlite3.Connection]:
    with for_reading(path, without_wal=without_wal) as connection:
        # Without this SQLite reads nothing at all of a file that is shorter than it was.
        connection.execute("PRAGMA writable_schema = ON")
        yield connection


def _put_replay(connection: sqlite3.Connection, replay: Replay) -> None:
    number, chain = 0, 0
    if replay.snapshot is not None:
        number, chain = replay.snapshot.after, replay.snapshot_chain
        add_snapshot(connection, number, chain, replay.snapshot.body)
    add_entries(connection, _rows(replay.entries, number, chain))


def _rows(entries: Sequence[Entry], number: int, chain: int) -> Iterator[tuple[Any, ...]]:
    for count, entry in enumerate(entries, number + 1):
        values = entry_values(entry)
        chain = chained(chain, count, values)
        yield count, *values, chain


def _put_script(connection: sqlite3.Connection, values: Sequence[Any]) -> bool:
    return script_of(values) is not None and bool(add_scripts(connection, [values]))


def _put_happening(connection: sqlite3.Connection, values: Sequence[Any]) -> bool:
    if happening_of(values) is None:
        return False
    add_happenings(connection, [values])
    return True


def _copy(
    path: pathlib.Path,
    without_wal: bool,
    into: sqlite3.Connection,
    table: str,
    columns: Sequence[str],
    put: Callable[[sqlite3.Connection, Sequence[Any]], bool],
) -> int:
    """Copy a table as far as it can be read, from its beginning, and from its end; return how many rows."""
    copied: set[int] = set()
    names = ", ".join(("number", *columns, "digest"))
    for order in ("ASC", "DESC"):
        # Reading ends where the damage begins. It is looked at from both sides.
        for number, *values in _readable(
            path, without_wal, f"SELECT {names} FROM {table} ORDER BY number {order}"
        ):
            if number in copied:
                break
            if put(into, values):
                copied.add(number)
    return len(copied)


def _readable(path: pathlib.Path, without_wal: bool, query: str) -> Iterator[tuple[Any, ...]]:
    with contextlib.suppress(*READING_ERRORS), _for_salvage(path, without_wal) as connection:
        yield from connection.execute(query)
