# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which scripts must not run side by side, as the published texts of their resources say."""

from __future__ import annotations

__all__ = ["clash"]


def clash(one: str, other: str) -> bool:
    """Do two published texts of resources name a thing that only one may have?

    Written anew, so that it errs differently from the core if it errs.
    """
    mine, theirs = one.split(","), other.split(",")
    if "*" in theirs and "*" not in mine:
        mine, theirs = theirs, mine
    if "*" in mine:
        if "*" in theirs:
            return True
        spared = [name[1:] for name in mine if name.startswith("!")]
        return any(name != "none" and not {name, name.split(":")[0]} & set(spared) for name in theirs)
    for name in mine:
        for rival in theirs:
            if name == "none" or rival == "none" or name == "archive" or rival == "archive":
                continue
            if name == rival or name.split(":")[0] == rival or rival.split(":")[0] == name:
                return True
    return False
