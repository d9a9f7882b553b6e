# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes back from the world: processes, scripts, time limits, block ids.

Anything a script says may come late, twice or out of order. A report is
believed if it comes from the script's own process and the script has not
reported a final state before; it changes the phase if `TRANSITIONS` says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from . import orders
from .admission import alarm_rung
from .answers import answer_command
from .effects import LogLevel, TerminateProcess, WriteLog
from .events import (
    BlockIdFailed,
    BlockIdGiven,
    EnabledChanged,
    LaunchFailed,
    ProcessExited,
    ProcessStarted,
    ScriptAnswered,
    ScriptDescriptionReported,
    ScriptMetadataReported,
    ScriptStateReported,
    TimerExpired,
)
from .ledger import Ledger
from .life import ENDING, advance, ask_again, can, decide_ending
from .phases import REPORT_OF_STATE, TRANSITIONS, Phase, Place, Trigger
from .scripts import Script
from .states import FINAL_STATES, ScriptState

__all__ = [
    "block_id_failed",
    "block_id_given",
    "description_reported",
    "enabled_changed",
    "launch_failed",
    "metadata_reported",
    "process_exited",
    "process_started",
    "script_answered",
    "state_reported",
    "timer_expired",
]

_MAX_TRIES = 2

#: How a script that refuses a command says that it is configured.
_IS_CONFIGURED = re.compile(r"\bstate=CONFIGURED\b")

_LOST = frozenset({Phase.LOST_WAITING, Phase.LOST_RUNNING})

#: A script that has reported one of these after `run` has begun its visit.
_BEGUN = frozenset(
    {
        ScriptState.RUNNING,
        ScriptState.PAUSED,
        ScriptState.ENDING,
        ScriptState.FAILING,
        ScriptState.DONE,
        ScriptState.FAILED,
    }
)


def enabled_changed(ledger: Ledger, event: EnabledChanged) -> None:
    """Start scripts, or leave them waiting."""
    ledger.enabled = event.enabled and not ledger.closing


def process_started(ledger: Ledger, event: ProcessStarted) -> None:
    """A script loads; whoever added it is answered, unless it is launched again."""
    script = ledger.scripts[event.index]
    script.pid = event.pid
    script.identity = event.identity
    script.process_start_tai = event.at_tai
    advance(ledger, script, Trigger.PROCESS_STARTED)
    if not script.launches:
        answer_command(ledger, script.command_id, True, str(script.index))


def launch_failed(ledger: Ledger, event: LaunchFailed) -> None:
    """A script could not even be started."""
    script = ledger.scripts[event.index]
    advance(ledger, script, Trigger.LAUNCH_FAILED, event.reason)
    if not script.launches:
        answer_command(ledger, script.command_id, False, event.reason)


def process_exited(ledger: Ledger, event: ProcessExited) -> None:
    """A process has gone; whether that was right, its phase knows."""
    script = ledger.scripts[event.index]
    # Not before what it is known to have done, whatever the clock did meanwhile.
    known_tai = max(script.process_start_tai, script.run_start_tai, script.state_since_tai)
    script.process_end_tai = min(event.at_tai, max(event.at_tai - event.ended_ago_s, known_tai))
    script.output_tail = event.output_tail
    script.exit_code, script.signal = event.exit_code, event.signal
    script.ended_unseen = event.while_away
    how = _how_it_ended(event)
    why = ""
    trigger = Trigger.PROCESS_GONE
    if event.while_away and can(script, Trigger.PROCESS_LOST):
        trigger = Trigger.PROCESS_LOST
        script.story.note(ledger.now_tai, f"ended with {how} while no queue was there")
    elif TRANSITIONS.get((script.phase, trigger)) in _LOST:
        why = f"its process ended by itself with {how}"
        if event.memory_kill.value:
            why = f"{why}: {event.memory_kill.value}"
    else:
        script.story.note(ledger.now_tai, f"ended with {how}")
    advance(ledger, script, trigger, why)
    if event.output_tail and (why or script.ended_badly):
        ledger.emit(
            WriteLog(
                LogLevel.WARNING,
                f"script {script.index} ({script.wish.path}) ended with {how}; "
                f"it printed last:\n{event.output_tail}",
            )
        )


def state_reported(ledger: Ledger, event: ScriptStateReported) -> None:
    """A script says what state it is in."""
    script = ledger.scripts.get(event.index)
    if script is None:
        return
    if not script.speaks(event.origin, event.sent_tai):
        script.story.note(
            ledger.now_tai, f"process {event.origin} is not its own, but says {event.state.name}"
        )
        return
    if script.script_state in FINAL_STATES:
        script.story.note(ledger.now_tai, f"reported {event.state.name} after its end; ignored")
        return
    if event.state is ScriptState.UNKNOWN:
        script.story.note(ledger.now_tai, "reported UNKNOWN, which no script is; ignored")
        return
    if script.script_state is ScriptState.PAUSED:
        script.paused_s += event.at_tai - script.state_since_tai
    script.script_state = event.state
    script.state_since_tai = event.at_tai
    ledger.changed[script.index] = None
    if script.place is Place.CURRENT and event.state in _BEGUN:
        script.visit = ""
    if event.state is ScriptState.CONFIGURE_FAILED:
        script.configure_end_tai = event.at_tai
    if script.place is Place.WAITING:
        # One that runs unbidden is in the way of others, whatever phase it is in.
        ledger.stirred = True
    trigger = REPORT_OF_STATE.get(event.state)
    if trigger is not None and can(script, trigger):
        advance(ledger, script, trigger, event.reason)
        return
    script.story.note(ledger.now_tai, f"reported {event.state.name} {event.reason}".rstrip())
    if script.place is Place.HISTORY and trigger in ENDING:
        decide_ending(script, script.phase, trigger, event.reason)
        script.process_state = ENDING[trigger]


def metadata_reported(ledger: Ledger, event: ScriptMetadataReported) -> None:
    """A script says what it is going to do."""
    script = ledger.scripts.get(event.index)
    if script is None or not script.speaks(event.origin, event.sent_tai):
        return
    script.metadata = event.metadata
    _settle_if_known(ledger, script)


def description_reported(ledger: Ledger, event: ScriptDescriptionReported) -> None:
    """A script describes itself."""
    script = ledger.scripts.get(event.index)
    if script is None or not script.speaks(event.origin, event.sent_tai):
        return
    script.description = event.description
    _settle_if_known(ledger, script)


def script_answered(ledger: Ledger, event: ScriptAnswered) -> None:
    """A script answers a command."""
    script = ledger.scripts.get(event.index)
    if script is None:
        return
    if event.request != script.question:
        script.story.note(ledger.now_tai, f"answered an earlier command: {event.text}")
        return
    answer = _ANSWERS.get((script.phase, event.accepted))
    if answer is not None:
        answer(ledger, script, event.text)


def timer_expired(ledger: Ledger, event: TimerExpired) -> None:
    """A time limit has run out; what that means, its phase knows."""
    if ledger.alarm is not None and ledger.alarm.request == event.request:
        alarm_rung(ledger)
        return
    if ledger.timers.pop(event.request, None) is None:
        return
    script = ledger.scripts[event.index]
    _EXPIRY[script.phase](ledger, script)


def block_id_given(ledger: Ledger, event: BlockIdGiven) -> None:
    """An execution of a block can be opened."""
    opening = ledger.blocks.openings.pop(event.request, None)
    if opening is not None:
        orders.open_block(ledger, opening, event.block_id)


def block_id_failed(ledger: Ledger, event: BlockIdFailed) -> None:
    """An execution of a block cannot be opened."""
    opening = ledger.blocks.openings.pop(event.request, None)
    if opening is not None:
        orders.refuse_opening(ledger, opening, event.reason)


def _settle_if_known(ledger: Ledger, script: Script) -> None:
    if script.phase is Phase.SETTLING and script.has_told_all:
        advance(ledger, script, Trigger.SETTLED)


def _how_it_ended(event: ProcessExited) -> str:
    if event.signal is not None:
        return f"signal {event.signal_name or event.signal}"
    if event.exit_code is not None:
        return f"exit code {event.exit_code}"
    return "an exit code that is not known"


def _advance(trigger: Trigger) -> Callable[[Ledger, Script, str], None]:
    def answer(ledger: Ledger, script: Script, text: str) -> None:
        advance(ledger, script, trigger, "" if trigger in _PLAIN else f"{trigger.value}: {text}")

    return answer


#: Triggers whose answer text says nothing.
_PLAIN = frozenset({Trigger.NAME_TAKEN, Trigger.NAME_CLEARED})


def _name_refused(ledger: Ledger, script: Script, text: str) -> None:
    if script.tries < _MAX_TRIES:
        ask_again(ledger, script, f"group id not accepted: {text}")
    else:
        advance(ledger, script, Trigger.NAME_REFUSED, f"{Trigger.NAME_REFUSED.value} twice: {text}")


def _configure_refused(ledger: Ledger, script: Script, text: str) -> None:
    # One that had been told to before the queue was started again is told twice, and refuses the second.
    if _IS_CONFIGURED.search(text):
        script.script_state = ScriptState.CONFIGURED
        advance(ledger, script, Trigger.REPORTED_CONFIGURED, text)
        return
    trigger = Trigger.CONFIGURE_REFUSED
    advance(ledger, script, trigger, f"{trigger.value}: {text}")


def _runs_or_has_run(ledger: Ledger, script: Script, text: str) -> None:
    script.story.note(ledger.now_tai, f"was told to run, as it seems: {text}")


#: (phase, accepted) -> what an answer does. What is not here waits for the
#: script's state to tell.
_ANSWERS: dict[tuple[Phase, bool], Callable[[Ledger, Script, str], None]] = {
    (Phase.CONFIGURING, False): _configure_refused,
    (Phase.DOUBTED, True): _advance(Trigger.NAME_CLEARED),
    (Phase.DOUBTED, False): _runs_or_has_run,
    (Phase.NAMING, True): _advance(Trigger.NAME_TAKEN),
    (Phase.NAMING, False): _name_refused,
    (Phase.UNNAMING, True): _advance(Trigger.NAME_CLEARED),
    (Phase.UNNAMING, False): _name_refused,
    (Phase.ENTERING, True): _advance(Trigger.NAME_TAKEN),
    (Phase.ENTERING, False): _name_refused,
    (Phase.STARTING, False): _advance(Trigger.RUN_REFUSED),
}


def _late(trigger: Trigger, text: str) -> Callable[[Ledger, Script], None]:
    def expire(ledger: Ledger, script: Script) -> None:
        advance(ledger, script, trigger, text.format(limits=ledger.limits))

    return expire


def _name_late(ledger: Ledger, script: Script) -> None:
    _name_refused(ledger, script, f"no answer within {ledger.limits.group_id_s:g} s")


def _name_late_ahead(ledger: Ledger, script: Script) -> None:
    # It is in nobody's way but those behind it, and is not ended for what it could not hear.
    if script.deaf_because:
        script.tries = 0
        ask_again(ledger, script, "group id not accepted: its process is stopped")
    else:
        _name_late(ledger, script)


def _doubt_on(ledger: Ledger, script: Script) -> None:
    ask_again(ledger, script, "nobody knows whether it runs")


def _no_last_words(ledger: Ledger, script: Script) -> None:
    if script.ended_unseen and script.exit_code == 0:
        stopped = script.script_state is ScriptState.STOPPING
        script.script_state = ScriptState.STOPPED if stopped else ScriptState.DONE
        advance(ledger, script, Trigger.REPORTED_ENDED_WELL, "as its exit code says; nobody heard it")
    else:
        advance(ledger, script, Trigger.REPORTS_LATE)


def _configure_late(ledger: Ledger, script: Script) -> None:
    limit = f"not configured within {ledger.limits.configure_s:g} s"
    if script.tries == 0:
        ask_again(ledger, script, f"{limit}, and perhaps never told to")
    else:
        advance(ledger, script, Trigger.CONFIGURE_LATE, limit)


def _terminate(ledger: Ledger, script: Script) -> None:
    script.story.note(ledger.now_tai, "its process does not exit by itself, ended")
    ledger.emit(TerminateProcess(script.index))


#: Phase -> what the end of its time limit does.
_EXPIRY: dict[Phase, Callable[[Ledger, Script], None]] = {
    Phase.LOADING: _late(Trigger.LOAD_LATE, "not loaded within {limits.load_s:g} s"),
    Phase.CONFIGURING: _configure_late,
    Phase.LOST_AWAY: _late(Trigger.REPORTS_LATE, ""),
    Phase.DOUBTED: _doubt_on,
    Phase.SETTLING: _late(Trigger.SETTLED, ""),
    Phase.NAMING: _name_late_ahead,
    Phase.UNNAMING: _name_late_ahead,
    Phase.ENTERING: _name_late,
    Phase.STRAYING: _late(Trigger.STOP_LATE, "no final state within {limits.stop_s:g} s of the stop command"),
    Phase.LOST_WAITING: _late(Trigger.REPORTS_LATE, ""),
    Phase.STARTING: _late(Trigger.START_LATE, "did not report RUNNING within {limits.start_s:g} s"),
    Phase.RECALLED: _late(Trigger.STOP_LATE, "no final state within {limits.stop_s:g} s of the stop command"),
    Phase.STOPPING: _late(Trigger.STOP_LATE, "no final state within {limits.stop_s:g} s of the stop command"),
    Phase.BREAKING: _terminate,
    Phase.LOST_RUNNING: _no_last_words,
    Phase.LOST_STOPPING: _no_last_words,
    Phase.FAILED: _terminate,
    Phase.LEAVING: _terminate,
}
