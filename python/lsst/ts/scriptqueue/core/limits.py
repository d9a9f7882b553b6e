# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The time and size limits the queue holds scripts to."""

from __future__ import annotations

from dataclasses import dataclass, fields

__all__ = ["MAX_LISTED", "Limits"]

#: Length of the arrays of the ``queue`` event, and so of what may be queued.
MAX_LISTED = 400


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

    def __post_init__(self) -> None:
        if not 1 <= self.history <= MAX_LISTED:
            raise ValueError(f"history must be 1 to {MAX_LISTED}, not {self.history}")
        if self.relaunches < 1:
            raise ValueError(f"relaunches must be at least 1, not {self.relaunches}")
        for field in fields(self):
            if field.name.endswith("_s") and not getattr(self, field.name) > 0:
                raise ValueError(f"{field.name} must be positive, not {getattr(self, field.name)}")
