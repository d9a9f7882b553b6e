# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of a journal, and the one connection that writes it.

Everything here blocks, and runs in the journal's thread.

What is tried is done as a whole or not at all. After an error of the disk the
connection is given up, and the next attempt opens the file anew. An entry
that is found then and was never confirmed is removed: whoever wrote it was
told that it failed.
"""

from __future__ import annotations

import contextlib
import logging
import pathlib
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .connecting import NAME, Connect, for_reading, with_settings
from .faults import READING_ERRORS, DamageError, JournalError, JournalFullError, code_of, fault_of, is_damage
from .layout import Step, known_version, migrate, tables_after, tables_of, transaction
from .margin import MEMORY
from .records import Limits, Mark, Recovered
from .replay import NOTHING, Replay, read_replay
from .rows import chained
from .salvage import finish_rebuilding, rebuild
from .tables import add_entries, add_happenings, add_scripts, add_snapshot, tidy_step

__all__ = ["JournalFile", "Writing"]

_MAGIC = b"SQLite format 3\0"

#: After so many commits it is looked whether anything has been kept long enough.
_TIDY_EVERY = 100

#: Errors after which the same connection can go on.
_HARMLESS = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY})


@dataclass(frozen=True, slots=True)
class Writing:
    """What one caller writes, as values of rows (see `rows`).

    Attributes
    ----------
    entries, scripts, happenings
        Rows of each table.
    """

    entries: tuple[tuple[Any, ...], ...]
    scripts: tuple[tuple[Any, ...], ...]
    happenings: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True, slots=True)
class _Place:
    """How far the file is written.

    Attributes
    ----------
    number, chain
        Number and hash of the last entry.
    entries, size
        How many entries there are since the snapshot, and how many characters.
    rows
        How many scripts the history has.
    snapshot
        Hash of the latest snapshot; 0 if there is none.
    """

    number: int
    chain: int
    entries: int
    size: int
    rows: int
    snapshot: int


class JournalFile:
    """The file, and the one connection that writes it.

    Parameters
    ----------
    directory
        Where it is.
    limits
        How much is kept.
    now
        Tells the time (TAI, unix seconds).
    program
        Version of this program.
    steps
        The steps to the newest format.
    connect
        Opens the file.
    log
        Where it is said what could not be done.
    """

    def __init__(
        self,
        directory: pathlib.Path,
        limits: Limits,
        now: Callable[[], float],
        program: str,
        steps: tuple[Step, ...],
        connect: Connect,
        log: logging.Logger,
    ) -> None:
        self.path = directory / NAME
        self._limits = limits
        self._now = now
        self._program = program
        self._steps = steps
        self._connect = connect
        self._log = log
        self._connection: sqlite3.Connection | None = None
        self._place = _Place(0, 0, 0, 0, 0, 0)
        self._has_gap = False
        self._commits = 0
        self.is_untidy = True

    @property
    def wants_snapshot(self) -> bool:
        """Is there much to replay, or a gap in it?"""
        place, limits = self._place, self._limits
        return (
            self._has_gap or place.entries >= limits.snapshot_entries or place.size >= limits.snapshot_bytes
        )

    @property
    def mark(self) -> Mark:
        """How far it is written."""
        return Mark(self._place.number, self._place.chain, self._place.snapshot)

    def open(self) -> Recovered:
        """Open the file, or make it.

        Raises
        ------
        JournalError
            If it cannot be used. That there is no room is a complaint, if it can be read all the same.
        """
        try:
            finish_rebuilding(self.path)
            is_fresh = not _holds_something(self.path)
            complaints: tuple[str, ...] = ()
            try:
                replay = NOTHING if is_fresh else self._verified(self.path)
                self._connection = self._opened(self.path)
                if replay is None:
                    # Of an earlier format: it is read when it has been brought to this one.
                    replay = read_replay(self._connection)
                    if replay.trouble:
                        raise DamageError(replay.trouble)
            except READING_ERRORS as error:
                if is_damage(error):
                    complaints = (self._rebuilt(error),)
                    replay = read_replay(self._connected())
                else:
                    replay, complaints = self._without_room(error)
            self._place = _place_after(replay, self._count())
        except READING_ERRORS as error:
            raise fault_of(error, self.path) from None
        except OSError as error:
            raise JournalError(f"the journal {self.path} cannot be used: {error.strerror}") from None
        return Recovered(replay.snapshot, replay.entries, complaints, is_fresh)

    def write(self, writings: Sequence[Writing]) -> None:
        """Write what several callers write, as a whole.

        Raises
        ------
        JournalError
            If it cannot be written; nothing of it is then.
        """
        if self._has_gap:
            raise JournalError(
                f"the journal {self.path} was damaged and entries are missing; it goes on after a snapshot"
            )
        self._commit(lambda connection: self._put(connection, writings))

    def write_snapshot(self, body: str) -> None:
        """Write all that the queue knows after the entries that were written.

        Raises
        ------
        JournalError
            If it cannot be written.
        """

        def put(connection: sqlite3.Connection) -> _Place:
            snapshot = add_snapshot(connection, self._place.number, self._place.chain, body)
            return replace(self._place, entries=0, size=0, snapshot=snapshot)

        self._commit(put)
        self._has_gap = False
        self.is_untidy = True

    def tidy(self) -> None:
        """Remove a little of what has been kept long enough; it stays untidy while there may be more."""
        try:
            connection = self._connected()
            with transaction(connection):
                self.is_untidy, rows = tidy_step(connection, self._limits, self._now(), self._place.rows)
        except READING_ERRORS as error:
            # Whoever writes next hears of what is wrong.
            self.is_untidy = False
            self._log.warning("Old entries stay for now: %s", fault_of(error, self.path))
        else:
            self._place = replace(self._place, rows=rows)

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            # It is on the disk already; what remains undone here is done at the next start.
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def _without_room(self, error: Exception) -> tuple[Replay, tuple[str, ...]]:
        """Read the file where there is room for what SQLite needs beside it; it is written later."""
        fault = fault_of(error, self.path)
        if isinstance(fault, JournalFullError):
            for place in (MEMORY, tempfile.gettempdir()):
                # Where that cannot be done, it is tried elsewhere, or given up.
                with (
                    contextlib.suppress(OSError, *READING_ERRORS),
                    tempfile.TemporaryDirectory(dir=place) as folder,
                ):
                    replay = self._verified(_copied(self.path, pathlib.Path(folder)))
                    if replay is not None:
                        return replay, (str(fault),)
        raise fault

    def _verified(self, path: pathlib.Path) -> Replay | None:
        """Read the file before anything is opened that could change it; None if its format is older."""
        _look_at_header(path)
        with for_reading(path) as connection:
            version = known_version(connection, self._program, self._steps, self.path)
            if version != len(self._steps):
                return None
            if tables_of(connection) != tables_after(self._steps):
                raise DamageError("its tables are not described as they were")
            replay = read_replay(connection)
            if replay.trouble:
                raise DamageError(replay.trouble)
            (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if said != "ok":
                raise DamageError(" ".join(said.removeprefix("*** in database main ***").split()))
            return replay

    def _opened(self, path: pathlib.Path) -> sqlite3.Connection:
        with contextlib.ExitStack() as stack:
            connection = self._connect(path)
            stack.callback(connection.close)
            with_settings(connection, self._limits.wal_bytes)
            migrate(connection, self._program, self._steps, path)
            stack.pop_all()
        return connection

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            with contextlib.ExitStack() as stack:
                connection = self._opened(self.path)
                stack.callback(connection.close)
                with transaction(connection):
                    connection.execute("DELETE FROM entries WHERE number > ?", (self._place.number,))
                stack.pop_all()
            self._connection = connection
            self._place = replace(self._place, rows=self._count())
        return self._connection

    def _count(self) -> int:
        """Count the scripts of the history; 0 until the file can be written."""
        if self._connection is None:
            return 0
        (rows,) = self._connection.execute("SELECT count(*) FROM scripts").fetchone()
        return int(rows)

    def _commit(self, work: Callable[[sqlite3.Connection], _Place]) -> None:
        try:
            place = self._tried(work)
        except READING_ERRORS as error:
            if not is_damage(error):
                raise self._given_up(error) from None
            try:
                self._replace_damaged(error)
                place = self._tried(work)
            except READING_ERRORS as second:
                raise self._given_up(second) from None
            except OSError as second:
                raise JournalError(f"the journal {self.path} cannot be used: {second.strerror}") from None
        self._place = place
        self._commits += 1
        if self._commits % _TIDY_EVERY == 0:
            self.is_untidy = True

    def _tried(self, work: Callable[[sqlite3.Connection], _Place]) -> _Place:
        connection = self._connected()
        with transaction(connection):
            return work(connection)

    def _given_up(self, error: Exception) -> JournalError:
        if code_of(error) & 0xFF not in _HARMLESS:
            self.close()
        return fault_of(error, self.path)

    def _replace_damaged(self, error: Exception) -> None:
        """Set a file aside that turned out to be damaged while it was written."""
        self._log.error("%s", self._rebuilt(error))
        replay = read_replay(self._connected())
        if (replay.number, replay.chain) != (self._place.number, self._place.chain):
            self._has_gap = True
            raise JournalError(
                f"the journal {self.path} was damaged, and entries after number {replay.number} are lost; "
                "it goes on after a snapshot"
            )
        self._place = _place_after(replay, self._count())

    def _rebuilt(self, error: Exception) -> str:
        self.close()
        said = rebuild(self.path, str(error), self._opened)
        self._connection = self._opened(self.path)
        return said

    def _put(self, connection: sqlite3.Connection, writings: Sequence[Writing]) -> _Place:
        number, chain, size, new = self._place.number, self._place.chain, 0, 0
        for writing in writings:
            rows = []
            for values in writing.entries:
                number += 1
                chain = chained(chain, number, values)
                size += len(values[3])
                rows.append((number, *values, chain))
            add_entries(connection, rows)
            new += add_scripts(connection, writing.scripts)
            add_happenings(connection, writing.happenings)
        place = self._place
        return replace(
            place,
            number=number,
            chain=chain,
            entries=place.entries + number - place.number,
            size=place.size + size,
            rows=place.rows + new,
        )


def _place_after(replay: Replay, rows: int) -> _Place:
    size = sum(len(entry.body) for entry in replay.entries)
    return _Place(replay.number, replay.chain, len(replay.entries), size, rows, replay.snapshot_digest)


def _copied(path: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    """Copy a file, and the write-ahead log beside it."""
    for name in (path, path.with_name(f"{path.name}-wal")):
        if name.exists():
            shutil.copyfile(name, folder / name.name)
    return folder / path.name


def _holds_something(path: pathlib.Path) -> bool:
    """Is there anything that was written? A file that was only just made is empty."""
    return any(
        name.exists() and name.stat().st_size > 0 for name in (path, path.with_name(f"{path.name}-wal"))
    )


def _look_at_header(path: pathlib.Path) -> None:
    """Look at what would make SQLite take a file for another kind of thing instead of a damaged one."""
    try:
        with path.open("rb") as file:
            head = file.read(20)
    except FileNotFoundError:
        raise DamageError("only its write-ahead log is left") from None
    if head[:16] != _MAGIC:
        raise DamageError("it does not begin as a database does")
    if not set(head[18:20]) <= {1, 2}:
        raise DamageError("its header is not what was written")
