# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What clients may ask of the queue, checked as far as needs no queue."""

from __future__ import annotations

from dataclasses import dataclass

from .layout import Layout
from .rulings import NO_RULING, Ruling
from .states import Location

__all__ = [
    "AddScript",
    "ChangeState",
    "Command",
    "MoveScript",
    "Pause",
    "Reconfigure",
    "RequeueScript",
    "Resume",
    "ShowQueue",
    "ShowScript",
    "StopScripts",
    "Target",
]


@dataclass(frozen=True, slots=True)
class Target:
    """A place in the queue.

    Attributes
    ----------
    location
        Where; BEFORE and AFTER are relative to a waiting script.
    relative_to
        SAL index of that script; ignored for FIRST and LAST.
    """

    location: Location = Location.LAST
    relative_to: int = 0


@dataclass(frozen=True, slots=True)
class AddScript:
    """Add a script. Fields as in the SAL command ``add``, and what the rules say of it."""

    is_standard: bool
    path: str
    config: str = ""
    description: str = ""
    target: Target = Target()
    log_level: int = 0
    pause_checkpoint: str = ""
    stop_checkpoint: str = ""
    block: str = ""
    block_size: int = 0
    start_block: bool = False
    execution_id: str = ""
    slot: str = ""
    resources: str = ""
    ruling: Ruling = NO_RULING


@dataclass(frozen=True, slots=True)
class MoveScript:
    """Move a waiting script; ``slot`` "" for its own."""

    index: int
    target: Target
    slot: str = ""


@dataclass(frozen=True, slots=True)
class RequeueScript:
    """Add a script again that waits, runs or has ended; ``slot`` "" for the original's."""

    index: int
    target: Target
    slot: str = ""
    ruling: Ruling = NO_RULING


@dataclass(frozen=True, slots=True)
class StopScripts:
    """Stop scripts; ``terminate`` gives running ones no chance to clean up."""

    indices: tuple[int, ...]
    terminate: bool = False


@dataclass(frozen=True, slots=True)
class Pause:
    """Start no further script in a slot; ``slot`` "" for all."""

    slot: str = ""


@dataclass(frozen=True, slots=True)
class Resume:
    """Go on, and let go of a failed script.

    ``slot`` "" is main and what a command to all slots paused; "*" is all.
    """

    slot: str = ""


@dataclass(frozen=True, slots=True)
class ShowQueue:
    """Publish the queue again."""


@dataclass(frozen=True, slots=True)
class ShowScript:
    """Publish one script again."""

    index: int


@dataclass(frozen=True, slots=True)
class Reconfigure:
    """Take another layout; refused if a slot that it lacks has scripts."""

    layout: Layout


@dataclass(frozen=True, slots=True)
class ChangeState:
    """Change the summary state of the component, by a command that asks nothing of the queue.

    The queue only knows of it, so that it is known whom to answer.
    """


Command = (
    AddScript
    | MoveScript
    | RequeueScript
    | StopScripts
    | Pause
    | Resume
    | ShowQueue
    | ShowScript
    | Reconfigure
    | ChangeState
)
