# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing rows, and removing those that have had their time, a few in a step."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .records import Limits
from .rows import HAPPENING_COLUMNS, SCRIPT_COLUMNS, digest

__all__ = ["add_entries", "add_happenings", "add_scripts", "add_snapshot", "tidy_step"]

#: How many snapshots are kept: if the newest is damaged, the one before it leads to the same by more entries.
_SNAPSHOTS = 2

#: How much is removed in one step, so that nobody who wants to write waits long.
_ENTRIES_A_STEP = 500
_SCRIPTS_A_STEP = 20
_LINES_A_STEP = 200
_PAGES_A_STEP = 100

_DAY_S = 86_400.0


def _insert(verb: str, table: str, columns: Sequence[str]) -> str:
    return f"{verb} INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"


_ADD_ENTRY = _insert("INSERT", "entries", ("number", "at_tai", "kind", "sal_index", "body", "chain"))
_ADD_SNAPSHOT = _insert("INSERT OR REPLACE", "snapshots", ("after", "chain", "body", "digest"))
_HAPPENING = ", ".join((*HAPPENING_COLUMNS, "digest"))
_IS_THERE = " AND ".join(f"{name} = new.{name}" for name in HAPPENING_COLUMNS)
_ADD_HAPPENING = (
    f"WITH new ({_HAPPENING}) AS (VALUES ({', '.join('?' * (len(HAPPENING_COLUMNS) + 1))}))"
    f" INSERT INTO happenings ({_HAPPENING}) SELECT {_HAPPENING} FROM new"
    f" WHERE NOT EXISTS (SELECT 1 FROM happenings WHERE {_IS_THERE})"
)
_CHANGED = ", ".join(f"{name} = excluded.{name}" for name in (*SCRIPT_COLUMNS, "digest") if name != "key")
_ADD_SCRIPT = (
    f"{_insert('INSERT', 'scripts', (*SCRIPT_COLUMNS, 'digest'))} ON CONFLICT (key) DO UPDATE SET {_CHANGED}"
)


def add_entries(connection: sqlite3.Connection, rows: Iterable[Sequence[Any]]) -> None:
    """Write entries: number, values, hash."""
    connection.executemany(_ADD_ENTRY, rows)


def add_scripts(connection: sqlite3.Connection, rows: Iterable[Sequence[Any]]) -> int:
    """Write scripts, new ones or anew; return how many are new."""
    new = 0
    for values in rows:
        known = connection.execute("SELECT 1 FROM scripts WHERE key = ?", values[:1]).fetchone()
        new += known is None
        connection.execute(_ADD_SCRIPT, values)
    return new


def add_happenings(connection: sqlite3.Connection, rows: Iterable[Sequence[Any]]) -> None:
    """Write lines of stories, each once: a queue that was started again tells again what is there already."""
    connection.executemany(_ADD_HAPPENING, rows)


def add_snapshot(connection: sqlite3.Connection, after: int, chain: int, body: str) -> int:
    """Write a snapshot, and forget those that are too old to be of use; return its hash."""
    said = digest(after, chain, body)
    connection.execute(_ADD_SNAPSHOT, (after, chain, body, said))
    connection.execute(
        "DELETE FROM snapshots WHERE after > ? OR after NOT IN"
        " (SELECT after FROM snapshots WHERE after <= ? ORDER BY after DESC LIMIT ?)",
        (after, after, _SNAPSHOTS),
    )
    return said


def tidy_step(connection: sqlite3.Connection, limits: Limits, now_tai: float, rows: int) -> tuple[bool, int]:
    """Remove a little of what is there for too long; to be called in a transaction.

    Parameters
    ----------
    connection
        The file.
    limits
        How much is kept.
    now_tai
        The time (TAI, unix seconds).
    rows
        How many scripts are in the history.

    Returns
    -------
    tuple
        Whether anything was removed, and how many scripts are left.
    """
    for step in _STEPS:
        changed, gone = step(connection, limits, now_tai, rows)
        if changed:
            return True, rows - gone
    return False, rows


def _drop_entries(
    connection: sqlite3.Connection, limits: Limits, now_tai: float, rows: int
) -> tuple[bool, int]:
    (count, oldest) = connection.execute("SELECT count(*), min(after) FROM snapshots").fetchone()
    if count < _SNAPSHOTS:
        return False, 0
    cursor = connection.execute(
        "DELETE FROM entries WHERE number IN (SELECT number FROM entries WHERE number <= ? LIMIT ?)",
        (oldest, _ENTRIES_A_STEP),
    )
    return cursor.rowcount > 0, 0


def _drop_scripts(
    connection: sqlite3.Connection, limits: Limits, now_tai: float, rows: int
) -> tuple[bool, int]:
    surplus = min(max(0, rows - limits.keep_rows), _SCRIPTS_A_STEP)
    oldest = connection.execute(
        "SELECT number, key, added_tai FROM scripts ORDER BY added_tai LIMIT ?", (_SCRIPTS_A_STEP,)
    ).fetchall()
    first_kept = now_tai - limits.keep_days * _DAY_S
    gone = [
        (number, key)
        for place, (number, key, added) in enumerate(oldest)
        if place < surplus or added < first_kept
    ]
    for number, key in gone:
        connection.execute("DELETE FROM scripts WHERE number = ?", (number,))
        connection.execute("DELETE FROM happenings WHERE key = ?", (key,))
    return bool(gone), len(gone)


def _drop_lines(
    connection: sqlite3.Connection, limits: Limits, now_tai: float, rows: int
) -> tuple[bool, int]:
    cursor = connection.execute(
        "DELETE FROM happenings WHERE at_tai < ? AND number IN"
        " (SELECT number FROM happenings ORDER BY number LIMIT ?)",
        (now_tai - limits.keep_days * _DAY_S, _LINES_A_STEP),
    )
    return cursor.rowcount > 0, 0


def _give_back(connection: sqlite3.Connection, limits: Limits, now_tai: float, rows: int) -> tuple[bool, int]:
    free = _free_pages(connection)
    if free <= limits.spare_pages:
        return False, 0
    # It goes on for as long as its rows are fetched.
    connection.execute(f"PRAGMA incremental_vacuum({_PAGES_A_STEP})").fetchall()
    # A file that was not made here may not be able to.
    return _free_pages(connection) < free, 0


def _free_pages(connection: sqlite3.Connection) -> int:
    (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    return int(free)


_STEPS: tuple[Callable[[sqlite3.Connection, Limits, float, int], tuple[bool, int]], ...] = (
    _drop_entries,
    _drop_scripts,
    _drop_lines,
    _give_back,
)
