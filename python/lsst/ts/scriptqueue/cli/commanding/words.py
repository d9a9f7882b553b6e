# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Words as people type them: a line split into words, and the nearest known word to a wrong one."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

__all__ = ["LineError", "nearest", "quoted", "split_line"]


class LineError(ValueError):
    """A line cannot be split into words; the text says why."""


def split_line(line: str) -> list[str]:
    """Split a line into words as a shell does: quotes keep a word together.

    Raises
    ------
    LineError
        If a quote is not closed, or the line ends in a backslash.
    """
    try:
        return shlex.split(line)
    except ValueError as error:
        text = str(error)
        if "quotation" in text:
            raise LineError(
                "a quote is not closed; put a configuration between two of them: 'az: 10'"
            ) from None
        raise LineError("the line ends in a backslash; leave it out, or double it") from None


def quoted(word: str) -> str:
    """Return a word so that `split_line` reads it back as one."""
    return shlex.quote(word)


def nearest(word: str, known: Iterable[str], count: int = 3) -> list[str]:
    """Return the known words that are most like this one, the best first; none if none is like it."""
    # Only needed to answer an error, and not cheap to import.
    import difflib

    by_folded = {name.casefold(): name for name in known}
    found = difflib.get_close_matches(word.casefold(), by_folded, n=count, cutoff=0.5)
    begun = [folded for folded in by_folded if folded.startswith(word.casefold()) and folded not in found]
    return [by_folded[folded] for folded in (*found, *begun)][:count]
