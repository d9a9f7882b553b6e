# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Outcomes as lines: results for stdout, what went wrong for stderr."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .feed import Board, Event
from .outcomes import Exit, Outcome
from .slot_wording import script_as_data, script_in_slot_line, slot_lines, slots_as_data
from .wording import as_json, process_lines, queue_lines, script_line, use_as_data

__all__ = ["Report", "report"]


@dataclass(frozen=True, slots=True)
class Report:
    """What to print.

    Attributes
    ----------
    out
        Lines for stdout.
    err
        Lines for stderr.
    """

    out: tuple[str, ...] = ()
    err: tuple[str, ...] = ()


#: Of these there is nothing to print but why.
_NOT_DONE = frozenset({Exit.REFUSED, Exit.NO_ANSWER, Exit.USAGE, Exit.NO_BUS})


def report(outcome: Outcome, board: Board) -> Report:
    """Say what came of an order, as it was asked for."""
    if outcome.order.as_json:
        return Report(out=(as_json(_data(outcome, board)),))
    if outcome.exit in _NOT_DONE:
        verb = " was refused" if outcome.exit is Exit.REFUSED else ""
        return Report(err=(f"{outcome.order.form.name}{verb}: {outcome.result}",))
    if outcome.event is not None:
        return Report(out=tuple(_answer_lines(outcome.event, board)))
    out = (outcome.result,) if outcome.result else ()
    if outcome.script is None or outcome.script.is_reached:
        return Report(out=out)
    return Report(out=out, err=(str(outcome.script),))


def _data(outcome: Outcome, board: Board) -> dict[str, Any]:
    data = outcome.as_data()
    if outcome.event is None:
        return data
    if outcome.event.name == "queue" and board.has_slots:
        data["slots"] = slots_as_data(board)
    elif outcome.event.name == "queue":
        data["scripts"] = [script_as_data(index, board) for index in board.live]
    elif outcome.event.name == "script":
        data["use"] = use_as_data(outcome.event.data)
    return data


def _answer_lines(event: Event, board: Board) -> list[str]:
    match event.name:
        case "queue":
            return slot_lines(board) if board.has_slots else queue_lines(board)
        case "script":
            line = script_in_slot_line if board.has_slots else script_line
            return [line(event.data.scriptSalIndex, board), *process_lines(event.data)]
        case "configSchema":
            return event.data.configSchema.splitlines() or [f"{event.data.path} takes no configuration"]
        case _:
            return [f"{kind} {path}" for kind in ("standard", "external") for path in board.available(kind)]
