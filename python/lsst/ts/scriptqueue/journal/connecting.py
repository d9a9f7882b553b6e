# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections to the file of a journal."""

from __future__ import annotations

import contextlib
import functools
import pathlib
import sqlite3
import urllib.parse
from collections.abc import Callable, Iterator

__all__ = ["Connect", "NAME", "connect", "for_reading", "with_settings"]

#: Name of the file.
NAME = "journal.sqlite"

#: How long another process's lock is waited for (seconds).
_BUSY_S = 5.0

#: Opens a file to write it; a test may bring its own.
Connect = Callable[[pathlib.Path], sqlite3.Connection]


def connect(path: pathlib.Path) -> sqlite3.Connection:
    """Open a file to write it, and make it if it is not there. Transactions are begun by hand."""
    return sqlite3.connect(path, isolation_level=None, timeout=_BUSY_S)


def with_settings(connection: sqlite3.Connection, wal_bytes: int) -> sqlite3.Connection:
    """Set how a connection writes: what is committed is on the disk.

    Parameters
    ----------
    connection
        A connection that has not been used.
    wal_bytes
        Size to which the write-ahead log is cut back.
    """
    for setting in (
        # Has an effect on a new file only, and only before it is in WAL mode.
        "auto_vacuum = INCREMENTAL",
        "journal_mode = WAL",
        "synchronous = FULL",
        f"journal_size_limit = {wal_bytes:d}",
        "secure_delete = OFF",
        "cell_size_check = ON",
        "trusted_schema = OFF",
    ):
        connection.execute(f"PRAGMA {setting}").close()
    return connection


@contextlib.contextmanager
def for_reading(path: pathlib.Path, *, without_wal: bool = False) -> Iterator[sqlite3.Connection]:
    """Open a file that is there to read it, also while another process writes it.

    Parameters
    ----------
    path
        The file.
    without_wal
        Look at the file alone, as if nobody wrote it.
    """
    quoted = urllib.parse.quote(str(path.absolute()))
    options = "mode=ro&immutable=1" if without_wal else "mode=ro"
    connection = sqlite3.connect(f"file:{quoted}?{options}", uri=True, isolation_level=None, timeout=_BUSY_S)
    # A text that is none any more spoils its own row, which its check tells, and not the whole answer.
    connection.text_factory = functools.partial(str, encoding="utf-8", errors="replace")
    with contextlib.closing(connection):
        yield connection
