# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happened to one script, and why, line by line."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field

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


@dataclass(slots=True)
class Story:
    """The story of one script.

    Attributes
    ----------
    lines
        What happened, and when (TAI, unix seconds).
    forgotten
        How many lines of its middle are not kept.
    """

    lines: list[tuple[float, str]] = field(default_factory=list)
    forgotten: int = 0

    @property
    def told(self) -> int:
        """How many lines were noted so far."""
        return len(self.lines) + self.forgotten

    def note(self, at_tai: float, text: str) -> None:
        """Add a line."""
        self.lines.append((at_tai, text))
        if len(self.lines) > MAX_LINES:
            del self.lines[_KEPT_HEAD]
            self.forgotten += 1

    def __str__(self) -> str:
        lines = [f"{iso_tai(at_tai)}  {text}" for at_tai, text in self.lines]
        if self.forgotten:
            lines.insert(_KEPT_HEAD, f"... {self.forgotten} lines forgotten ...")
        return "\n".join(lines)
