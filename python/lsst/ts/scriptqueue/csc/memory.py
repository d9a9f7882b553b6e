# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a queue has of the one before it."""

from __future__ import annotations

from dataclasses import dataclass

from ..journal import Journal, Recovered
from ..launch.contract import LastingLauncher

__all__ = ["Memory"]


@dataclass(frozen=True, slots=True)
class Memory:
    """A journal that is open, and what was in it.

    Attributes
    ----------
    journal
        The journal.
    recovered
        What was found.
    launcher
        Who owns the processes, also while there is no queue.
    resumes
        Does the queue go on by itself after a restart?
    """

    journal: Journal
    recovered: Recovered
    launcher: LastingLauncher
    resumes: bool = False
