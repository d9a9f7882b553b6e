# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carrying a script from one phase to the next, and what entering one does.

`advance` is the only place where a phase changes. It looks the pair up in
`TRANSITIONS`, moves the script between the lists of its slot, starts and
ends time limits by `TIMER`, decides by `ENDING` what the script will be
called in the history, and then does what `_ENTRY` says of the new phase.

A visit that was announced is taken back as soon as it is certain that it
will not begin: when the script enters a phase that is not in `_MAY_BEGIN`
before it has reported that it runs.
"""

from __future__ import annotations

from collections.abc import Callable

from .effects import (
    CancelTimer,
    ConfigureScript,
    Forget,
    LaunchProcess,
    LogLevel,
    PublishNextVisit,
    PublishNextVisitCanceled,
    RunScript,
    SetGroupId,
    SetTimer,
    StopScript,
    TerminateProcess,
    WriteLog,
)
from .last_words import gist
from .ledger import Ledger
from .phases import FAILED_PHASES, PLACE, PROCESS_STATE, TIMER, TRANSITIONS, Phase, Place, Trigger
from .refusals import IllegalTransition
from .scripts import Script
from .slots import Pause, PausedBy, Slot
from .states import FINAL_STATES, ProcessState, ScriptState
from .views import VisitMetadata

__all__ = [
    "ENDING",
    "advance",
    "ask_again",
    "can",
    "decide_ending",
    "end_failed_blocks",
    "forget_old",
    "launch_again",
    "wait_anew",
]

#: Trigger -> the process state that the script's ending will have. What the
#: script itself reports overrides what was decided before; otherwise the
#: first reason stands.
ENDING: dict[Trigger, ProcessState] = {
    Trigger.REPORTED_ENDED_WELL: ProcessState.DONE,
    Trigger.REPORTED_FAILED: ProcessState.DONE,
    Trigger.REPORTED_CONFIGURE_FAILED: ProcessState.CONFIGURE_FAILED,
    Trigger.CONFIGURE_REFUSED: ProcessState.CONFIGURE_FAILED,
    Trigger.CONFIGURE_LATE: ProcessState.CONFIGURE_FAILED,
    Trigger.LAUNCH_FAILED: ProcessState.LOADFAILED,
    Trigger.LOAD_LATE: ProcessState.LOADFAILED,
    Trigger.NAME_REFUSED: ProcessState.TERMINATED,
    Trigger.STOP_ASKED: ProcessState.TERMINATED,
    Trigger.END_ASKED: ProcessState.TERMINATED,
}

_REPORTS_THAT_END = frozenset(
    {Trigger.REPORTED_ENDED_WELL, Trigger.REPORTED_FAILED, Trigger.REPORTED_CONFIGURE_FAILED}
)

#: Reports of progress: what a script says with one is no reason for its end.
_PROGRESS = frozenset({Trigger.REPORTED_UNCONFIGURED, Trigger.REPORTED_CONFIGURED, Trigger.REPORTED_ACTIVE})

#: Phases in which an announced visit may still begin.
_MAY_BEGIN = {Phase.NAMED, Phase.ENTERING} | {
    phase for phase in Phase if PLACE[phase] is Place.CURRENT and phase not in FAILED_PHASES
}

#: Transitions by which a process turns out to have ended unasked and without
#: a final state.
_UNASKED = frozenset(
    {
        (Phase.LOST_WAITING, Trigger.REPORTS_LATE),
        (Phase.LOST_WAITING, Trigger.END_ASKED),
        (Phase.LOST_RUNNING, Trigger.REPORTS_LATE),
        (Phase.LOST_RUNNING, Trigger.STOP_ASKED),
        (Phase.LOST_RUNNING, Trigger.END_ASKED),
        (Phase.BREAKING, Trigger.PROCESS_GONE),
        (Phase.GIVING_UP, Trigger.PROCESS_GONE),
    }
)

_DEFAULT_METADATA = VisitMetadata()


def can(script: Script, trigger: Trigger) -> bool:
    """Does the script's phase know this trigger?"""
    return (script.phase, trigger) in TRANSITIONS


def advance(ledger: Ledger, script: Script, trigger: Trigger, why: str = "") -> None:
    """Let a trigger happen to a script.

    Parameters
    ----------
    why
        More about it, for the story and, unless it is a report of progress,
        for the reason of its ending.

    Raises
    ------
    IllegalTransition
        If the script's phase has no transition for it.
    """
    before = script.phase
    after = TRANSITIONS.get((before, trigger))
    if after is None:
        raise IllegalTransition(script.index, before, trigger, script.story)
    what = why if why.startswith(trigger.value) else f"{trigger.value}{': ' if why else ''}{why}"
    script.story.note(ledger.now_tai, f"{what}; {after.value}")
    decide_ending(script, before, trigger, why)
    ledger.changed[script.index] = None
    if after is before:
        return
    ledger.stirred = True
    _end_timer(ledger, script)
    if script.visit and after not in _MAY_BEGIN:
        ledger.emit(PublishNextVisitCanceled(script.index, script.visit))
        script.visit = ""
    script.phase = after
    script.drop_concerns()
    script.phase_since_tai = ledger.now_tai
    if trigger is Trigger.ADMITTED:
        script.admitted_tai = ledger.now_tai
    if after in PROCESS_STATE:
        script.process_state = PROCESS_STATE[after]
    _relist(ledger, script, PLACE[before], PLACE[after])
    script.question = ledger.new_request()
    script.tries = 1
    _start_timer(ledger, script)
    if after in FAILED_PHASES and before not in FAILED_PHASES:
        _fail(ledger, script)
    entry = _ENTRY.get(after)
    if entry is not None:
        entry(ledger, script)


def ask_again(ledger: Ledger, script: Script, why: str) -> None:
    """Ask the question of the script's phase once more."""
    script.story.note(ledger.now_tai, f"{why}; asked once more")
    script.tries += 1
    wait_anew(ledger, script)
    _ENTRY[script.phase](ledger, script)


def wait_anew(ledger: Ledger, script: Script) -> None:
    """Begin the time limit of the script's phase anew; earlier answers mean nothing any more."""
    _end_timer(ledger, script)
    script.question = ledger.new_request()
    _start_timer(ledger, script)


def launch_again(ledger: Ledger, script: Script) -> None:
    """Ask for a script's process, for the first time after it was lost or once more."""
    may_exist = script.launched_tai > 0
    if not may_exist:
        script.launched_tai = ledger.now_tai
    wish = script.wish
    ledger.emit(LaunchProcess(script.index, wish.is_standard, wish.path, script.launch_id, may_exist))


def forget_old(ledger: Ledger) -> None:
    """Cut the history to its length; forget scripts it no longer lists."""
    dropped = ledger.unlisted
    if not dropped:
        return
    # A script whose process is still exiting is kept until that has gone.
    kept = [index for index in dropped if ledger.scripts[index].phase is not Phase.GONE]
    for index in dropped:
        if index not in kept:
            record = ledger.scripts.pop(index).record()
            ledger.shown_scripts.pop(index, None)
            ledger.changed.pop(index, None)
            ledger.emit(Forget(index, record))
    ledger.history[ledger.limits.history :] = kept


def decide_ending(script: Script, before: Phase, trigger: Trigger, why: str) -> None:
    """Decide what a script will be called in the history, and why."""
    ending = ENDING.get(trigger)
    if (before, trigger) in _UNASKED:
        loaded = script.script_state is not ScriptState.UNKNOWN
        ending = ProcessState.DONE if loaded else ProcessState.LOADFAILED
        if loaded and script.script_state not in FINAL_STATES:
            script.script_state = ScriptState.FAILED
        script.ending = ending
    elif ending is not None and (script.ending is None or trigger in _REPORTS_THAT_END):
        script.ending = ending
    if script.script_state is ScriptState.DONE:
        script.reason = ""
    elif why and trigger in _REPORTS_THAT_END:
        script.reason = why
    elif trigger not in _PROGRESS:
        _add_reason(script, why)


def _add_reason(script: Script, why: str) -> None:
    if why not in script.reason:
        script.reason = f"{script.reason}; {why}" if script.reason else why


def _relist(ledger: Ledger, script: Script, before: Place, after: Place) -> None:
    if before is after:
        return
    slot = ledger.slot_of(script)
    if before is Place.WAITING:
        slot.waiting.remove(script.index)
    elif before is Place.CURRENT:
        slot.current.remove(script.index)
    if after is Place.CURRENT:
        slot.current.append(script.index)
    elif after is Place.WAITING:
        slot.waiting.insert(0, script.index)
        _take_back(script)
    else:
        ledger.history.insert(0, script.index)
        _end(ledger, script)


def _end(ledger: Ledger, script: Script) -> None:
    script.process_state = script.ending or ProcessState.TERMINATED
    if script.script_state not in (ScriptState.DONE, ScriptState.STOPPED):
        how = script.script_state if script.process_state is ProcessState.DONE else script.process_state
        text = f"script {script.index} ({script.wish.path}) ended {how.name}"
        ledger.emit(WriteLog(LogLevel.INFO, f"{text}: {script.reason}" if script.reason else text))


def _take_back(script: Script) -> None:
    """It has never run: if it was admitted, that counts no more."""
    script.group_id = ""
    script.admitted_tai = script.run_start_tai = 0.0


def _start_timer(ledger: Ledger, script: Script) -> None:
    timer = TIMER.get(script.phase)
    if timer is not None:
        ledger.timers[script.question] = script.index
        delay_s = getattr(ledger.limits, timer.value)
        ledger.emit(SetTimer(script.index, script.question, timer, delay_s))


def _end_timer(ledger: Ledger, script: Script) -> None:
    if ledger.timers.pop(script.question, None) is not None:
        ledger.emit(CancelTimer(script.question))


def _configure(ledger: Ledger, script: Script) -> None:
    script.configure_start_tai = ledger.now_tai
    wish = script.wish
    ledger.emit(
        ConfigureScript(
            index=script.index,
            request=script.question,
            config=wish.config,
            log_level=wish.log_level,
            pause_checkpoint=wish.pause_checkpoint,
            stop_checkpoint=wish.stop_checkpoint,
            block_id=script.membership.block_id if script.membership else "",
            execution_id=wish.execution_id,
        )
    )


def _settle(ledger: Ledger, script: Script) -> None:
    script.configure_end_tai = ledger.now_tai
    if script.has_told_all:
        advance(ledger, script, Trigger.SETTLED)


def _settle_needs(ledger: Ledger, script: Script) -> None:
    if script.needs.claim is not None:
        return
    slot = ledger.slot_of(script)
    warning = script.needs.settle(script.description, ledger.layout.catalogue, slot.settings)
    script.story.note(ledger.now_tai, f"needs {script.needs.claim}: {script.needs.source}")
    if warning:
        ledger.emit(WriteLog(LogLevel.WARNING, f"script {script.index} ({script.wish.path}): {warning}"))


def _name(ledger: Ledger, script: Script) -> None:
    if not script.group_id:
        script.group_id = ledger.group_ids.give(ledger.now_tai)
    ledger.emit(SetGroupId(script.index, script.question, script.group_id))


def _announce(ledger: Ledger, script: Script) -> None:
    script.visit = script.group_id
    ledger.emit(PublishNextVisit(script.index, script.group_id, script.metadata or _DEFAULT_METADATA))


def _unname(ledger: Ledger, script: Script) -> None:
    _take_back(script)
    ledger.emit(SetGroupId(script.index, script.question, ""))


def _ask_whether_it_runs(ledger: Ledger, script: Script) -> None:
    # One that was not told to run takes it, and will refuse a `run` that is on its way.
    ledger.emit(SetGroupId(script.index, script.question, ""))


def _postpone(ledger: Ledger, script: Script) -> None:
    """Forget the process that is lost, and all that it has said."""
    _take_back(script)
    script.launches += 1
    script.launched_tai = 0.0
    script.process_start_tai = script.configure_start_tai = script.configure_end_tai = 0.0
    script.process_end_tai = 0.0
    script.pid = script.origin = 0
    script.identity = script.reason = script.output_tail = ""
    script.script_state = ScriptState.UNKNOWN
    script.metadata = script.description = script.ending = None
    script.exit_code = script.signal = None
    script.ended_unseen = False
    script.paused_s = 0.0


def _run(ledger: Ledger, script: Script) -> None:
    if not script.visit and ledger.slot_of(script).settings.announces_visits:
        _announce(ledger, script)
    script.run_start_tai = ledger.now_tai
    ledger.emit(RunScript(script.index, script.question))


def _stop_stray(ledger: Ledger, script: Script) -> None:
    _add_reason(script, "it ran without having been told to")
    _stop(ledger, script)


def _stop(ledger: Ledger, script: Script) -> None:
    ledger.emit(StopScript(script.index, script.question))


def _terminate(ledger: Ledger, script: Script) -> None:
    ledger.emit(TerminateProcess(script.index))


def _fail(ledger: Ledger, script: Script) -> None:
    """A script has failed in its place: it stays and pauses its slot, or makes room."""
    slot = ledger.slot_of(script)
    text = f"{script.index} failed" + (f": {script.reason}" if script.reason else "")
    member = script.membership
    if member is not None and ledger.layout.stops_failed_blocks:
        ledger.blocks.note_failure(member.block_id, script.index, slot.name)
    if not slot.settings.keeps_failed:
        ledger.emit(WriteLog(LogLevel.ERROR, f"slot {slot.name} goes on: script {text} ({script.wish.path})"))
        advance(ledger, script, Trigger.RELEASED)
        end_failed_blocks(ledger, slot)
        return
    ledger.emit(WriteLog(LogLevel.ERROR, f"slot {slot.name} is paused: script {text} ({script.wish.path})"))
    text = f"because {script.index} failed" + (f": {gist(script.reason)}" if script.reason else "")
    if slot.pause is not None and slot.pause.by is PausedBy.FAILURE:
        text = f"{slot.pause.text}; {text}"
    slot.pause = Pause(PausedBy.FAILURE, ledger.now_tai, text)


def end_failed_blocks(ledger: Ledger, slot: Slot) -> None:
    """End what is left of the blocks that have failed in a slot, if blocks end so."""
    failed = ledger.blocks.take_failures(slot.name)
    for index in list(slot.waiting) if failed else ():
        script = ledger.scripts[index]
        why = failed.get(script.membership.block_id) if script.membership else None
        if why and can(script, Trigger.END_ASKED):
            advance(ledger, script, Trigger.END_ASKED, why)


_ENTRY: dict[Phase, Callable[[Ledger, Script], None]] = {
    Phase.CONFIGURING: _configure,
    Phase.SETTLING: _settle,
    Phase.CONFIGURED: _settle_needs,
    Phase.NAMING: _name,
    Phase.NAMED: _announce,
    Phase.UNNAMING: _unname,
    Phase.ENTERING: _name,
    Phase.STRAYING: _stop_stray,
    Phase.DROPPING: _terminate,
    Phase.STARTING: _run,
    Phase.DOUBTED: _ask_whether_it_runs,
    Phase.POSTPONED: _postpone,
    Phase.LAUNCHING: launch_again,
    Phase.RECALLED: _stop,
    Phase.STOPPING: _stop,
    Phase.KILLING: _terminate,
    Phase.GIVING_UP: _terminate,
}
