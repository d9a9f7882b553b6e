# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The time and size limits the queue holds scripts to."""

from __future__ import annotations

import enum
from dataclasses import dataclass, fields

__all__ = ["MAX_LISTED", "Limits", "Reaction", "Supervision"]

#: Length of the arrays of the ``queue`` event, and so of what may be queued.
MAX_LISTED = 400


class Reaction(enum.Enum):
    """What is done about a running script that gives cause for concern, as configurations say it."""

    SHOW = "show"
    STOP = "stop"
    TERMINATE = "terminate"


@dataclass(frozen=True, slots=True)
class Supervision:
    """When a script gives cause for concern, and what is done about it.

    Attributes
    ----------
    silence_s
        A script is silent when none of its heartbeats has come for so long (seconds).
    on_silence
        What is done about a running one.
    overtime_factor
        A script is overdue when it has run for so many times what it expected.
    overtime_s
        But not before it has run for so much longer than it expected (seconds).
    on_overtime
        What is done about it.
    """

    silence_s: float = 30.0
    on_silence: Reaction = Reaction.SHOW
    overtime_factor: float = 3.0
    overtime_s: float = 60.0
    on_overtime: Reaction = Reaction.SHOW

    def __post_init__(self) -> None:
        if not self.silence_s > 0:
            raise ValueError(f"silence_s must be positive, not {self.silence_s}")
        if not self.overtime_factor >= 1:
            raise ValueError(f"overtime_factor must be at least 1, not {self.overtime_factor}")
        if not self.overtime_s >= 0:
            raise ValueError(f"overtime_s must not be negative, but is {self.overtime_s}")


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits, in seconds unless said otherwise.

    Attributes
    ----------
    load_s
        From process start to UNCONFIGURED.
    configure_s
        From the ``configure`` command to CONFIGURED.
    settle_s
        From CONFIGURED to the arrival of the metadata; after that the
        metadata count as empty.
    group_id_s
        For the answer to a ``setGroupId`` command, each of two tries.
    start_s
        From the ``run`` command to RUNNING.
    stop_s
        From the ``stop`` command to a final state; then the script is killed.
    last_words_s
        From the exit of a process to the arrival of what it still reported.
    exit_s
        From a final state to the exit of the process; then it is killed.
    kill_s
        The longest that ending a process group may take, for the estimate
        given to clients. The launcher decides the real one.
    history
        How many ended scripts are kept.
    relaunches
        After a restart, how many scripts may be on their way from launch to
        configured at a time before another lost one is launched again.
    supervision
        What of a script that lives gives cause for concern.
    """

    load_s: float = 300.0
    configure_s: float = 60.0
    settle_s: float = 5.0
    group_id_s: float = 10.0
    start_s: float = 60.0
    stop_s: float = 60.0
    last_words_s: float = 1.0
    exit_s: float = 30.0
    kill_s: float = 6.0
    history: int = MAX_LISTED
    relaunches: int = 4
    supervision: Supervision = Supervision()

    def __post_init__(self) -> None:
        if not 1 <= self.history <= MAX_LISTED:
            raise ValueError(f"history must be 1 to {MAX_LISTED}, not {self.history}")
        if self.relaunches < 1:
            raise ValueError(f"relaunches must be at least 1, not {self.relaunches}")
        for field in fields(self):
            if field.name.endswith("_s") and not getattr(self, field.name) > 0:
                raise ValueError(f"{field.name} must be positive, not {getattr(self, field.name)}")
