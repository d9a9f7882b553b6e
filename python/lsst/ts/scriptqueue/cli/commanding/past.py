# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""``history``: what became of scripts, from the journal. No command is sent, and no queue need run."""

from __future__ import annotations

import datetime
import pathlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ...journal import (
    Answer,
    JournalError,
    NoJournalError,
    Query,
    ScriptRow,
    Told,
    journal_path,
    read_history,
)
from ...sal.clock import Clock
from ...sal.enums import ScriptProcessState, ScriptState
from ..state_dir import default_state_dir
from .arguments import Order
from .kinds import When
from .outcomes import Exit
from .reports import Report
from .wording import as_json, duration_in_words, one_line, shortened, states_in_words

__all__ = ["history"]


@dataclass(frozen=True, slots=True)
class _States:
    """What a word for a state means.

    Attributes
    ----------
    script, process
        States of a script and of its process; one of either is enough.
    """

    script: tuple[ScriptState, ...] = ()
    process: tuple[ScriptProcessState, ...] = ()


#: Words that do not mean the state of the script alone: that of its process says more, or the word
#: is used for all that went wrong.
_MEANING: Mapping[str, _States] = {
    "failed": _States(
        (ScriptState.FAILED, ScriptState.CONFIGURE_FAILED),
        (ScriptProcessState.LOADFAILED, ScriptProcessState.CONFIGURE_FAILED),
    ),
    "configure_failed": _States((ScriptState.CONFIGURE_FAILED,), (ScriptProcessState.CONFIGURE_FAILED,)),
    "loading": _States(process=(ScriptProcessState.LOADING,)),
    "loadfailed": _States(process=(ScriptProcessState.LOADFAILED,)),
    "terminated": _States(process=(ScriptProcessState.TERMINATED,)),
}


def history(order: Order, index: int, clock: Clock) -> tuple[Exit, Report]:
    """Ask the journal, and say what it tells. Blocks.

    Parameters
    ----------
    order
        What was asked.
    index
        SAL index of the queue.
    clock
        Tells the time, and UTC from TAI.
    """
    directory = order.values.get("state_dir") or default_state_dir(index)
    try:
        answer = read_history(directory, _query(order, clock))
    except JournalError as error:
        text = f"{error}{_elsewhere(order) if isinstance(error, NoJournalError) else ''}"
        if order.as_json:
            data = {"command": order.form.name, "exit": int(Exit.REFUSED), "result": text}
            return Exit.REFUSED, Report(out=(as_json(data),))
        return Exit.REFUSED, Report(err=(f"{order.form.name}: {text}",))
    notes = (*_notes(answer, order), *_where(answer, directory, order))
    if order.as_json:
        out = (as_json(_as_data(told, clock)) for told in answer.scripts)
        return Exit.COMPLETE, Report(out=tuple(out), err=notes)
    with_log, with_story = bool(order.values.get("log")), bool(order.values.get("story"))
    lines = _lines(answer.scripts, clock, with_log=with_log, with_story=with_story)
    return Exit.COMPLETE, Report(out=tuple(lines), err=notes)


def _query(order: Order, clock: Clock) -> Query:
    values = order.values
    script = values.get("script", "")
    states = _States()
    if "state" in values:
        word = values["state"]
        states = _MEANING.get(word) or _States((ScriptState[word.upper()],))
    return Query(
        since_tai=_tai(values.get("since"), clock),
        until_tai=_tai(values.get("until"), clock),
        sal_index=int(script) if script.isdecimal() else None,
        path="" if script.isdecimal() else script,
        script_states=frozenset(state.name for state in states.script),
        process_states=frozenset(state.name for state in states.process),
        slot=values.get("slot", ""),
        by=values.get("by", ""),
        limit=values["limit"],
    )


def _tai(when: When | None, clock: Clock) -> float | None:
    if when is None:
        return None
    now = clock.tai()
    if when.utc is None:
        return now - when.ago_s
    return when.utc + now - clock.utc_from_tai(now)


def _notes(answer: Answer, order: Order) -> Iterable[str]:
    if answer.other_slots:
        yield f"no script was ever in slot {order.values['slot']}, but in {', '.join(answer.other_slots)}"
    if answer.has_more:
        yield "there are more before these; --limit 0 shows all"
    if answer.unreadable:
        yield f"left out: {answer.unreadable} that are damaged in the journal"


def _where(answer: Answer, directory: pathlib.Path, order: Order) -> Iterable[str]:
    """Say which file was asked, if there was nothing in it; it may be another queue's."""
    if not answer.scripts and not answer.other_slots:
        yield f"nothing like that is in {journal_path(directory)}{_elsewhere(order)}"


def _elsewhere(order: Order) -> str:
    return "" if "state_dir" in order.values else "; --state-dir DIR asks that of another state directory"


def _lines(scripts: Iterable[Told], clock: Clock, *, with_log: bool, with_story: bool) -> list[str]:
    head = ("added (UTC)", "index", "script", "slot", "state", "ran", "by", "")
    rows = [(told, _row(told.script, clock)) for told in scripts]
    if not rows:
        return ["no scripts"]
    widths = [
        max(len(row[column]) for row in (head, *(row for _, row in rows))) for column in range(len(head))
    ]
    lines = [_joined(head, widths)]
    for told, row in rows:
        lines.append(_joined(row, widths))
        if with_story:
            lines += (f"    {line}" for line in _story(told, clock))
        if with_log:
            lines += (f"    | {one_line(line)}" for line in told.script.output_tail.splitlines())
    return lines


def _joined(row: Iterable[str], widths: Iterable[int]) -> str:
    return "  ".join(f"{word:<{width}}" for word, width in zip(row, widths, strict=True)).rstrip()


def _row(script: ScriptRow, clock: Clock) -> tuple[str, ...]:
    kind = "standard" if script.is_standard else "external"
    return (
        _utc(script.added_tai, clock, "%Y-%m-%d %H:%M:%S"),
        str(script.sal_index),
        one_line(f"{kind} {script.path}"),
        one_line(script.slot),
        _state(script),
        _duration(script),
        one_line(script.added_by) or "-",
        shortened(script.exit_reason),
    )


def _state(script: ScriptRow) -> str:
    """Return the state as the other commands say it; a name from another version as it is."""
    if script.process_state == ScriptProcessState.CONFIGURE_FAILED.name != script.script_state:
        # By its script alone it could be one that waits.
        return one_line(f"{script.script_state} ({script.process_state})")
    try:
        return states_in_words(ScriptState[script.script_state], ScriptProcessState[script.process_state])
    except KeyError:
        return one_line(f"{script.script_state} ({script.process_state})")


def _duration(script: ScriptRow) -> str:
    if not (script.run_start_tai and script.process_end_tai):
        return "-"
    return duration_in_words(max(0.0, script.process_end_tai - script.run_start_tai))


def _story(told: Told, clock: Clock) -> Iterable[str]:
    script = told.script
    if script.config:
        yield f"config     {one_line(' / '.join(script.config.splitlines()))}"
    if script.resources:
        yield f"resources  {one_line(script.resources)}"
    if script.block_id:
        yield f"block      {one_line(script.block_id)} {script.block_position + 1}/{script.block_size}"
    if script.group_id:
        yield f"group id   {one_line(script.group_id)}"
    for line in told.story:
        at = _utc(line.at_tai, clock, "%m-%d %H:%M:%S.%f")[:-3]
        yield f"{at}  {one_line(line.text)}"


def _as_data(told: Told, clock: Clock) -> dict[str, Any]:
    script = told.script
    return {
        "key": script.key,
        "salIndex": script.sal_index,
        "isStandard": script.is_standard,
        "path": script.path,
        "config": script.config,
        "slot": script.slot,
        "resources": script.resources,
        "added": _iso(script.added_tai, clock),
        "addedBy": script.added_by,
        "cmdId": script.cmd_id,
        "blockId": script.block_id,
        "scriptBlockIndex": script.block_position,
        "blockSize": script.block_size,
        "executionId": script.execution_id,
        "groupId": script.group_id,
        "scriptState": script.script_state,
        "processState": script.process_state,
        "processStart": _iso(script.process_start_tai, clock),
        "configureStart": _iso(script.configure_start_tai, clock),
        "configureEnd": _iso(script.configure_end_tai, clock),
        "runStart": _iso(script.run_start_tai, clock),
        "processEnd": _iso(script.process_end_tai, clock),
        "exitCode": script.exit_code,
        "signal": script.signal,
        "exitReason": script.exit_reason,
        "outputTail": script.output_tail,
        "story": [{"at": _iso(line.at_tai, clock), "text": line.text} for line in told.story],
    }


def _iso(tai: float, clock: Clock) -> str | None:
    return f"{_utc(tai, clock, '%Y-%m-%dT%H:%M:%S.%f')[:-3]}Z" if tai else None


def _utc(tai: float, clock: Clock, form: str) -> str:
    at = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(
        seconds=clock.utc_from_tai(tai)
    )
    return at.strftime(form)
