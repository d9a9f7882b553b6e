# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of the scripts when the component ends, and how that is told."""

from __future__ import annotations

import enum
from collections.abc import Sequence

__all__ = ["Fate", "farewell"]

#: More scripts than so many are not named.
_MAX_NAMED = 10


class Fate(enum.Enum):
    """What becomes of the scripts when the component ends."""

    #: It has not begun, so they are those of an earlier service, and left to a later one.
    UNTOUCHED = enum.auto()
    #: They are ended, as is planned.
    ENDED = enum.auto()
    #: They are left to the next service, as was asked for.
    LEFT = enum.auto()
    #: The queue has failed in the middle of an event: they run on, and it is not written down.
    ABANDONED = enum.auto()


def farewell(why: str, scripts: Sequence[int], *, are_left: bool) -> str:
    """Say why the service ends, and what becomes of its scripts.

    Parameters
    ----------
    why
        Why it ends: a sentence without its capital.
    scripts
        SAL indices of those that have a process.
    are_left
        Do they go on? Otherwise they are ended.
    """
    text = f"{why[:1].upper()}{why[1:]}"
    if not scripts:
        return f"{text}; there are no scripts"
    if len(scripts) == 1:
        becomes = "goes on, and the next service takes it over" if are_left else "is ended"
        return f"{text}; script {scripts[0]} {becomes}"
    becomes = "go on, and the next service takes them over" if are_left else "are ended"
    named = ", ".join(map(str, scripts[:_MAX_NAMED]))
    more = f" and {len(scripts) - _MAX_NAMED} more" if len(scripts) > _MAX_NAMED else ""
    return f"{text}; its {len(scripts)} scripts {becomes}: {named}{more}"
