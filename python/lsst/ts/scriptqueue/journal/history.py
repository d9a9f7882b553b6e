# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking the history, also from another process while a queue writes it, or when none runs.

Everything is read at once and the file let go of, because a reader that stays
keeps the write-ahead log from being cut back.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .connecting import NAME, for_reading
from .faults import READING_ERRORS, JournalError, JournalTooNewError, fault_of, is_damage
from .layout import STEPS, version_of
from .records import Happening, ScriptRow
from .rows import HAPPENING_COLUMNS, SCRIPT_COLUMNS, happening_of, script_of

__all__ = ["Answer", "NoJournalError", "Query", "Told", "journal_path", "read_history"]


class NoJournalError(JournalError):
    """There is no journal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Which scripts are asked for; all conditions must hold.

    Attributes
    ----------
    since_tai
        Scripts of which anything has changed since (TAI, unix seconds); None for all.
    until_tai
        Scripts that were added before (TAI, unix seconds); None for all.
    sal_index
        SAL index; None for all.
    path
        Pattern of the shell for the path, or for its end from a slash on; "" for all.
    script_states, process_states
        Names of states, of which the script or its process must be in one; all if both are empty.
    slot
        Name of the slot; "" for all.
    by
        What the identity of whoever added it contains, whatever the case; "" for all.
    limit
        The latest so many; 0 for all.
    """

    since_tai: float | None = None
    until_tai: float | None = None
    sal_index: int | None = None
    path: str = ""
    script_states: frozenset[str] = frozenset()
    process_states: frozenset[str] = frozenset()
    slot: str = ""
    by: str = ""
    limit: int = 0


@dataclass(frozen=True, slots=True)
class Told:
    """What the history tells of one script.

    Attributes
    ----------
    script
        The script.
    story
        What happened to it, in order.
    """

    script: ScriptRow
    story: tuple[Happening, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found.

    Attributes
    ----------
    scripts
        The scripts, the latest last.
    has_more
        Are there more than were asked for?
    unreadable
        How many rows are not what was written, and are left out.
    other_slots
        If no script was ever in the slot that was asked for: in which ones there were any.
    """

    scripts: tuple[Told, ...]
    has_more: bool = False
    unreadable: int = 0
    other_slots: tuple[str, ...] = ()


def journal_path(directory: pathlib.Path) -> pathlib.Path:
    """The journal of a state directory, there or not."""
    return directory / NAME


def read_history(directory: pathlib.Path, query: Query) -> Answer:
    """Ask the history in a state directory. Blocks.

    Parameters
    ----------
    directory
        The state directory.
    query
        What is asked.

    Raises
    ------
    NoJournalError
        If there is no journal.
    JournalTooNewError
        If a newer program has written it.
    JournalError
        If it cannot be read.
    """
    path = journal_path(directory)
    try:
        is_there = path.is_file()
    except OSError as error:
        raise JournalError(f"the journal {path} cannot be read: {error.strerror}") from None
    if not is_there:
        raise NoJournalError(
            f"there is no journal {path}: a queue makes one when it starts with this state directory"
        )
    try:
        with _opened(path) as connection:
            # One look, whatever is written meanwhile.
            connection.execute("BEGIN")
            _look_at_version(connection, path)
            return _answer(connection, query)
    except READING_ERRORS as error:
        raise _damaged(path, error) if is_damage(error) else fault_of(error, path) from None


@contextlib.contextmanager
def _opened(path: pathlib.Path) -> Iterator[sqlite3.Connection]:
    # Whoever may not write into the directory can read a file that nobody writes only as such.
    without_wal = not path.with_name(f"{path.name}-wal").exists() and not os.access(path.parent, os.W_OK)
    with for_reading(path, without_wal=without_wal) as connection:
        yield connection


def _look_at_version(connection: sqlite3.Connection, path: pathlib.Path) -> None:
    version, program = version_of(connection)
    if version > len(STEPS):
        raise JournalTooNewError(
            f"the journal {path} has format {version}; ask it with version {program} of the program, "
            "or a newer one"
        )
    if version < len(STEPS):
        was = f"was written by version {program}" if program else "has only just been made"
        raise JournalError(
            f"the journal {path} {was}; it can be asked when a queue of this version has opened it"
        )


def _damaged(path: pathlib.Path, error: Exception) -> JournalError:
    return JournalError(f"the journal {path} is damaged ({error}); a queue that starts sets it aside")


def _answer(connection: sqlite3.Connection, query: Query) -> Answer:
    where, values = _conditions(query)
    most = query.limit + 1 if query.limit else -1
    rows = connection.execute(
        f"SELECT {', '.join((*SCRIPT_COLUMNS, 'digest'))} FROM scripts {where}"
        " ORDER BY added_tai DESC, number DESC LIMIT ?",
        (*values, most),
    ).fetchall()
    has_more = query.limit > 0 and len(rows) > query.limit
    if has_more:
        rows.pop()
    scripts = [script_of(row) for row in reversed(rows)]
    told = tuple(Told(script, _story(connection, script.key)) for script in scripts if script is not None)
    others = _slots(connection) if query.slot and not rows else ()
    return Answer(told, has_more, len(scripts) - len(told), () if query.slot in others else others)


def _slots(connection: sqlite3.Connection) -> tuple[str, ...]:
    return tuple(slot for (slot,) in connection.execute("SELECT DISTINCT slot FROM scripts ORDER BY slot"))


def _story(connection: sqlite3.Connection, key: str) -> tuple[Happening, ...]:
    rows = connection.execute(
        f"SELECT {', '.join((*HAPPENING_COLUMNS, 'digest'))} FROM happenings WHERE key = ? ORDER BY number",
        (key,),
    )
    return tuple(line for line in map(happening_of, rows) if line is not None)


def _conditions(query: Query) -> tuple[str, Sequence[Any]]:
    conditions: list[str] = []
    values: list[Any] = []

    def add(condition: str, *given: Any) -> None:
        conditions.append(condition)
        values.extend(given)

    if query.since_tai is not None:
        add("changed_tai >= ?", query.since_tai)
    if query.until_tai is not None:
        add("added_tai <= ?", query.until_tai)
    if query.sal_index is not None:
        add("sal_index = ?", query.sal_index)
    if query.path:
        add("(path GLOB ? OR path GLOB '*/' || ?)", query.path, query.path)
    if query.script_states or query.process_states:
        states, processes = sorted(query.script_states), sorted(query.process_states)
        add(
            f"(script_state IN ({_marks(states)}) OR process_state IN ({_marks(processes)}))",
            *states,
            *processes,
        )
    if query.slot:
        add("slot = ?", query.slot)
    if query.by:
        add("instr(lower(added_by), lower(?)) > 0", query.by)
    return (f"WHERE {' AND '.join(conditions)}" if conditions else ""), values


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))
