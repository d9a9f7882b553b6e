# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the journal keeps, as plain values."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Entry", "Happening", "Limits", "Mark", "Recovered", "ScriptRow", "Snapshot"]


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that happened to the queue.

    Attributes
    ----------
    at_tai
        When (TAI, unix seconds).
    kind
        What kind of thing.
    index
        SAL index of the script it is about; 0 if it is about none.
    body
        The rest, as JSON.
    """

    at_tai: float
    kind: str
    index: int
    body: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything a queue knew at one moment.

    Attributes
    ----------
    after
        Number of the last entry before that moment; 0 if there was none.
    body
        What it knew, as text.
    """

    after: int
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptRow:
    """What the history keeps of one script. Times are TAI, unix seconds, and 0 if they have not come.

    Attributes
    ----------
    key
        Its name for ever. SAL indices are used again.
    sal_index
        SAL index.
    added_tai
        When it was added.
    changed_tai
        When anything of this last changed.
    added_by
        Identity of whoever added it.
    cmd_id
        Sequence number of the command that added it.
    is_standard, path
        Which script it is.
    config
        Its configuration, YAML.
    slot
        Slot it is in, or was.
    resources
        What it needs, as the ``script`` event has it.
    block_id, block_position, block_size, execution_id
        The execution of a block it belongs to, its place in that from 0, and
        how many scripts that has.
    group_id
        The group id it was given.
    process_state, script_state
        Names of the states, as SAL has them.
    process_start_tai, configure_start_tai, configure_end_tai, run_start_tai, process_end_tai
        When its process was started, it was configured, it began to run, and its process had gone.
    exit_code, signal
        How its process ended; None if it did not, or not so.
    exit_reason
        Why it ended as it did.
    output_tail
        What it printed last.
    """

    key: str
    sal_index: int
    added_tai: float
    changed_tai: float
    is_standard: bool
    path: str
    added_by: str = ""
    cmd_id: int = 0
    config: str = ""
    slot: str = ""
    resources: str = ""
    block_id: str = ""
    block_position: int = 0
    block_size: int = 0
    execution_id: str = ""
    group_id: str = ""
    process_state: str = ""
    script_state: str = ""
    process_start_tai: float = 0.0
    configure_start_tai: float = 0.0
    configure_end_tai: float = 0.0
    run_start_tai: float = 0.0
    process_end_tai: float = 0.0
    exit_code: int | None = None
    signal: int | None = None
    exit_reason: str = ""
    output_tail: str = ""


@dataclass(frozen=True, slots=True)
class Happening:
    """A line of a script's story.

    Attributes
    ----------
    key
        The script, as in `ScriptRow`.
    at_tai
        When (TAI, unix seconds).
    text
        What happened, for people.
    """

    key: str
    at_tai: float
    text: str


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a journal is written.

    Attributes
    ----------
    number, chain
        Number and hash of the last entry; 0 if there is none.
    snapshot
        Hash of the latest snapshot; 0 if there is none.
    """

    number: int
    chain: int
    snapshot: int


@dataclass(frozen=True, slots=True)
class Recovered:
    """What was found when a journal was opened.

    Attributes
    ----------
    snapshot
        The latest snapshot; None if there is none.
    entries
        What happened after it, or all that happened, in order.
    complaints
        What was wrong, for people; empty as a rule.
    is_fresh
        Was there no journal before?
    """

    snapshot: Snapshot | None
    entries: tuple[Entry, ...]
    complaints: tuple[str, ...]
    is_fresh: bool


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is kept.

    Attributes
    ----------
    snapshot_entries, snapshot_bytes
        A snapshot is wanted after so many entries, or so much text of entries.
    keep_days
        How long a script stays in the history after it was added (days).
    keep_rows
        How many scripts stay there at most.
    wal_bytes
        Size to which the write-ahead log is cut back when nobody reads it.
    spare_pages
        So many pages of the file may be unused; more are given back to the file system.
    """

    snapshot_entries: int = 1_000
    snapshot_bytes: int = 4_000_000
    keep_days: float = 180.0
    keep_rows: int = 100_000
    wal_bytes: int = 4_000_000
    spare_pages: int = 2_000
