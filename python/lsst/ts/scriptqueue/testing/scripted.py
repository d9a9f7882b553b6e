# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scripts on paper: what a fake script does, as data.

A `Plan` has a tuple of steps for each part of a script's life. Its default is
a script that does well in a second. What a plan does not say is as in a real
script: states follow the same tables, commands out of place are refused in the
same words, checkpoints pause and stop::

    Plan(running=(Checkpoint("one"), Wait(30), Fail("no light")))
    Plan(loading=(Wait(400),))                    # takes too long to load
    Plan(unanswered={"configure"})                # hears, and never answers
    Plan(running=(Wait(3), Exit(signal=9)))       # killed by somebody
    Plan(running=(Report(ScriptState.DONE), Report(ScriptState.RUNNING)))

`.scripted_launcher` plays them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..launch.contract import MemoryKill
from ..sal.enums import ScriptState

__all__ = ["Checkpoint", "Exit", "Fail", "Hang", "Plan", "Report", "Step", "Wait"]


@dataclass(frozen=True, slots=True)
class Wait:
    """Let time pass.

    Attributes
    ----------
    duration_s
        How much.
    """

    duration_s: float


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Pass a checkpoint.

    Attributes
    ----------
    name
        Its name.
    """

    name: str


@dataclass(frozen=True, slots=True)
class Fail:
    """Fail, as if the author's code had raised.

    Attributes
    ----------
    reason
        What went wrong.
    """

    reason: str = "it failed"


@dataclass(frozen=True, slots=True)
class Exit:
    """Let the process end here, without another word.

    Attributes
    ----------
    code
        Exit code, if no signal ends it.
    signal
        Number of the signal that ends it.
    output
        The last lines of its output.
    memory_kill
        If the signal is SIGKILL: did the kernel send it because memory ran out?
    """

    code: int | None = None
    signal: int | None = None
    output: str = ""
    memory_kill: MemoryKill = MemoryKill.NOT_ASKED


@dataclass(frozen=True, slots=True)
class Report:
    """Report a state, whatever the tables say; the script goes on as if it had not.

    Attributes
    ----------
    state
        The state.
    reason
        The reason.
    index
        Under which SAL index; None for its own.
    """

    state: ScriptState
    reason: str = ""
    index: int | None = None


@dataclass(frozen=True, slots=True)
class Hang:
    """Go no further; only a stop or a signal helps."""


Step = Wait | Checkpoint | Fail | Exit | Report | Hang


@dataclass(frozen=True, slots=True)
class Plan:
    """What a fake script does.

    Attributes
    ----------
    loading
        Before it reports UNCONFIGURED.
    configuring
        Before it reports CONFIGURED; with `Fail`, CONFIGURE_FAILED.
    running, cleaning
        As RUNNING; as ENDING, STOPPING or FAILING.
    leaving
        After the final state, before the process ends.
    refused
        Commands that are refused in any state, and why.
    unanswered
        Commands that are heard, but neither carried out nor answered.
    metadata
        Fields of the event ``metadata``.
    remotes
        As in the event ``description``.
    launch_error
        Why the process cannot be started; "" if it can.
    term_s
        How long the process takes to end after SIGTERM (seconds); None if it
        does not, so that it is killed.
    """

    loading: tuple[Step, ...] = ()
    configuring: tuple[Step, ...] = ()
    running: tuple[Step, ...] = (Wait(1.0),)
    cleaning: tuple[Step, ...] = ()
    leaving: tuple[Step, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    unanswered: Collection[str] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    remotes: str = ""
    launch_error: str = ""
    term_s: float | None = 0.0
