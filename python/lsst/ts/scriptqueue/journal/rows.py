# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records to rows of the tables and back, each row with a check of its own.

SQLite notices when its file is not built as it should be, but not when a byte
of a text has changed. So every row carries a hash of what is in it; that of
an entry goes over the hash of the one before, too, so that a row from
elsewhere, or of another time, does not pass for the next.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .records import Entry, Happening, ScriptRow

__all__ = [
    "HAPPENING_COLUMNS",
    "SCRIPT_COLUMNS",
    "chained",
    "digest",
    "entry_values",
    "happening_of",
    "happening_values",
    "script_of",
    "script_values",
]

SCRIPT_COLUMNS = tuple(field.name for field in dataclasses.fields(ScriptRow))
HAPPENING_COLUMNS = tuple(field.name for field in dataclasses.fields(Happening))

_SCRIPT_TYPES = tuple(str(field.type) for field in dataclasses.fields(ScriptRow))
_MOST = 2**63


def digest(*values: object) -> int:
    """Return a hash of values as SQLite gives them back, as a number it can keep."""
    said = hashlib.blake2b(repr(values).encode(), digest_size=8).digest()
    return int.from_bytes(said, "big", signed=True)


def chained(before: int, number: int, values: Sequence[Any]) -> int:
    """Return the hash of an entry.

    Parameters
    ----------
    before
        That of the entry before it; 0 for the first.
    number
        Its number, from 1.
    values
        As `entry_values` has them.
    """
    return digest(before, number, *values)


def entry_values(entry: Entry) -> tuple[float, str, int, str]:
    """Return an entry as values of its row.

    Raises
    ------
    ValueError
        If it cannot be kept.
    """
    return _real(entry.at_tai), _text(entry.kind), _whole(entry.index), _text(entry.body)


def script_values(row: ScriptRow) -> tuple[Any, ...]:
    """Return a row of the history as values, the check last.

    Raises
    ------
    ValueError
        If it cannot be kept.
    """
    values = tuple(
        _AS[kind](getattr(row, name)) for name, kind in zip(SCRIPT_COLUMNS, _SCRIPT_TYPES, strict=True)
    )
    return (*values, digest(*values))


def script_of(values: Sequence[Any]) -> ScriptRow | None:
    """Return the row of the history that values are, the check last; None if they are none."""
    if digest(*values[:-1]) != values[-1]:
        return None
    fields = dict(zip(SCRIPT_COLUMNS, values, strict=False))
    return ScriptRow(**{**fields, "is_standard": bool(fields["is_standard"])})


def happening_values(line: Happening) -> tuple[str, float, str, int]:
    """Return a line of a story as values, the check last.

    Raises
    ------
    ValueError
        If it cannot be kept.
    """
    values = _text(line.key), _real(line.at_tai), _text(line.text)
    return (*values, digest(*values))


def happening_of(values: Sequence[Any]) -> Happening | None:
    """Return the line of a story that values are, the check last; None if they are none."""
    if digest(*values[:-1]) != values[-1]:
        return None
    key, at_tai, text = values[:-1]
    return Happening(key, at_tai, text)


def _text(value: str) -> str:
    value.encode()
    return str(value)


def _whole(value: int) -> int:
    if not -_MOST <= value < _MOST:
        raise ValueError(f"{value} has more than 64 bits")
    return int(value)


def _whole_or_none(value: int | None) -> int | None:
    return None if value is None else _whole(value)


def _real(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError(f"{value} is no time")
    # SQLite keeps no negative zero.
    return float(value) + 0.0


_AS: Mapping[str, Callable[[Any], Any]] = {
    "str": _text,
    "int": _whole,
    "bool": _whole,
    "float": _real,
    "int | None": _whole_or_none,
}
