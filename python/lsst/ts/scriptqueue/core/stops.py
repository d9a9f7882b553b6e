# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stop commands under way: which scripts they wait for, what they hold up."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["StopJob"]


@dataclass(slots=True)
class StopJob:
    """One stop command.

    Attributes
    ----------
    command_id
        Whom to answer when all are down.
    remaining
        SAL indices of those that are not down yet.
    held_slots
        Names of the slots of which a script in its place was named: nothing
        starts there until all that were named of this slot are down.
    """

    command_id: int
    remaining: set[int]
    held_slots: frozenset[str]
