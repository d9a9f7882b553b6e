# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the queue shows of itself: values to be published as they are."""

from __future__ import annotations

from dataclasses import dataclass, fields
from operator import attrgetter

from .layout import MAIN
from .states import ProcessState, ScriptState

__all__ = [
    "REMEMBERED",
    "QueueView",
    "ScriptProcess",
    "ScriptRecord",
    "ScriptView",
    "SlotView",
    "SlotsView",
    "VisitMetadata",
]


@dataclass(frozen=True, slots=True)
class VisitMetadata:
    """What a script says it is going to do; fields as in the SAL event
    ``metadata``. Angles in degrees, ``duration`` in seconds.
    """

    coordinate_system: int = 1
    position: tuple[float, float] = (0.0, 0.0)
    rotation_system: int = 1
    camera_angle: float = 0.0
    filters: str = ""
    dome: int = 3
    duration: float = 0.0
    nimages: int = 0
    instrument: str = ""
    survey: str = ""
    total_checkpoints: int = 0


#: How many of the scripts that have ended deployed panels keep in mind.
REMEMBERED = 10


@dataclass(frozen=True, slots=True)
class QueueView:
    """The queue, as the SAL event ``queue`` shows it.

    Attributes
    ----------
    enabled
        Is the component enabled?
    running
        Is the main slot running, that is not paused?
    current
        SAL index of the script in the main slot's place; 0 if none.
    waiting
        SAL indices that wait, the next one first; those of the other slots
        after those of main, as far as the layout has them shown.
    past
        SAL indices that have ended, the latest first.
    """

    enabled: bool
    running: bool
    current: int
    waiting: tuple[int, ...]
    past: tuple[int, ...]

    @property
    def remembered(self) -> frozenset[int]:
        """What panels keep in mind that know only this event; they have forgotten what was said of others."""
        return frozenset((self.current, *self.waiting, *self.past[:REMEMBERED]))


@dataclass(frozen=True, slots=True)
class ScriptProcess:
    """The process of a script, for whoever has to find it again.

    Attributes
    ----------
    launch_id
        Name of its launch.
    pid
        Process id.
    identity
        As it was given with `ProcessStarted`.
    """

    launch_id: str
    pid: int
    identity: str


@dataclass(frozen=True, slots=True)
class ScriptView:
    """A script, as the SAL event ``script`` shows it. Times are TAI, unix
    seconds, 0 if not yet.
    """

    index: int
    cmd_id: int
    is_standard: bool
    path: str
    process_start_tai: float
    configure_start_tai: float
    configure_end_tai: float
    run_start_tai: float
    process_end_tai: float
    process_state: ProcessState
    script_state: ScriptState
    block_id: str
    block_index: int
    block_size: int
    execution_id: str
    slot: str = MAIN
    resources: str = ""
    waiting_for: str = ""
    exit_reason: str = ""
    concern: str = ""

    def tells_clients_of_one_slot(self, shown: ScriptView | None) -> bool:
        """Does it differ from what was shown in what clients know that know of no slots?"""
        return shown is None or _KNOWN_TO_ALL(self) != _KNOWN_TO_ALL(shown)


_OF_SLOTS = frozenset({"slot", "resources", "waiting_for", "exit_reason"})
_KNOWN_TO_ALL = attrgetter(*(field.name for field in fields(ScriptView) if field.name not in _OF_SLOTS))


@dataclass(frozen=True, slots=True)
class ScriptRecord:
    """What a history keeps of a script.

    Attributes
    ----------
    key
        Its name for ever.
    view
        As it is published.
    config
        Its configuration, YAML.
    added_tai, added_by
        When it was added (TAI, unix seconds), and who did.
    group_id
        The group id it was given.
    exit_code, signal
        How its process ended; None if it has not, or not so.
    output_tail
        What it printed last.
    lines_told
        How many lines its story has had so far.
    latest_lines
        The latest of them: when (TAI, unix seconds), and what.
    """

    key: str
    view: ScriptView
    config: str
    added_tai: float
    added_by: str
    group_id: str
    exit_code: int | None
    signal: int | None
    output_tail: str
    lines_told: int
    latest_lines: tuple[tuple[float, str], ...]


@dataclass(frozen=True, slots=True)
class SlotView:
    """One slot, as the SAL event ``slots`` shows it.

    Attributes
    ----------
    name, capacity, is_eager
        As configured.
    running
        Is it running, that is not paused?
    pause_reason
        Why not, in words.
    """

    name: str
    capacity: int
    is_eager: bool
    running: bool
    pause_reason: str


@dataclass(frozen=True, slots=True)
class SlotsView:
    """The slots and the scripts that wait or have a place in them.

    Attributes
    ----------
    slots
        The slots, in order of priority.
    scripts
        For each live script its SAL index, the position of its slot in
        ``slots``, and whether it has a place there; slot by slot, those that
        have one first.
    """

    slots: tuple[SlotView, ...]
    scripts: tuple[tuple[int, int, bool], ...]
