# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Events and outcomes in words for people, and as JSON for programs."""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable, Mapping
from typing import Any

from ...sal.clock import Clock
from ...sal.enums import ScriptProcessState, ScriptState, State
from ...sal.records import Record, as_dict
from .feed import Board, Event
from .slots import Slot, slots_in

__all__ = [
    "as_json",
    "data_of",
    "duration_in_words",
    "ended_lines",
    "event_as_json",
    "event_line",
    "name_of",
    "one_line",
    "process_lines",
    "queue_lines",
    "script_line",
    "shortened",
    "slot_state",
    "states_in_words",
    "use_as_data",
]

#: How many ended scripts are listed.
_PAST_SHOWN = 10

#: A reason that is longer is cut off where a script has but one line (characters).
_SHORT = 120

#: States of a process that say more than the state of its script.
_TELLING = frozenset({ScriptProcessState.LOADFAILED, ScriptProcessState.TERMINATED})


def as_json(value: Mapping[str, Any]) -> str:
    """Return JSON on one line; what JSON cannot say, such as NaN, is null."""
    return json.dumps(_plain(value), allow_nan=False, ensure_ascii=False)


def data_of(record: Record) -> dict[str, Any]:
    """Return the topic's own fields."""
    return {
        name: value
        for name, value in as_dict(record).items()
        if name != "salIndex" and not name.startswith("private_")
    }


def event_as_json(event: Event) -> str:
    """Return an event as one line of JSON."""
    return as_json(
        {
            "component": event.component,
            "topic": event.topic.name,
            "salIndex": event.data.salIndex,
            "sndStamp": event.data.private_sndStamp,
            "data": data_of(event.data),
        }
    )


def event_line(event: Event, clock: Clock, *, has_slots: bool = False) -> str:
    """Return an event as one line for people, with the time of day it was sent (UTC).

    Parameters
    ----------
    event
        The event.
    clock
        Tells UTC from TAI.
    has_slots
        Has the queue other slots than main? Then it is said of a script what it has to do with them.
    """
    wordings = {**_WORDINGS, **_SLOT_WORDINGS} if has_slots else _WORDINGS
    word = wordings.get((event.component, event.name), _any_event)
    stamp = clock.utc_from_tai(event.data.private_sndStamp)
    at = f"{time.strftime('%H:%M:%S', time.gmtime(stamp))}.{int(stamp % 1 * 1000):03d}"
    return f"{at} {event.component}:{event.data.salIndex} {event.name}: {one_line(word(event.data))}"


def script_line(index: int, board: Board, where: str = "", *, whole: bool = False) -> str:
    """Return what is known of a script, on one line.

    Parameters
    ----------
    index
        Its SAL index.
    board
        What is known.
    where
        What is said after its state.
    whole
        The whole of why it has ended, with what it printed last?
    """
    script, report = board.scripts.get(index), board.reports.get(index)
    if script is None:
        return str(index)
    states = states_in_words(script.scriptState, script.processState)
    words = [str(index), _kind(script), script.path, f"{states}{where}"]
    if script.blockId:
        words.append(f"{script.blockId} {script.scriptBlockIndex + 1}/{script.blockSize}")
    if report is not None and report.lastCheckpoint:
        words.append(f"at checkpoint {report.lastCheckpoint!r}")
    if script.concern:
        words.append(f"BEWARE: {one_line(script.concern)}")
    reported = report.reason if report is not None else ""
    ended = script.exitReason
    if ended and whole:
        words.append(one_line(ended))
    elif reported or ended:
        words.append(one_line(reported) or shortened(ended))
    return " ".join(words)


def queue_lines(board: Board) -> list[str]:
    """Return the queue in lines: its state, what runs, waits and has ended."""
    queue = board.latest["queue"]
    state = board.latest.get("summaryState")
    named = f"{name_of(State, state.summaryState)}, " if state is not None else ""
    paused = next((slot.pause_reason for slot in board.slots), "") or "paused"
    lines = [f"ScriptQueue:{queue.salIndex} is {named}{'running' if queue.running else one_line(paused)}"]
    if queue.currentSalIndex:
        lines.append(f"current  {script_line(queue.currentSalIndex, board)}")
    waiting = queue.salIndices[: queue.length]
    lines += [f"waiting  {script_line(index, board)}" for index in waiting]
    lines += ended_lines(board)
    if len(lines) == 1:
        lines.append("no scripts")
    return lines


def ended_lines(board: Board) -> list[str]:
    """Return the scripts that have ended in lines, the latest first."""
    lines = [f"ended    {script_line(index, board)}" for index in board.past[:_PAST_SHOWN]]
    more = len(board.past) - _PAST_SHOWN
    return [*lines, f"ended    and {more} more"] if more > 0 else lines


def use_as_data(script: Record) -> dict[str, Any]:
    """Return what a script uses, when the event was written, for programs: bytes and seconds.

    After the end of its process: what it was last seen to use, and how old it became.
    """
    started, ended = script.timestampProcessStart, script.timestampProcessEnd
    age_s = (ended or script.private_sndStamp) - started if started else 0.0
    return {"memory": script.memory, "cpuTime": script.cpuTime, "age": round(max(0.0, age_s), 3)}


def process_lines(script: Record) -> list[str]:
    """Return in lines which process a script has, or had, what it uses, and where its output is."""
    lines = []
    use = use_as_data(script)
    if script.processId:
        words = [f"process  {script.processId}"]
        age = duration_in_words(use["age"])
        if script.timestampProcessEnd:
            words.append(f"has ended after {age}")
        elif script.timestampProcessStart:
            words += [f"{age} old"]
        if use["memory"]:
            words += [f"{use['memory'] / 1e6:.0f} MB", f"{use['cpuTime']:.1f} s of processor time"]
        lines.append(", ".join(words))
    if script.outputFile:
        lines.append(f"output   {one_line(script.outputFile)}")
    return lines


def duration_in_words(seconds: float) -> str:
    """Return a duration as people say it."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d} min" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02d} h"


def slot_state(slot: Slot) -> str:
    """Return the state of a slot in a few words."""
    waiting = f", {len(slot.waiting)} waiting" if slot.waiting else ""
    taken = f"{len(slot.active)}/{slot.capacity}" if slot.is_running else "PAUSED"
    return f"{taken}{waiting}"


def states_in_words(script_state: int, process_state: int) -> str:
    """Return the state of a script; that of its process where it says more."""
    process = name_of(ScriptProcessState, process_state)
    if script_state == ScriptState.UNKNOWN:
        return process
    name = name_of(ScriptState, script_state)
    return f"{name} ({process})" if process_state in _TELLING else name


def name_of(names: type[Any], value: int) -> str:
    """Return the name of a value of an enumeration, or the value if it has none."""
    try:
        return str(names(value).name)
    except ValueError:
        return str(value)


def _queue(record: Record) -> str:
    waiting = ", ".join(map(str, record.salIndices[: record.length])) or "none"
    return (
        f"{'enabled' if record.enabled else 'not enabled'}, {'running' if record.running else 'paused'}; "
        f"current {record.currentSalIndex or 'none'}; waiting {waiting}; {record.pastLength} ended"
    )


def _script(record: Record) -> str:
    return "; ".join([_script_states(record), *_exit_reason(record)])


def _slots(record: Record) -> str:
    return "; ".join(
        f"{slot.name} {slot_state(slot)}" + (f", {slot.pause_reason}" if slot.pause_reason else "")
        for slot in slots_in(record)
    )


def _script_in_slot(record: Record) -> str:
    words = [_script_states(record) + (f" in {record.slot}" if record.slot else "")]
    words += [f"waits: {record.waitingFor}"] if record.waitingFor else []
    return "; ".join([*words, *_exit_reason(record)])


def _script_states(record: Record) -> str:
    return (
        f"{record.scriptSalIndex} {_kind(record)} {record.path}: "
        f"{states_in_words(record.scriptState, record.processState)}"
        f"{f'; BEWARE: {record.concern}' if record.concern else ''}"
    )


def _exit_reason(record: Record) -> list[str]:
    return [shortened(record.exitReason)] if record.exitReason else []


def _state(record: Record) -> str:
    at = f" at checkpoint {record.lastCheckpoint!r}" if record.lastCheckpoint else ""
    why = f": {record.reason}" if record.reason else ""
    return f"{name_of(ScriptState, record.state)}{at}{why}"


def _log_message(record: Record) -> str:
    return f"{logging.getLevelName(record.level)} {record.message}"


def _summary_state(record: Record) -> str:
    return name_of(State, record.summaryState)


def _error_code(record: Record) -> str:
    return f"{record.errorCode} {record.errorReport}" if record.errorCode else "0, no error"


def _available(record: Record) -> str:
    listed = {kind: getattr(record, kind) for kind in ("standard", "external")}
    return ", ".join(f"{len(paths.split(':'))} {kind}" for kind, paths in listed.items() if paths) or "none"


def _kind(record: Record) -> str:
    return "standard" if record.isStandard else "external"


def _any_event(record: Record) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in data_of(record).items())


_WORDINGS: Mapping[tuple[str, str], Callable[[Record], str]] = {
    ("ScriptQueue", "availableScripts"): _available,
    ("ScriptQueue", "errorCode"): _error_code,
    ("ScriptQueue", "logMessage"): _log_message,
    ("ScriptQueue", "queue"): _queue,
    ("ScriptQueue", "script"): _script,
    ("ScriptQueue", "slots"): _slots,
    ("ScriptQueue", "summaryState"): _summary_state,
    ("Script", "logMessage"): _log_message,
    ("Script", "state"): _state,
}


#: What is said otherwise where there are other slots than main.
_SLOT_WORDINGS: Mapping[tuple[str, str], Callable[[Record], str]] = {
    ("ScriptQueue", "script"): _script_in_slot,
}


def one_line(text: str) -> str:
    """Return text without what would break a line or play with the terminal."""
    return "".join(char if char.isprintable() else " " for char in text)


def shortened(text: str) -> str:
    """Return as much of a text as there is room for on a line with other things."""
    line = text.strip().splitlines()[0] if text.strip() else ""
    return one_line(line if len(line) <= _SHORT else f"{line[: _SHORT - 1]}…")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
