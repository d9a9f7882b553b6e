# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be seen of a queue and its scripts, as plain values.

One for each SAL event the night looks at, with the fields it needs. All times
are TAI unix seconds; ``at_tai`` is when the event was sent.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...sal.enums import ScriptProcessState, ScriptState, State
from ..commanding.slots import Slot

__all__ = [
    "ClaimSeen",
    "DeedSeen",
    "GroupIdSeen",
    "LogSeen",
    "MetadataSeen",
    "QueueSeen",
    "ScriptSeen",
    "Sighting",
    "SlotsSeen",
    "StateSeen",
    "SummaryStateSeen",
]


@dataclass(frozen=True, slots=True)
class SummaryStateSeen:
    """The queue's component changed its summary state."""

    at_tai: float
    state: State


@dataclass(frozen=True, slots=True)
class QueueSeen:
    """The queue's order; ``past`` has the latest first, ``current`` is 0 for none."""

    at_tai: float
    running: bool
    current: int
    waiting: tuple[int, ...]
    past: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ScriptSeen:
    """What the queue says about one script; times are 0 if not yet."""

    at_tai: float
    index: int
    path: str
    process_state: ScriptProcessState
    script_state: ScriptState
    process_start_tai: float = 0.0
    run_start_tai: float = 0.0
    slot: str = ""
    resources: str = ""
    waiting_for: str = ""


@dataclass(frozen=True, slots=True)
class SlotsSeen:
    """The slots, in order of priority, and the scripts in them."""

    at_tai: float
    slots: tuple[Slot, ...]


@dataclass(frozen=True, slots=True)
class StateSeen:
    """What a script says about itself."""

    at_tai: float
    index: int
    state: ScriptState
    reason: str = ""
    group_id: str = ""
    checkpoint: str = ""
    checkpoints_passed: int = 0


@dataclass(frozen=True, slots=True)
class MetadataSeen:
    """What a script says it is going to do."""

    at_tai: float
    index: int
    duration_s: float
    checkpoints: int = 0


@dataclass(frozen=True, slots=True)
class GroupIdSeen:
    """The queue announced a script as the next visit, or took that back."""

    at_tai: float
    index: int
    group_id: str
    canceled: bool = False


@dataclass(frozen=True, slots=True)
class LogSeen:
    """A log message; ``index`` is 0 for the queue itself. Levels as in `logging`."""

    at_tai: float
    index: int
    level: int
    message: str


@dataclass(frozen=True, slots=True)
class DeedSeen:
    """What the operator does now."""

    at_tai: float
    text: str


@dataclass(frozen=True, slots=True)
class ClaimSeen:
    """Something that should be so was looked at; ``held`` tells whether it was."""

    at_tai: float
    text: str
    held: bool


Sighting = (
    SummaryStateSeen
    | QueueSeen
    | ScriptSeen
    | SlotsSeen
    | StateSeen
    | MetadataSeen
    | GroupIdSeen
    | LogSeen
    | DeedSeen
    | ClaimSeen
)
