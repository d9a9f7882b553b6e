# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Supervision of what lives: what the edge observes becomes a concern, or puts an end to one.

A concern is shown, told to the log once, and changes nothing, unless the
limits say that a running script is to be stopped or ended for it, or a waiting
script cannot hear that it is to start (see `admission`). What is
told of a script that is not in a phase for it, or is told twice, means nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from .concerns import CONCERN_PHASES, EXPLAINED_BY, REACTION, SUPERVISED_PHASES, Concern
from .effects import LogLevel, WriteLog
from .events import ProcessContinued, ProcessStopped, ScriptFellSilent, ScriptHeardAgain, ScriptOverdue
from .ledger import Ledger
from .life import advance, can
from .limits import Reaction
from .phases import Phase, Trigger
from .scripts import Script
from .states import ScriptState

__all__ = [
    "Supervised",
    "fell_silent",
    "heard_again",
    "overdue",
    "process_continued",
    "process_stopped",
    "supervised",
]

_TRIGGER = {Reaction.STOP: Trigger.RECALLED, Reaction.TERMINATE: Trigger.GIVEN_UP}


@dataclass(frozen=True, slots=True)
class Supervised:
    """A script that is to be watched.

    Attributes
    ----------
    index
        SAL index.
    launch_id
        Name of the launch of its process.
    origin
        Process id from which its reports come, as far as that is known.
    has_spoken
        Has it reported anything yet?
    concerns
        What it is known to give.
    overdue_tai
        When it becomes overdue (TAI, unix seconds); infinite if it does not.
    """

    index: int
    launch_id: str
    origin: int
    has_spoken: bool
    concerns: frozenset[Concern]
    overdue_tai: float


def supervised(ledger: Ledger) -> Iterator[Supervised]:
    """The scripts that are to be watched."""
    for script in ledger.live():
        if script.phase in SUPERVISED_PHASES:
            yield Supervised(
                script.index,
                script.launch_id,
                script.origin or script.pid,
                script.origin != 0,
                frozenset(script.concerns),
                _overdue_tai(ledger, script),
            )


def process_stopped(ledger: Ledger, event: ProcessStopped) -> None:
    """Its process is stopped."""
    script = _arises(ledger, event.index, Concern.STOPPED)
    if script is not None:
        words = Concern.STOPPED.value.format(since=ledger.clock(ledger.now_tai), pid=script.pid)
        _note(ledger, script, Concern.STOPPED, words)


def process_continued(ledger: Ledger, event: ProcessContinued) -> None:
    """Its process goes on; whether it is silent is observed anew."""
    _is_over(ledger, event.index, Concern.STOPPED, "its process goes on")


def fell_silent(ledger: Ledger, event: ScriptFellSilent) -> None:
    """None of its heartbeats has come for too long."""
    script = _arises(ledger, event.index, Concern.SILENT)
    if script is not None:
        words = Concern.SILENT.value.format(since=ledger.clock(event.since_tai))
        _note(ledger, script, Concern.SILENT, words)
        # Of one that a new service has not heard yet, it is the service that may be deaf.
        if event.was_heard:
            _react(ledger, script, Concern.SILENT)


def heard_again(ledger: Ledger, event: ScriptHeardAgain) -> None:
    """A heartbeat has come."""
    _is_over(ledger, event.index, Concern.SILENT, "is heard again")


def overdue(ledger: Ledger, event: ScriptOverdue) -> None:
    """It runs for much longer than it expected."""
    script = _arises(ledger, event.index, Concern.OVERDUE)
    # A pause that had not been heard of when this was observed counts, too.
    if script is None or ledger.now_tai < _overdue_tai(ledger, script) or script.metadata is None:
        return
    words = Concern.OVERDUE.value.format(
        since=ledger.clock(ledger.now_tai),
        started=ledger.clock(script.run_start_tai),
        duration=script.metadata.duration,
    )
    _note(ledger, script, Concern.OVERDUE, words)
    _react(ledger, script, Concern.OVERDUE)


def _overdue_tai(ledger: Ledger, script: Script) -> float:
    expected_s = script.metadata.duration if script.metadata is not None else 0.0
    if script.phase is not Phase.RUNNING or script.script_state is ScriptState.PAUSED or not expected_s > 0:
        return math.inf
    limits = ledger.limits.supervision
    allowed_s = max(expected_s * limits.overtime_factor, expected_s + limits.overtime_s)
    return script.run_start_tai + script.paused_s + allowed_s


def _arises(ledger: Ledger, index: int, concern: Concern) -> Script | None:
    """The script that gives a concern that it did not give before."""
    script = ledger.scripts.get(index)
    is_new = script is not None and script.phase in CONCERN_PHASES[concern] and concern not in script.concerns
    return script if is_new else None


def _note(ledger: Ledger, script: Script, concern: Concern, words: str) -> None:
    script.concerns[concern] = words
    script.story.note(ledger.now_tai, words)
    ledger.changed[script.index] = None
    if EXPLAINED_BY.get(concern) not in script.concerns:
        ledger.emit(WriteLog(LogLevel.WARNING, f"script {script.index} ({script.wish.path}): {words}"))


def _is_over(ledger: Ledger, index: int, concern: Concern, words: str) -> None:
    script = ledger.scripts.get(index)
    if script is None or script.concerns.pop(concern, None) is None:
        return
    explained = [other for other, cause in EXPLAINED_BY.items() if cause is concern]
    if any(script.concerns.pop(other, None) is not None for other in explained):
        words = f"{words}, and its heartbeats are waited for anew"
    script.story.note(ledger.now_tai, words)
    ledger.changed[index] = None
    if EXPLAINED_BY.get(concern) not in script.concerns:
        ledger.emit(WriteLog(LogLevel.INFO, f"script {index} ({script.wish.path}): {words}"))


def _react(ledger: Ledger, script: Script, concern: Concern) -> None:
    """Do what the limits say is to be done about a concern."""
    setting = REACTION[concern]
    reaction: Reaction = getattr(ledger.limits.supervision, setting)
    trigger = _TRIGGER.get(reaction)
    if trigger is not None and can(script, trigger):
        why = f"{trigger.value} ({setting}: {reaction.value}): {script.concerns[concern]}"
        ledger.emit(WriteLog(LogLevel.WARNING, f"script {script.index} ({script.wish.path}) is {why}"))
        advance(ledger, script, trigger, why)
