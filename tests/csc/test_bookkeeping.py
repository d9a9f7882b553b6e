# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written into the journal, and what becomes of it when that is not possible."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import cast

import pytest

from lsst.ts.scriptqueue.core import events as ev
from lsst.ts.scriptqueue.core.model import QueueModel
from lsst.ts.scriptqueue.csc import bookkeeping
from lsst.ts.scriptqueue.csc.bookkeeping import Bookkeeping
from lsst.ts.scriptqueue.csc.entries import entry_of, read_back
from lsst.ts.scriptqueue.journal import (
    Entry,
    Journal,
    JournalError,
    JournalFullError,
    Mark,
    Recovered,
    Snapshot,
)

from ..core.driver import START_TAI, Driver
from ..sal.world import settled
from .fake_journal import FakeJournal


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
    first, second, third = (ev.EnabledChanged(START_TAI + number, number % 2 == 0) for number in range(3))
    journal.is_full = True
    assert "disk full" in await book.keep([first], are_handled=False)
    book.owe(first)
    assert "disk full" in await book.keep([second], are_handled=True)
    journal.is_full = False
    assert await book.keep([third], are_handled=False) == ""
    assert [entry.at_tai for entry in journal.entries] == [START_TAI, START_TAI + 1, START_TAI + 2]
    await book.aclose()


async def test_what_is_refused_is_not_owed(book: Bookkeeping, journal: FakeJournal) -> None:
    journal.is_full = True
    assert "disk full" in await book.keep([ev.EnabledChanged(START_TAI, True)], are_handled=False)
    journal.is_full = False
    await book.aclose()
    assert journal.entries == []


async def test_if_a_write_fails_nothing_behind_it_has_been_written(
    book: Bookkeeping, journal: FakeJournal
) -> None:
    journal.is_held = True
    kept = [
        book.keep([ev.EnabledChanged(START_TAI + number, number % 2 == 0)], are_handled=True)
        for number in range(2)
    ]
    await journal.asked()
    behind = book.keep([ev.EnabledChanged(START_TAI + 2, True)], are_handled=True)
    # The one behind finds room, and brings with it what did not.
    journal.let_go(JournalError("disk full"))
    assert ["disk full" in trouble for trouble in await asyncio.gather(*kept)] == [True, True]
    assert await behind == ""
    assert [entry.at_tai for entry in journal.entries] == [START_TAI, START_TAI + 1, START_TAI + 2]
    await book.aclose()


async def test_a_snapshot_holds_what_has_been_handled_and_not_what_waits_for_it(
    book: Bookkeeping, journal: FakeJournal
) -> None:
    journal.is_full = True
    await book.keep([ev.EnabledChanged(START_TAI, True)], are_handled=True)
    journal.is_full, journal.wants_snapshot = False, True
    handled = book.keep([ev.EnabledChanged(START_TAI + 1, False)], are_handled=True)
    late = book.keep([ev.EnabledChanged(START_TAI + 2, True)], are_handled=False)
    assert (await handled, await late) == ("", "")
    assert len(journal.snapshots) == 1
    # What was owed or handled is in the snapshot, and must not happen twice.
    assert [entry.at_tai for entry in journal.entries] == [START_TAI + 2]
    await book.aclose()


@pytest.fixture
def endless_lag(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bookkeeping, "_LAG_S", 1e6)


@pytest.mark.usefixtures("endless_lag")
async def test_what_has_been_handled_is_written_with_what_is_waited_for(
    book: Bookkeeping, journal: FakeJournal
) -> None:
    events = [ev.EnabledChanged(START_TAI + number, True) for number in range(3)]
    handled = [book.keep([event], are_handled=True) for event in events[:2]]
    await settled()
    assert journal.entries == []
    assert await book.keep(events[2:], are_handled=False) == ""
    assert [known.done() for known in handled] == [True, True]
    assert [entry.at_tai for entry in journal.entries] == [START_TAI, START_TAI + 1, START_TAI + 2]


@pytest.mark.usefixtures("endless_lag")
async def test_what_cannot_be_noted_is_written_at_once(book: Bookkeeping, journal: FakeJournal) -> None:
    assert await book.keep([ev.EnabledChanged(START_TAI, True)], are_handled=False) == ""
    journal.can_jot = False
    handled = book.keep([ev.EnabledChanged(START_TAI + 1, False)], are_handled=True)
    assert not book.jot()
    assert await handled == ""


@pytest.mark.usefixtures("endless_lag")
async def test_much_that_has_been_handled_waits_no_longer(book: Bookkeeping) -> None:
    many = [book.keep([ev.EnabledChanged(START_TAI, True)], are_handled=True) for _ in range(8)]
    assert set(await asyncio.gather(*many)) == {""}


async def test_it_is_written_in_the_end_although_nothing_comes_after_it(book: Bookkeeping) -> None:
    assert await book.keep([ev.EnabledChanged(START_TAI, True)], are_handled=True) == ""


async def test_what_is_jotted_is_all_that_is_not_known_to_be_written(
    book: Bookkeeping, journal: FakeJournal
) -> None:
    events = [ev.EnabledChanged(START_TAI + number, number % 2 == 0) for number in range(3)]
    assert not book.jot()
    assert await book.keep(events[:1], are_handled=True) == ""
    journal.is_held = True
    under_way = book.keep(events[1:2], are_handled=True)
    await journal.asked()
    behind = book.keep(events[2:], are_handled=True)
    assert book.jot()
    assert journal.jotted is not None
    mark, entries = journal.jotted
    assert mark == Mark(1, 0, 0)
    assert [entry.at_tai for entry in entries] == [START_TAI + 1, START_TAI + 2]
    journal.let_go(JournalError("disk full"))
    assert "disk full" in await under_way
    await behind
    await book.aclose()


async def test_nothing_is_jotted_while_it_is_unknown_what_is_written(
    book: Bookkeeping, journal: FakeJournal
) -> None:
    await book.keep([ev.EnabledChanged(START_TAI, True)], are_handled=True)
    assert book.jot()
    journal.is_held = True
    kept = book.keep([ev.EnabledChanged(START_TAI + 1, False)], are_handled=True)
    await journal.asked()
    journal.let_go(JournalError("the disk is broken"))
    await kept
    assert not book.jot()
    await book.keep([], are_handled=True)
    assert book.jot()
    # A command is not handled before it is written, so what comes of it is in no margin.
    late = book.keep([ev.EnabledChanged(START_TAI + 2, True)], are_handled=False)
    assert not book.jot()
    await late
    await book.aclose()


async def test_what_there_was_no_room_for_is_jotted_before_it_is_told(
    book: Bookkeeping, journal: FakeJournal
) -> None:
    events = [ev.EnabledChanged(START_TAI + number, number % 2 == 0) for number in range(3)]
    assert await book.keep(events[:1], are_handled=True) == ""
    journal.is_held = True
    under_way = book.keep(events[1:2], are_handled=True)
    await journal.asked()
    behind = book.keep(events[2:], are_handled=False)
    assert not book.jot()
    journal.is_full = True
    journal.let_go(JournalFullError("disk full"))
    assert "disk full" in await under_way
    assert journal.jotted == (Mark(1, 0, 0), [entry_of(events[1])])
    assert "disk full" in await behind
    # As whoever waited for it handles it all the same.
    book.owe(events[2])
    assert journal.jotted == (Mark(1, 0, 0), [entry_of(event) for event in events[1:]])
    journal.is_full = False
    await book.aclose()


async def test_where_there_is_no_room_on_the_disk_all_that_is_owed_is_jotted(
    book: Bookkeeping, journal: FakeJournal
) -> None:
    await book.keep([ev.EnabledChanged(START_TAI, True)], are_handled=True)
    journal.is_full = True
    for number in (1, 2):
        trouble = await book.keep([ev.EnabledChanged(START_TAI + number, False)], are_handled=True)
        assert "disk full" in trouble
    assert book.jot()
    assert journal.jotted is not None
    mark, entries = journal.jotted
    assert (mark.number, [entry.at_tai for entry in entries]) == (1, [START_TAI + 1, START_TAI + 2])
    journal.is_full = False
    await book.aclose()


async def test_a_fault_of_the_program_reaches_whoever_waits(book: Bookkeeping, journal: FakeJournal) -> None:
    journal.is_held = True
    kept = book.keep([ev.EnabledChanged(START_TAI, True)], are_handled=True)
    await journal.asked()
    journal.let_go(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        await kept
    await book.aclose()


async def test_what_the_history_missed_is_told_when_there_is_room_again(
    journal: FakeJournal, driver: Driver
) -> None:
    book = Bookkeeping(cast(Journal, journal), driver.model, logging.getLogger("test"), history_lag_s=0)
    index = driver.add_configured()
    journal.is_held = True
    book.note(driver.effects)
    await journal.asked()
    journal.let_go(JournalError("disk full"))
    await book.aclose()
    assert [row.sal_index for row in journal.rows] == [index]
    assert len(journal.happenings) == len(driver.model.story(index).splitlines())


async def test_whoever_waits_for_an_event_does_not_wait_for_the_history(
    book: Bookkeeping, journal: FakeJournal, driver: Driver
) -> None:
    driver.add_configured()
    book.note(driver.effects)
    assert await book.keep([ev.EnabledChanged(driver.now, True)], are_handled=True) == ""
    assert (len(journal.entries), journal.rows, journal.happenings) == (1, [], [])
    await book.aclose()
    assert journal.rows


async def test_what_is_owed_is_written_as_soon_as_there_is_room(journal: FakeJournal, driver: Driver) -> None:
    book = Bookkeeping(cast(Journal, journal), driver.model, logging.getLogger("test"), retry_s=0)
    journal.is_full = True
    assert "disk full" in await book.keep([ev.EnabledChanged(START_TAI, True)], are_handled=True)
    journal.is_full = False
    # Nothing else happens.
    await journal.has_room_again.wait()
    assert [entry.at_tai for entry in journal.entries] == [START_TAI]
    await book.aclose()


async def test_nothing_is_written_before_the_first_snapshot(journal: FakeJournal, driver: Driver) -> None:
    book = Bookkeeping(cast(Journal, journal), driver.model, logging.getLogger("test"))
    journal.is_full = True
    book.begin()
    assert "disk full" in await book.keep([], are_handled=True)
    journal.is_full = False
    assert await book.keep([ev.EnabledChanged(START_TAI, True)], are_handled=False) == ""
    assert (len(journal.snapshots), len(journal.entries)) == (1, 1)
    await book.aclose()


async def test_what_becomes_of_a_script_is_told_although_it_is_forgotten_at_once(
    journal: FakeJournal,
) -> None:
    driver = Driver(history=1)
    book = Bookkeeping(cast(Journal, journal), driver.model, logging.getLogger("test"))
    driver.pause()
    scripts = [driver.add_configured() for _ in range(3)]
    for index in scripts:
        driver.end_for_good(index)
    book.note(driver.effects)
    await book.aclose()
    latest = {row.sal_index: row.process_state for row in journal.rows}
    assert latest.keys() == set(scripts)
    assert set(latest.values()) == {"TERMINATED"}


@pytest.mark.virtual_time
async def test_a_disk_that_hangs_keeps_nobody_longer_than_its_limit(
    book: Bookkeeping, journal: FakeJournal, caplog: pytest.LogCaptureFixture
) -> None:
    loop = asyncio.get_running_loop()
    journal.is_held = True
    began = loop.time()
    kept = book.keep([ev.EnabledChanged(START_TAI, True)], are_handled=False)
    await journal.asked()
    behind = book.keep([ev.EnabledChanged(START_TAI + 1, False)], are_handled=True)
    troubles = [await kept, await behind]
    assert loop.time() - began == pytest.approx(5.0)
    troubles.append(await book.keep([ev.EnabledChanged(START_TAI + 2, True)], are_handled=False))
    assert loop.time() - began == pytest.approx(5.0), "it is known by now"
    assert set(troubles) == {"it could not be written into the journal: the disk has not answered for 5 s"}
    assert caplog.text.count("What happens cannot be written down") == 1
    await book.aclose()
    assert loop.time() - began == pytest.approx(25.0), "it has one chance more"
    assert "The end of the night is missing" in caplog.text


@pytest.mark.virtual_time
async def test_after_a_disk_has_hung_all_that_the_queue_is_comes_first(
    book: Bookkeeping, journal: FakeJournal
) -> None:
    refused, owed, behind, after = (
        ev.EnabledChanged(START_TAI + number, number % 2 == 0) for number in range(4)
    )
    journal.is_held = True
    trouble = await book.keep([refused, owed], are_handled=False)
    assert "has not answered" in trouble
    book.owe(owed)
    assert "has not answered" in await book.keep([behind], are_handled=True)
    # It has written what was refused meanwhile; a snapshot puts that right.
    journal.let_go()
    await journal.has_snapshot.wait()
    assert await book.keep([after], are_handled=False) == ""
    assert len(journal.snapshots) == 1
    assert [entry.at_tai for entry in journal.entries] == [START_TAI, START_TAI + 1, START_TAI + 3]
    await book.aclose()


@pytest.mark.virtual_time
async def test_a_disk_that_answers_before_the_end_is_given_all(
    book: Bookkeeping, journal: FakeJournal, caplog: pytest.LogCaptureFixture
) -> None:
    journal.is_held = True
    assert "has not answered" in await book.keep([ev.EnabledChanged(START_TAI, True)], are_handled=True)
    closing = asyncio.create_task(book.aclose())
    await asyncio.wait({closing}, timeout=15.0)
    assert not closing.done()
    journal.let_go()
    await closing
    assert journal.snapshots
    assert "The end of the night is missing" not in caplog.text


@pytest.mark.virtual_time
async def test_a_write_that_takes_long_but_not_too_long_is_waited_for(
    book: Bookkeeping, journal: FakeJournal
) -> None:
    journal.is_held = True
    kept = book.keep([ev.EnabledChanged(START_TAI, True)], are_handled=False)
    await asyncio.wait({kept}, timeout=4.5)
    journal.let_go()
    assert await kept == ""
    assert journal.snapshots == []
    await book.aclose()


@pytest.mark.parametrize("wants_snapshot", [False, True])
async def test_a_queue_that_has_failed_in_the_middle_is_not_written_down(
    book: Bookkeeping, journal: FakeJournal, wants_snapshot: bool
) -> None:
    journal.wants_snapshot = wants_snapshot
    book.distrust()
    await book.aclose()
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
