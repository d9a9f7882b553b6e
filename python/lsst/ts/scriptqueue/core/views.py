# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the queue shows of itself: values to be published as they are."""

from __future__ import annotations

from dataclasses import dataclass

from .states import ProcessState, ScriptState

__all__ = ["QueueView", "ScriptView", "VisitMetadata"]


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
        SAL indices that wait, the next one first.
    past
        SAL indices that have ended, the latest first.
    """

    enabled: bool
    running: bool
    current: int
    waiting: tuple[int, ...]
    past: tuple[int, ...]


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
