# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the queue is told, in the past tense.

Every event carries ``at_tai``, the time it happened (TAI, unix seconds):
the core has no clock of its own. Events that answer an effect carry its
``request`` number, so that a late answer to an earlier question is known
for what it is.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from .commands import Command
from .needs import Description
from .states import ScriptState
from .views import VisitMetadata

__all__ = [
    "AnswersSent",
    "BlockIdFailed",
    "BlockIdGiven",
    "CommandGiven",
    "EnabledChanged",
    "Event",
    "LaunchFailed",
    "MemoryKill",
    "ProcessContinued",
    "ProcessExited",
    "ProcessStarted",
    "ProcessStopped",
    "Restarted",
    "ScriptAnswered",
    "ScriptDescriptionReported",
    "ScriptFellSilent",
    "ScriptHeardAgain",
    "ScriptMetadataReported",
    "ScriptOverdue",
    "ScriptStateReported",
    "ShutdownRequested",
    "TimerExpired",
]


@dataclass(frozen=True, slots=True)
class CommandGiven:
    """A client gave a command.

    Attributes
    ----------
    command_id
        Number by which the edge knows whom to answer; unique per process.
    command
        What was asked.
    cmd_id
        Sequence number of the SAL command, as published with a script.
    identity
        Who gave it, such as ``operator@console``.
    origin
        The process id of whoever gave it; 0 if nobody is to be answered by a
        later service.
    name
        Name of the SAL command, such as ``add``.
    """

    at_tai: float
    command_id: int
    command: Command
    cmd_id: int = 0
    identity: str = ""
    origin: int = 0
    name: str = ""


@dataclass(frozen=True, slots=True)
class AnswersSent:
    """The last acknowledgements of some commands are on their way."""

    at_tai: float
    command_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class EnabledChanged:
    """The component entered or left the ENABLED state."""

    at_tai: float
    enabled: bool


@dataclass(frozen=True, slots=True)
class ProcessStarted:
    """`LaunchProcess` succeeded.

    Attributes
    ----------
    pid
        Process id.
    identity
        What the edge needs to find the process again after a restart.
    """

    at_tai: float
    index: int
    pid: int
    identity: str = ""


@dataclass(frozen=True, slots=True)
class LaunchFailed:
    """`LaunchProcess` failed; no process is left."""

    at_tai: float
    index: int
    reason: str


class MemoryKill(enum.Enum):
    """Did the kernel end a process because memory ran out? The value says it in words."""

    NOT_ASKED = ""
    CERTAIN = "the kernel ended it because memory ran out"
    POSSIBLE = "perhaps because memory ran out"
    RULED_OUT = "memory has not run out, so somebody sent it"


@dataclass(frozen=True, slots=True)
class ProcessExited:
    """The process of a script and its whole group have gone.

    Attributes
    ----------
    exit_code
        Exit code, or None if a signal ended it or it is not known.
    signal
        Number of the signal that ended it, or None.
    output_tail
        Last lines of what it printed.
    signal_name
        Name of that signal, such as SIGKILL, where it has one.
    while_away
        Was it while no queue was there?
    memory_kill
        Where that signal is SIGKILL: did the kernel send it because memory ran out?
    ended_ago_s
        How long before this event it was, in seconds, if it was long before.
    """

    at_tai: float
    index: int
    exit_code: int | None = None
    signal: int | None = None
    output_tail: str = ""
    signal_name: str = ""
    while_away: bool = False
    memory_kill: MemoryKill = MemoryKill.NOT_ASKED
    ended_ago_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ScriptStateReported:
    """A script reported its state.

    Attributes
    ----------
    state
        The state.
    reason
        What the script says about it.
    origin
        Process id of the reporter.
    sent_tai
        When it was sent (TAI, unix seconds).
    """

    at_tai: float
    index: int
    state: ScriptState
    reason: str = ""
    origin: int = 0
    sent_tai: float = 0.0


@dataclass(frozen=True, slots=True)
class ScriptMetadataReported:
    """A script reported what it is going to do. Attributes as above."""

    at_tai: float
    index: int
    metadata: VisitMetadata
    origin: int = 0
    sent_tai: float = 0.0


@dataclass(frozen=True, slots=True)
class ScriptDescriptionReported:
    """A script described itself.

    Attributes
    ----------
    description
        What it says of its resources.
    origin, sent_tai
        As above.
    """

    at_tai: float
    index: int
    description: Description
    origin: int = 0
    sent_tai: float = 0.0


@dataclass(frozen=True, slots=True)
class ScriptAnswered:
    """A script acknowledged a command, for good.

    Attributes
    ----------
    request
        Number of the effect that sent the command.
    accepted
        Whether it succeeded.
    text
        What the script said.
    """

    at_tai: float
    index: int
    request: int
    accepted: bool
    text: str = ""


@dataclass(frozen=True, slots=True)
class ProcessStopped:
    """The process of a script was found stopped, by SIGSTOP or a debugger."""

    at_tai: float
    index: int


@dataclass(frozen=True, slots=True)
class ProcessContinued:
    """The process of a script, found stopped before, goes on."""

    at_tai: float
    index: int


@dataclass(frozen=True, slots=True)
class ScriptFellSilent:
    """No heartbeat of a script has come for longer than is allowed.

    Attributes
    ----------
    since_tai
        When the last one came, or since when one is waited for (TAI, unix seconds).
    was_heard
        Has this service heard one of its heartbeats before?
    """

    at_tai: float
    index: int
    since_tai: float
    was_heard: bool = True


@dataclass(frozen=True, slots=True)
class ScriptHeardAgain:
    """A heartbeat of a script that was silent has come."""

    at_tai: float
    index: int


@dataclass(frozen=True, slots=True)
class ScriptOverdue:
    """A script has run for longer than what it expected allows."""

    at_tai: float
    index: int


@dataclass(frozen=True, slots=True)
class TimerExpired:
    """A time limit that `SetTimer` started has run out; ``index`` 0 if it is no script's."""

    at_tai: float
    index: int
    request: int


@dataclass(frozen=True, slots=True)
class BlockIdGiven:
    """`RequestBlockId` succeeded."""

    at_tai: float
    request: int
    block_id: str


@dataclass(frozen=True, slots=True)
class BlockIdFailed:
    """`RequestBlockId` failed."""

    at_tai: float
    request: int
    reason: str


@dataclass(frozen=True, slots=True)
class Restarted:
    """A new service goes on with what an earlier one has left.

    Of processes that have gone meanwhile it is told by `ProcessExited` after this.

    Attributes
    ----------
    resumes
        Does the queue go on by itself? Otherwise all slots are paused.
    """

    at_tai: float
    resumes: bool = False


@dataclass(frozen=True, slots=True)
class ShutdownRequested:
    """The service ends: all scripts are to go."""

    at_tai: float
    why: str


Event = (
    CommandGiven
    | AnswersSent
    | EnabledChanged
    | ProcessStarted
    | Restarted
    | LaunchFailed
    | ProcessExited
    | ScriptStateReported
    | ScriptMetadataReported
    | ScriptDescriptionReported
    | ScriptAnswered
    | ProcessStopped
    | ProcessContinued
    | ScriptFellSilent
    | ScriptHeardAgain
    | ScriptOverdue
    | TimerExpired
    | BlockIdGiven
    | BlockIdFailed
    | ShutdownRequested
)
