# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Journals in a folder of the test, and records to write."""

from __future__ import annotations

import contextlib
import logging
import pathlib
import sqlite3
from collections.abc import AsyncIterator, Iterable
from typing import Any

from lsst.ts.scriptqueue.journal import Entry, Happening, Journal, Limits, Recovered, ScriptRow, connecting

LOG = logging.getLogger("journal")

#: 2026-01-01T00:00:00 UTC.
NOW_TAI = 1_767_225_637.0
DAY_S = 86_400.0


def an_entry(number: int, size: int = 0) -> Entry:
    """An entry that tells its number."""
    return Entry(NOW_TAI + number, "ScriptStateReported", 100_000 + number, f'{{"n": {number}}}{"·" * size}')


def entries(first: int, last: int) -> tuple[Entry, ...]:
    return tuple(map(an_entry, range(first, last + 1)))


def a_script(number: int = 1, **changes: Any) -> ScriptRow:
    values: dict[str, Any] = {
        "key": f"launch-{number}",
        "sal_index": 100_000 + number,
        "added_tai": NOW_TAI + number,
        "changed_tai": NOW_TAI + number,
        "added_by": "ops@panel",
        "is_standard": True,
        "path": "maintel/slew.py",
        "config": "az: 10",
        "slot": "main",
        "process_state": "DONE",
        "script_state": "DONE",
    }
    return ScriptRow(**{**values, **changes})


def a_line(number: int = 1, text: str = "waits: MTMount is held by 100012") -> Happening:
    return Happening(f"launch-{number}", NOW_TAI + number, text)


def small_pages(path: pathlib.Path) -> sqlite3.Connection:
    """Open a file of small pages, so that little makes many."""
    connection = connecting.connect(path)
    connection.execute("PRAGMA page_size = 512")
    return connection


@contextlib.asynccontextmanager
async def opened(
    folder: pathlib.Path, limits: Limits | None = None, **options: Any
) -> AsyncIterator[tuple[Journal, Recovered]]:
    """A journal, closed at the end of the block."""
    journal, recovered = await Journal.open(folder, lambda: NOW_TAI, LOG, limits or Limits(), **options)
    try:
        yield journal, recovered
    finally:
        await journal.aclose()


async def recovered_from(folder: pathlib.Path, **options: Any) -> Recovered:
    async with opened(folder, **options) as (_, recovered):
        return recovered


async def write_all(folder: pathlib.Path, *writes: Iterable[Entry], **options: Any) -> None:
    async with opened(folder, **options) as (journal, _):
        for write in writes:
            await journal.write(write)
