# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The format of the file: a table of the steps that lead from each version to the next.

The version is how many of them the file has seen. Each is one transaction, so
whoever is killed in between leaves the old or the new. A step that was
released is never changed; a new format is a new step. The table ``about`` is
in every format, so that every program can say who has written a file.
"""

from __future__ import annotations

import contextlib
import functools
import sqlite3
from collections.abc import Callable, Iterator

from .faults import DamageError, JournalTooNewError

__all__ = [
    "STEPS",
    "Step",
    "known_version",
    "migrate",
    "sql",
    "tables_after",
    "tables_of",
    "transaction",
    "version_of",
]

Step = Callable[[sqlite3.Connection], None]

_ABOUT = "CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"


def sql(*statements: str) -> Step:
    """Return a step that consists of SQL."""

    def step(connection: sqlite3.Connection) -> None:
        for statement in statements:
            connection.execute(statement)

    return step


STEPS: tuple[Step, ...] = (
    sql(
        """CREATE TABLE entries (
            number INTEGER PRIMARY KEY, at_tai REAL NOT NULL, kind TEXT NOT NULL,
            sal_index INTEGER NOT NULL, body TEXT NOT NULL, chain INTEGER NOT NULL
        )""",
        """CREATE TABLE snapshots (
            after INTEGER PRIMARY KEY, chain INTEGER NOT NULL, body TEXT NOT NULL, digest INTEGER NOT NULL
        )""",
        """CREATE TABLE scripts (
            number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, sal_index INTEGER NOT NULL,
            added_tai REAL NOT NULL, changed_tai REAL NOT NULL, is_standard INTEGER NOT NULL,
            path TEXT NOT NULL, added_by TEXT NOT NULL, cmd_id INTEGER NOT NULL, config TEXT NOT NULL,
            slot TEXT NOT NULL, resources TEXT NOT NULL, block_id TEXT NOT NULL,
            block_position INTEGER NOT NULL, block_size INTEGER NOT NULL, execution_id TEXT NOT NULL,
            group_id TEXT NOT NULL, process_state TEXT NOT NULL, script_state TEXT NOT NULL,
            process_start_tai REAL NOT NULL, configure_start_tai REAL NOT NULL,
            configure_end_tai REAL NOT NULL, run_start_tai REAL NOT NULL, process_end_tai REAL NOT NULL,
            exit_code INTEGER, signal INTEGER, exit_reason TEXT NOT NULL, output_tail TEXT NOT NULL,
            digest INTEGER NOT NULL
        )""",
        "CREATE INDEX scripts_added ON scripts (added_tai)",
        """CREATE TABLE happenings (
            number INTEGER PRIMARY KEY, key TEXT NOT NULL, at_tai REAL NOT NULL, text TEXT NOT NULL,
            digest INTEGER NOT NULL
        )""",
        "CREATE INDEX happenings_key ON happenings (key)",
    ),
    # Tables as before. Entries and snapshots also tell whose commands are not known to be answered,
    # which earlier programs do not understand.
    sql(),
    # Tables as before. Entries also tell of commands that change the state of the component.
    sql(),
)


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Do all of it or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            # After some errors SQLite has gone back by itself, and says so.
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")


def version_of(connection: sqlite3.Connection) -> tuple[int, str]:
    """Return the version of the format, 0 for a file without tables, and the program that wrote it.

    Raises
    ------
    DamageError
        If the file contradicts itself.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables and version == 0:
        return 0, ""
    about = dict(connection.execute("SELECT name, value FROM about")) if "about" in tables else {}
    if about.get("format") != str(version):
        raise DamageError(f"it says that its format is {version}, and also {about.get('format')}")
    return version, about.get("program", "")


def tables_of(connection: sqlite3.Connection) -> frozenset[tuple[str, str | None]]:
    """Return how the tables and indices of a file are described."""
    return frozenset(connection.execute("SELECT name, sql FROM sqlite_master"))


@functools.cache
def tables_after(steps: tuple[Step, ...]) -> frozenset[tuple[str, str | None]]:
    """Return how tables and indices are described after all steps."""
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate(connection, "", steps)
        return tables_of(connection)


def migrate(
    connection: sqlite3.Connection, program: str, steps: tuple[Step, ...] = STEPS, path: object = "journal"
) -> int:
    """Bring a file to the newest format.

    Parameters
    ----------
    connection
        The file.
    program
        Version of this program, noted in the file.
    steps
        The table of steps.
    path
        Name of the file, for messages.

    Returns
    -------
    int
        The version it had.

    Raises
    ------
    JournalTooNewError
        If the file has a newer format than this program knows.
    DamageError
        If the file contradicts itself.
    """
    version = known_version(connection, program, steps, path)
    for number, step in enumerate(steps[version:], version + 1):
        with transaction(connection):
            step(connection)
            connection.execute(_ABOUT)
            for row in (("format", str(number)), ("program", program)):
                connection.execute("INSERT OR REPLACE INTO about VALUES (?, ?)", row)
            connection.execute(f"PRAGMA user_version = {number}")
    return version


def known_version(
    connection: sqlite3.Connection, program: str, steps: tuple[Step, ...], path: object = "journal"
) -> int:
    """Return the version of the format; arguments and errors are those of `migrate`."""
    version, writer = version_of(connection)
    if version > len(steps):
        raise JournalTooNewError(
            f"the journal {path} has format {version}, written by version {writer} of the program; this is "
            f"version {program}, which knows formats up to {len(steps)}. Use version {writer} or a newer one"
        )
    return version
