# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the queue wants done, in the imperative.

The order of the effects that one event gives is the order in which they go
out. An effect that asks for something carries a ``request`` number, which
the event that ends it brings back.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from .phases import Timer
from .views import QueueView, ScriptRecord, ScriptView, SlotsView, VisitMetadata

__all__ = [
    "AckCommand",
    "AnswerAgain",
    "CancelTimer",
    "ConfigureScript",
    "Effect",
    "Forget",
    "FinishShutdown",
    "LaunchProcess",
    "LogLevel",
    "PublishNextVisit",
    "PublishNextVisitCanceled",
    "PublishQueue",
    "PublishScript",
    "PublishSlots",
    "ReportInProgress",
    "RequestBlockId",
    "RunScript",
    "SetGroupId",
    "SetTimer",
    "StopScript",
    "TerminateProcess",
    "WriteLog",
]


@dataclass(frozen=True, slots=True)
class LaunchProcess:
    """Start the script's process. Ends as `ProcessStarted` or `LaunchFailed`.

    Attributes
    ----------
    launch_id
        Name of this launch; no two have the same.
    may_exist
        May it have been started before? Then that process is meant.
    """

    index: int
    is_standard: bool
    path: str
    launch_id: str = ""
    may_exist: bool = False


@dataclass(frozen=True, slots=True)
class TerminateProcess:
    """End the process and its group, by force if need be. Ends as `ProcessExited`."""

    index: int


@dataclass(frozen=True, slots=True)
class ConfigureScript:
    """Send ``configure``. Ends as `ScriptAnswered`, if the script answers."""

    index: int
    request: int
    config: str
    log_level: int
    pause_checkpoint: str
    stop_checkpoint: str
    block_id: str
    execution_id: str


@dataclass(frozen=True, slots=True)
class SetGroupId:
    """Send ``setGroupId``; "" takes it away. Ends as `ScriptAnswered`."""

    index: int
    request: int
    group_id: str


@dataclass(frozen=True, slots=True)
class RunScript:
    """Send ``run``. Ends as `ScriptAnswered`, when the script has ended."""

    index: int
    request: int


@dataclass(frozen=True, slots=True)
class StopScript:
    """Send ``stop``. Ends as `ScriptAnswered`."""

    index: int
    request: int


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Start a time limit. Ends as `TimerExpired`, unless cancelled.

    ``index`` is 0 if it is no script's but the queue's own.
    """

    index: int
    request: int
    timer: Timer
    delay_s: float


@dataclass(frozen=True, slots=True)
class CancelTimer:
    """Forget a time limit."""

    request: int


@dataclass(frozen=True, slots=True)
class RequestBlockId:
    """Ask for the id of a new execution of a block. Ends as `BlockIdGiven`
    or `BlockIdFailed`.
    """

    request: int
    block: str


@dataclass(frozen=True, slots=True)
class PublishQueue:
    """Publish the queue; ``force`` even if it has not changed."""

    view: QueueView
    force: bool = False


@dataclass(frozen=True, slots=True)
class PublishSlots:
    """Publish the slots; ``force`` even if they have not changed."""

    view: SlotsView
    force: bool = False


@dataclass(frozen=True, slots=True)
class PublishScript:
    """Publish a script; ``force`` even if it has not changed."""

    view: ScriptView
    force: bool = False


@dataclass(frozen=True, slots=True)
class PublishNextVisit:
    """Announce the script that is next in line."""

    index: int
    group_id: str
    metadata: VisitMetadata


@dataclass(frozen=True, slots=True)
class PublishNextVisitCanceled:
    """Take an announcement back."""

    index: int
    group_id: str


@dataclass(frozen=True, slots=True)
class AckCommand:
    """Answer a command for good; ``result`` is the text of the answer."""

    command_id: int
    accepted: bool
    result: str = ""


@dataclass(frozen=True, slots=True)
class AnswerAgain:
    """Answer for good a command that an earlier service has perhaps not answered. Ends as `AnswersSent`.

    Attributes
    ----------
    command_id
        As in `AckCommand`.
    name
        Name of the SAL command, such as ``add``.
    cmd_id
        Its sequence number.
    identity, origin
        Who gave it: name, and process id.
    accepted, result
        As in `AckCommand`.
    """

    command_id: int
    name: str
    cmd_id: int
    identity: str
    origin: int
    accepted: bool
    result: str = ""


@dataclass(frozen=True, slots=True)
class ReportInProgress:
    """Tell a client that its command takes up to ``timeout_s`` more."""

    command_id: int
    timeout_s: float
    text: str


class LogLevel(enum.IntEnum):
    """Levels of `WriteLog`, as in Python's logging."""

    INFO = 20
    WARNING = 30
    ERROR = 40


@dataclass(frozen=True, slots=True)
class WriteLog:
    """Tell the people who watch."""

    level: LogLevel
    text: str


@dataclass(frozen=True, slots=True)
class Forget:
    """The script has left the history: nothing will be said of it any more.

    Attributes
    ----------
    index
        SAL index.
    record
        What has become of it.
    """

    index: int
    record: ScriptRecord = field(compare=False)


@dataclass(frozen=True, slots=True)
class FinishShutdown:
    """No process is left: the service may end."""


Effect = (
    LaunchProcess
    | TerminateProcess
    | ConfigureScript
    | SetGroupId
    | RunScript
    | StopScript
    | SetTimer
    | CancelTimer
    | RequestBlockId
    | PublishQueue
    | PublishSlots
    | PublishScript
    | PublishNextVisit
    | PublishNextVisitCanceled
    | AckCommand
    | AnswerAgain
    | ReportInProgress
    | WriteLog
    | Forget
    | FinishShutdown
)
