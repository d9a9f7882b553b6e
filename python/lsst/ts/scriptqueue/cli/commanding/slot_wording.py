# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A queue of several slots in words for people, and as data for programs.

What is stuck comes first, and why: whoever is called at night reads no further.
"""

from __future__ import annotations

from typing import Any

from ...sal.enums import ScriptProcessState, ScriptState, State
from .feed import Board
from .slots import Slot
from .wording import ended_lines, name_of, one_line, script_line, use_as_data

__all__ = ["script_as_data", "script_in_slot_line", "slot_lines", "slots_as_data"]


def slot_lines(board: Board) -> list[str]:
    """Return the queue in lines: what is stuck and why, then slot by slot, then what has ended."""
    queue = board.latest["queue"]
    state = board.latest.get("summaryState")
    named = f"{name_of(State, state.summaryState)}, " if state is not None else ""
    lines = [f"ScriptQueue:{queue.salIndex} is {named}{_how_many_run(board)}"]
    for slot in board.slots:
        if not slot.is_running:
            lines.append(f"PAUSED   slot {slot.name} is {one_line(slot.pause_reason)}")
    for slot in board.slots:
        for index in slot.held_up:
            why = _why(index, board)
            lines.append(f"HELD UP  {index} {_path(index, board)} in {slot.name}{f': {why}' if why else ''}")
    for slot in board.slots:
        for index in (*slot.active, *slot.waiting):
            concern = _concern(index, board)
            if concern:
                lines.append(f"BEWARE   {index} {_path(index, board)} in {slot.name}: {concern}")
    for slot in board.slots:
        lines.append(_heading(slot))
        lines += [f"  current  {_with_needs(index, board)}" for index in slot.active]
        lines += [f"  waiting  {_with_reason(index, board)}" for index in slot.waiting]
    return lines + ended_lines(board)


def script_in_slot_line(index: int, board: Board) -> str:
    """Return all that is known of a script on one line: its slot, what it needs, why it waits."""
    script = board.scripts.get(index)
    where = f", in slot {script.slot}" if script is not None and script.slot else ""
    line = script_line(index, board, where, whole=True)
    return _joined(line, _needs(index, board), _waits(index, board))


def slots_as_data(board: Board) -> list[dict[str, Any]]:
    """Return the slots and their scripts, for programs; in order of priority."""
    return [
        {
            "name": slot.name,
            "capacity": slot.capacity,
            "eager": slot.is_eager,
            "running": slot.is_running,
            "pauseReason": slot.pause_reason,
            "heldUp": list(slot.held_up),
            "active": [script_as_data(index, board) for index in slot.active],
            "waiting": [script_as_data(index, board) for index in slot.waiting],
        }
        for slot in board.slots
    ]


def script_as_data(index: int, board: Board) -> dict[str, Any]:
    """Return what is known of a script of the queue, for programs."""
    script = board.scripts.get(index)
    if script is None:
        return {"scriptSalIndex": index}
    return {
        "scriptSalIndex": index,
        "isStandard": script.isStandard,
        "path": script.path,
        "scriptState": name_of(ScriptState, script.scriptState),
        "processState": name_of(ScriptProcessState, script.processState),
        "resources": script.resources,
        "waitingFor": script.waitingFor,
        "exitReason": script.exitReason,
        "concern": script.concern,
        "processId": script.processId,
        "outputFile": script.outputFile,
        **use_as_data(script),
    }


def _how_many_run(board: Board) -> str:
    if not board.latest["queue"].enabled:
        return "nothing starts"
    paused = [slot for slot in board.slots if not slot.is_running]
    if len(paused) == len(board.slots):
        return "all slots paused"
    return f"{len(paused)} of {len(board.slots)} slots paused" if paused else "running"


def _heading(slot: Slot) -> str:
    taken = f"{len(slot.active)} of {slot.capacity} taken"
    waiting = f", {len(slot.waiting)} waiting" if slot.waiting else ""
    return f"{slot.name}{'' if slot.is_running else ' PAUSED'}: {taken}{waiting}"


def _with_needs(index: int, board: Board) -> str:
    return _joined(script_line(index, board), _needs(index, board))


def _with_reason(index: int, board: Board) -> str:
    return _joined(script_line(index, board), _needs(index, board), _waits(index, board))


def _needs(index: int, board: Board) -> str:
    script = board.scripts.get(index)
    if script is None or not script.resources:
        return ""
    named = {"none": "nothing", "*": "everything"}.get(script.resources, script.resources)
    return f"needs {one_line(named)}"


def _waits(index: int, board: Board) -> str:
    why = _why(index, board)
    return f"waits: {why}" if why else ""


def _why(index: int, board: Board) -> str:
    script = board.scripts.get(index)
    return "" if script is None else one_line(script.waitingFor)


def _concern(index: int, board: Board) -> str:
    script = board.scripts.get(index)
    return "" if script is None else one_line(script.concern)


def _path(index: int, board: Board) -> str:
    script = board.scripts.get(index)
    return "" if script is None else str(script.path)


def _joined(*parts: str) -> str:
    return "; ".join(filter(None, parts))
