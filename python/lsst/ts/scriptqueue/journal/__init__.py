# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The book in which a queue writes what happens, so that nothing of it is lost.

It knows nothing of queues: it keeps plain values, and gives them back. Two
things are in it. The *replay* is the latest snapshot and the entries after
it; from these a queue is made again after a crash, so they are bounded. The
*history* is what became of each script, kept for months, which other
processes may ask while the queue runs.
"""

from .faults import JournalError, JournalFullError, JournalInUseError, JournalTooNewError
from .history import Answer, NoJournalError, Query, Told, journal_path, read_history
from .journal import Journal
from .lock import JournalLock
from .records import Entry, Happening, Limits, Mark, Recovered, ScriptRow, Snapshot

__all__ = [
    "Answer",
    "Entry",
    "Happening",
    "Journal",
    "JournalError",
    "JournalFullError",
    "JournalInUseError",
    "JournalLock",
    "JournalTooNewError",
    "Limits",
    "Mark",
    "NoJournalError",
    "Query",
    "Recovered",
    "ScriptRow",
    "Snapshot",
    "Told",
    "journal_path",
    "read_history",
]
