# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far TAI is ahead of UTC, from a table of leap seconds.

The table is the file ``zoneinfo/leapseconds`` of the ``tzdata`` package, a
dependency that is updated with every announcement. The operating system's
copy is used when it knows of a later day, or when the package's is missing.
A table that has expired is still used, because a leap second is rare and
announced half a year ahead; whoever runs a service says so at its start
(`LeapSeconds.expired`). No table at all is an error: a guess would put wrong
times into the archive.
"""

from __future__ import annotations

import functools
import importlib.util
import os.path
import time
from bisect import bisect_right
from calendar import timegm
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["LeapSeconds", "LeapSecondsError", "read_leap_seconds", "table_paths"]

#: TAI - UTC when leap seconds were introduced, on 1 January 1972 (seconds).
_OFFSET_1972_S = 10

_SYSTEM_TABLE = "/usr/share/zoneinfo/leapseconds"
_SIGNS = {"+": 1, "-": -1}
_EXPIRES = ("expires", "#expires")


class LeapSecondsError(RuntimeError):
    """There is no usable table of leap seconds; the text says what to do."""


@dataclass(frozen=True, slots=True)
class LeapSeconds:
    """A table of leap seconds.

    Attributes
    ----------
    utc_starts
        When each offset begins (UTC unix seconds), ascending.
    tai_starts
        The same instants as TAI unix seconds.
    offsets_s
        TAI - UTC before the first start and from each start on, so one more
        than there are starts (seconds).
    expires_utc
        Until when the table is known to be complete (UTC unix seconds); 0 if
        it does not say.
    """

    utc_starts: tuple[int, ...]
    tai_starts: tuple[int, ...]
    offsets_s: tuple[int, ...]
    expires_utc: float

    def tai_from_utc(self, utc: float) -> float:
        """Convert UTC to TAI unix seconds."""
        return utc + self.offsets_s[bisect_right(self.utc_starts, utc)]

    def utc_from_tai(self, tai: float) -> float:
        """Convert TAI to UTC unix seconds."""
        return tai - self.offsets_s[bisect_right(self.tai_starts, tai)]

    def expired(self, utc: float) -> bool:
        """Is the table out of date at this time (UTC unix seconds)?"""
        return utc > self.expires_utc


@functools.cache
def read_leap_seconds() -> LeapSeconds:
    """Return the table that is valid longest, read once.

    Raises
    ------
    LeapSecondsError
        If there is none.
    """
    best: LeapSeconds | None = None
    for path in table_paths():
        if best is not None and not best.expired(time.time()):
            break
        try:
            with open(path, encoding="utf-8") as file:
                table = parse_leap_seconds(file)
        except FileNotFoundError:
            continue
        if best is None or table.expires_utc > best.expires_utc:
            best = table
    if best is None:
        raise LeapSecondsError(
            f"no table of leap seconds in {' or '.join(table_paths())}; install the package tzdata"
        )
    return best


def table_paths() -> tuple[str, ...]:
    """Return the files that may hold the table, the preferred one first."""
    paths = [_SYSTEM_TABLE]
    spec = importlib.util.find_spec("tzdata")
    if spec is not None and spec.origin is not None:
        paths.insert(0, os.path.join(os.path.dirname(spec.origin), "zoneinfo", "leapseconds"))
    return tuple(paths)


def parse_leap_seconds(lines: Iterable[str]) -> LeapSeconds:
    """Read the lines of a table.

    Raises
    ------
    LeapSecondsError
        If a line cannot be understood.
    """
    utc_starts: list[int] = []
    tai_starts: list[int] = []
    offsets_s = [_OFFSET_1972_S]
    expires_utc = 0.0
    for line in lines:
        words = line.split()
        try:
            if words and words[0] == "Leap":
                offsets_s.append(offsets_s[-1] + _SIGNS[words[5]])
                start = _midnight(words[1:4]) + 86400
                utc_starts.append(start)
                tai_starts.append(start + offsets_s[-1])
            elif len(words) > 1 and words[0].lower() in _EXPIRES:
                is_date = len(words) > 3 and len(words[1]) == 4
                expires_utc = float(_midnight(words[1:4]) if is_date else words[1])
        except (IndexError, KeyError, ValueError):
            raise LeapSecondsError(f"cannot understand {line.strip()!r} in a table of leap seconds") from None
    return LeapSeconds(tuple(utc_starts), tuple(tai_starts), tuple(offsets_s), expires_utc)


_MONTHS = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
    )
}


def _midnight(words: list[str]) -> int:
    """Return the beginning of a day given as year, month's name and day (UTC unix seconds)."""
    year, month, day = words
    return timegm((int(year), _MONTHS[month], int(day), 0, 0, 0))
