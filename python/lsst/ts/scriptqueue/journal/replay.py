# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the replay: the newest snapshot that is whole, and the entries after it until the first gap."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from .faults import READING_ERRORS
from .records import Entry, Snapshot
from .rows import chained, digest

__all__ = ["NOTHING", "Replay", "read_replay"]


@dataclass(frozen=True, slots=True)
class Replay:
    """What could be read.

    Attributes
    ----------
    snapshot
        The snapshot; None if there is none.
    snapshot_chain
        Hash of the last entry before it; 0 if there was none.
    snapshot_digest
        Hash of the snapshot itself; 0 if there is none.
    entries
        The entries after it.
    number, chain
        Number and hash of the last entry.
    trouble
        Why there may be more that could not be read; "" if that is all.
    """

    snapshot: Snapshot | None
    snapshot_chain: int
    snapshot_digest: int
    entries: tuple[Entry, ...]
    number: int
    chain: int
    trouble: str


NOTHING = Replay(None, 0, 0, (), 0, 0, "")


def read_replay(connection: sqlite3.Connection) -> Replay:
    """Read as much of the replay as is what was written; never raises for damage."""
    snapshot, snapshot_chain, snapshot_digest, trouble = _newest_snapshot(connection)
    number, chain = (snapshot.after, snapshot_chain) if snapshot is not None else (0, 0)
    entries: list[Entry] = []
    try:
        for found, *values, found_chain in connection.execute(
            "SELECT number, at_tai, kind, sal_index, body, chain FROM entries WHERE number > ?"
            " ORDER BY number",
            (number,),
        ):
            if found != number + 1:
                trouble = trouble or f"entry {number + 1} is missing"
                break
            if found_chain != chained(chain, found, values):
                trouble = trouble or f"entry {found} is not what was written"
                break
            entries.append(Entry(*values))
            number, chain = found, found_chain
    except READING_ERRORS as error:
        trouble = trouble or f"after entry {number}: {error}"
    return Replay(snapshot, snapshot_chain, snapshot_digest, tuple(entries), number, chain, trouble)


def _newest_snapshot(connection: sqlite3.Connection) -> tuple[Snapshot | None, int, int, str]:
    trouble = ""
    try:
        numbers = [row[0] for row in connection.execute("SELECT after FROM snapshots ORDER BY after DESC")]
    except READING_ERRORS as error:
        return None, 0, 0, f"snapshots: {error}"
    for after in numbers:
        try:
            row = connection.execute(
                "SELECT chain, body, digest FROM snapshots WHERE after = ?", (after,)
            ).fetchone()
        except READING_ERRORS as error:
            trouble = trouble or f"the snapshot after entry {after}: {error}"
            continue
        if row is not None and digest(after, row[0], row[1]) == row[2]:
            return Snapshot(after, row[1]), row[0], row[2], trouble
        trouble = trouble or f"the snapshot after entry {after} is not what was written"
    return None, 0, 0, trouble
