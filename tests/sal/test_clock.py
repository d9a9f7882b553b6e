# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""TAI and UTC, the table of leap seconds, and stamps that never go back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import erfa
import pytest

from lsst.ts.scriptqueue.sal import leap_seconds
from lsst.ts.scriptqueue.sal.clock import STAMP_STEP_S, Stamper, SystemClock
from lsst.ts.scriptqueue.sal.leap_seconds import LeapSecondsError, parse_leap_seconds, read_leap_seconds

UNIX_EPOCH_JD = 2440587.5
DAY_S = 86400

TABLE = """\
# a comment
Leap	1972	Jun	30	23:59:60	+	S
Leap	1972	Dec	31	23:59:60	+	S
#Expires 2027	Jun	28	00:00:00
#expires 1814140800 (2027-06-28 00:00:00 UTC)
"""


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """Two places for tables, the preferred one first; both empty."""
    paths = (tmp_path / "package", tmp_path / "system")
    monkeypatch.setattr(leap_seconds, "table_paths", lambda: tuple(map(str, paths)))
    read_leap_seconds.cache_clear()
    yield paths
    read_leap_seconds.cache_clear()


def a_table(year: int, leaps: int = 2) -> str:
    lines = [line for line in TABLE.splitlines() if line.startswith("Leap")]
    return "\n".join([*lines[:leaps], f"#Expires {year} Jun 28 00:00:00", ""])


def test_offset_agrees_with_erfa_on_every_day_since_1972() -> None:
    table = read_leap_seconds()
    ours, theirs = [], []
    for year, month, day in [(y, m, d) for y in range(1972, 2027) for m in range(1, 13) for d in (1, 15)]:
        jd1, jd2 = erfa.cal2jd(year, month, day)
        utc = (jd1 + jd2 - UNIX_EPOCH_JD) * DAY_S
        ours.append(table.tai_from_utc(utc) - utc)
        theirs.append(erfa.dat(year, month, day, 0.0))
    assert ours == theirs


def test_conversion_there_and_back_changes_nothing_around_a_leap_second() -> None:
    table = parse_leap_seconds(TABLE.splitlines())
    leap_utc = table.utc_starts[-1]
    for utc in (leap_utc - 1.5, leap_utc - 1, leap_utc, leap_utc + 0.5):
        assert table.utc_from_tai(table.tai_from_utc(utc)) == utc
    assert table.tai_from_utc(leap_utc) - table.tai_from_utc(leap_utc - 1) == 2


def test_expiry_is_read_and_told() -> None:
    table = parse_leap_seconds(TABLE.splitlines())
    assert table.expires_utc == 1814140800
    assert not table.expired(1814140800)
    assert table.expired(1814140801)


def test_installed_table_is_not_expired() -> None:
    assert not read_leap_seconds().expired(time.time()), "update the package tzdata"


def test_system_clock_is_ahead_of_utc_by_the_leap_seconds() -> None:
    clock = SystemClock()
    before = time.time()
    tai = clock.tai()
    assert before <= clock.utc_from_tai(tai) <= time.time()
    assert tai - clock.utc_from_tai(tai) >= 37


def test_a_table_that_is_up_to_date_is_preferred_to_the_system_s(tables: tuple[Path, Path]) -> None:
    tables[0].write_text(a_table(2999, leaps=1))
    tables[1].write_text(a_table(3000))
    assert read_leap_seconds().offsets_s == (10, 11)


def test_of_two_tables_the_one_that_expires_later_is_used(tables: tuple[Path, Path]) -> None:
    tables[0].write_text(a_table(2001, leaps=1))
    tables[1].write_text(a_table(2002))
    assert read_leap_seconds().offsets_s == (10, 11, 12)


def test_the_system_s_table_stands_in_for_a_missing_one(tables: tuple[Path, Path]) -> None:
    tables[1].write_text(a_table(2001))
    assert read_leap_seconds().offsets_s == (10, 11, 12)


def test_no_table_is_an_error_that_says_what_to_install(tables: tuple[Path, Path]) -> None:
    with pytest.raises(LeapSecondsError, match="install the package tzdata"):
        read_leap_seconds()


@pytest.mark.parametrize(
    "line", ["Leap 2030", "Leap 2030 Foo 31 23:59:60 + S", "Leap 2030 Dec 31 23:59:60 * S"]
)
def test_a_line_that_cannot_be_understood_is_shown(line: str) -> None:
    with pytest.raises(LeapSecondsError, match="2030"):
        parse_leap_seconds([line])


class Hand:
    """A clock that is set by hand."""

    def __init__(self, tai: float) -> None:
        self.now_tai = tai

    def tai(self) -> float:
        return self.now_tai

    def utc_from_tai(self, tai: float) -> float:
        return tai


def test_stamps_increase_while_the_clock_stands_and_after_it_was_set_back() -> None:
    clock = Hand(1.8e9)
    stamper = Stamper(clock)
    stamps = [stamper.stamp(), stamper.stamp()]
    clock.now_tai -= 3600
    stamps += [stamper.stamp(), stamper.stamp()]
    assert stamps == sorted(set(stamps))
    assert stamps[-1] < 1.8e9 + 10 * STAMP_STEP_S
    clock.now_tai += 7200
    assert stamper.stamp() == 1.8e9 + 3600
