# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be wrong with a journal, in words for people."""

from __future__ import annotations

import sqlite3

__all__ = [
    "READING_ERRORS",
    "DamageError",
    "JournalError",
    "JournalFullError",
    "JournalInUseError",
    "JournalTooNewError",
    "code_of",
    "fault_of",
    "is_damage",
]


class JournalError(RuntimeError):
    """The journal cannot be used, or not now; the text says why."""


class JournalFullError(JournalError):
    """There is no room on the disk."""


class JournalInUseError(JournalError):
    """Another queue has the journal; the text names its process."""


class JournalTooNewError(JournalError):
    """A newer program has written it; the text says which."""


class DamageError(Exception):
    """A file is not what was written; the text says what shows it. Never leaves this room."""


#: What reading a file may raise; the second for a text in it that is none.
READING_ERRORS = (sqlite3.Error, UnicodeDecodeError, DamageError)

#: Results of SQLite that only a file can give that is not what was written. (SQL that is right for the
#: format and yet no SQL, code 1, means that the description of the tables in the file is wrong.)
_DAMAGE = frozenset(
    {
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_FORMAT,
        sqlite3.SQLITE_ERROR,
        sqlite3.SQLITE_CONSTRAINT,
        sqlite3.SQLITE_MISMATCH,
    }
)
_UNREADABLE = frozenset({sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ})

_WORDS = {
    sqlite3.SQLITE_FULL: "there is no room on the disk",
    sqlite3.SQLITE_READONLY: "it may not be written, or its file system is read-only",
    sqlite3.SQLITE_IOERR: "the disk reports an error",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened",
    sqlite3.SQLITE_BUSY: "another process keeps it locked",
    sqlite3.SQLITE_NOMEM: "there is not enough memory",
    sqlite3.SQLITE_PERM: "it may not be written",
}

#: What SQLite calls an error of the disk when it cannot make the index of its write-ahead log any longer.
_NO_ROOM = frozenset({sqlite3.SQLITE_IOERR_SHMSIZE})


def code_of(error: Exception) -> int:
    """Return SQLite's code of an error; that of a damaged file for those that are not SQLite's."""
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
    return code


def is_damage(error: Exception) -> bool:
    """Does an error mean that the file is not what was written?"""
    code = code_of(error)
    return code & 0xFF in _DAMAGE or code in _UNREADABLE


def fault_of(error: Exception, path: object) -> JournalError:
    """Say in words what SQLite could not do.

    Parameters
    ----------
    error
        What it said.
    path
        The journal.
    """
    code = code_of(error)
    if code & 0xFF == sqlite3.SQLITE_FULL or code in _NO_ROOM:
        return JournalFullError(
            f"the journal {path} cannot be written: {_WORDS[sqlite3.SQLITE_FULL]}; make room, and try again"
        )
    name = getattr(error, "sqlite_errorname", "")
    said = f"{error}, {name}" if name else str(error)
    words = _WORDS.get(code & 0xFF)
    return JournalError(f"the journal {path} cannot be used: {f'{words} ({said})' if words else said}")
