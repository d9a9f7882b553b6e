# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written into the journal, and what becomes of it when that is not possible."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterable
from typing import cast

import pytest

from lsst.ts.scriptqueue.core import events as ev
from lsst.ts.scriptqueue.core.model import QueueModel
from lsst.ts.scriptqueue.csc.bookkeeping import Bookkeeping, read_back
from lsst.ts.scriptqueue.journal import (
    Entry,
    Happening,
    Journal,
    JournalError,
    Recovered,
    ScriptRow,
    Snapshot,
)

from ..core.driver import START_TAI, Driver


class FakeJournal:
    """A journal in memory that can be full, or want a snapshot."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.rows: list[ScriptRow] = []
        self.happenings: list[Happening] = []
        self.snapshots: list[str] = []
        self.is_full = False
        self.wants_snapshot = False

    def write(
        self,
        entries: Iterable[Entry] = (),
        scripts: Iterable[ScriptRow] = (),
        happenings: Iterable[Happening] = (),
    ) -> asyncio.Future[None]:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.is_full or self.wants_snapshot:
            done.set_exception(
                JournalError("it goes on after a snapshot" if self.wants_snapshot else "disk full")
            )
            return done
        self.entries += entries
        self.rows += scripts
        self.happenings += happenings
        done.set_result(None)
        return done

    def write_snapshot(self, body: str) -> asyncio.Future[None]:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.wants_snapshot = False
        self.snapshots.append(body)
        done.set_result(None)
        return done

    async def aclose(self) -> None:
        pass


@pytest.fixture
def journal() -> FakeJournal:
    return FakeJournal()


@pytest.fixture
def driver() -> Driver:
    return Driver()


@pytest.fixture
def book(journal: FakeJournal, driver: Driver) -> Bookkeeping:
    return Bookkeeping(cast(Journal, journal), driver.model, logging.getLogger("test"))


async def test_what_is_owed_is_written_before_what_comes_after(
    book: Bookkeeping, journal: FakeJournal
) -> None:
    first, second = ev.EnabledChanged(START_TAI, True), ev.EnabledChanged(START_TAI + 1, False)
    journal.is_full = True
    assert "disk full" in await book.keep([first])
    book.owe(first)
    journal.is_full = False
    assert await book.keep([second]) == ""
    assert [entry.at_tai for entry in journal.entries] == [START_TAI, START_TAI + 1]
    await book.aclose()


async def test_a_journal_with_a_gap_goes_on_after_a_snapshot_although_something_is_owed(
    book: Bookkeeping, journal: FakeJournal
) -> None:
    journal.is_full = True
    await book.keep([ev.EnabledChanged(START_TAI, True)])
    book.owe(ev.EnabledChanged(START_TAI, True))
    journal.is_full, journal.wants_snapshot = False, True
    assert await book.keep([ev.EnabledChanged(START_TAI + 1, False)]) == ""
    assert len(journal.snapshots) == 1
    # What was owed is in the snapshot, and must not happen twice.
    assert [entry.at_tai for entry in journal.entries] == [START_TAI + 1]
    await book.aclose()


async def test_what_the_history_missed_is_told_when_there_is_room_again(
    book: Bookkeeping, journal: FakeJournal, driver: Driver
) -> None:
    index = driver.add_configured()
    book.note(driver.effects)
    journal.is_full = True
    await book.keep([])
    journal.is_full = False
    await book.keep([])
    assert [row.sal_index for row in journal.rows] == [index]
    assert len(journal.happenings) == len(driver.model.story(index).splitlines())
    await book.aclose()


async def test_a_queue_that_has_failed_in_the_middle_is_not_written_down(
    book: Bookkeeping, journal: FakeJournal
) -> None:
    await book.aclose(is_sound=False)
    assert journal.snapshots == []


def test_what_cannot_be_understood_ends_what_is_read_back() -> None:
    driver = Driver()
    index = driver.add_configured()
    snapshot = Snapshot(1, json.dumps(driver.model.snapshot()))
    good = Entry(
        driver.now + 1, "EnabledChanged", 0, json.dumps({"at_tai": driver.now + 1, "enabled": False})
    )
    bad = Entry(driver.now + 2, "ProcessStarted", 5, json.dumps({"at_tai": 0.0, "index": 5, "pid": 6}))
    model, complaints = read_back(
        Recovered(snapshot, (good, bad, good), (), False),
        lambda: QueueModel(1),
        lambda plain: QueueModel.restored(plain, 1),
    )
    assert (model.queue.enabled, model.queue.waiting) == (False, (index,))
    assert ["the last 2 entries" in complaint for complaint in complaints] == [True]
    model.go_on_after(100_500)
    assert model.snapshot()["next_index"] == 100_501
