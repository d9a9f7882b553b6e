# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happened to one script, and why, line by line."""

from __future__ import annotations

import datetime

__all__ = ["MAX_LINES", "Story", "iso_clock", "iso_tai", "iso_tai_ms"]

#: A story longer than this forgets its middle: how it began and how it ended
#: is what people ask for.
MAX_LINES = 500
_KEPT_HEAD = 100


def iso_tai(tai: float) -> str:
    """Format a time (TAI, unix seconds) as TAI ISO with milliseconds."""
    return iso_tai_ms(int(tai * 1000))


def iso_tai_ms(tai_ms: int) -> str:
    """Format a time (TAI, unix milliseconds) as TAI ISO with milliseconds."""
    whole_s, ms = divmod(tai_ms, 1000)
    return f"{datetime.datetime.fromtimestamp(whole_s, datetime.UTC):%Y-%m-%dT%H:%M:%S}.{ms:03d}"


def iso_clock(unix_s: float) -> str:
    """Format a time (unix seconds) as hours, minutes and seconds."""
    minutes, seconds = divmod(int(unix_s) % 86_400, 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}"


class Story:
    """The story of one script."""

    __slots__ = ("_lines", "_forgotten")

    def __init__(self) -> None:
        self._lines: list[tuple[float, str]] = []
        self._forgotten = 0

    def note(self, at_tai: float, text: str) -> None:
        """Add a line."""
        self._lines.append((at_tai, text))
        if len(self._lines) > MAX_LINES:
            del self._lines[_KEPT_HEAD]
            self._forgotten += 1

    def __str__(self) -> str:
        lines = [f"{iso_tai(at_tai)}  {text}" for at_tai, text in self._lines]
        if self._forgotten:
            lines.insert(_KEPT_HEAD, f"... {self._forgotten} lines forgotten ...")
        return "\n".join(lines)
