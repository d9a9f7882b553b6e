# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which events are worth a line to somebody who is typing: those that tell something new.

An event is news if what it tells differs from what was told before, of the
same script. The table says what each event tells; others are never news.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Mapping

from ...sal.records import Record
from .feed import Board, Event
from .slots import slots_in
from .wording import states_in_words

__all__ = ["News"]

#: Of how many scripts it is remembered what they told.
_KEPT = 1000

#: About which script (0 for none), and what; None for nothing.
_Told = tuple[int, Hashable] | None


class News:
    """Tells news from what is known.

    Parameters
    ----------
    board
        What is known already.
    """

    def __init__(self, board: Board) -> None:
        self._told: dict[tuple[str, str, int], Hashable] = {}
        for name, data in board.latest.items():
            self._is_new("ScriptQueue", name, data)
        for data in board.scripts.values():
            self._is_new("ScriptQueue", "script", data)
        for data in board.reports.values():
            self._is_new("Script", "state", data)

    def is_news(self, event: Event) -> bool:
        """Does an event tell something new? From then on it is known."""
        return self._is_new(event.component, event.name, event.data)

    def _is_new(self, component: str, name: str, data: Record) -> bool:
        tell = _TOLD.get((component, name))
        told = None if tell is None else tell(data)
        if told is None:
            return False
        index, what = told
        key = (component, name, index)
        if self._told.get(key) == what:
            return False
        self._told[key] = what
        if len(self._told) > _KEPT:
            del self._told[next(iter(self._told))]
        return True


def _states(data: Record) -> _Told:
    return data.scriptSalIndex, states_in_words(data.scriptState, data.processState)


def _pauses(data: Record) -> _Told:
    slots = slots_in(data)
    # Of main alone the event queue tells.
    return (0, tuple((slot.name, slot.pause_reason) for slot in slots)) if len(slots) > 1 else None


def _checkpoint(data: Record) -> _Told:
    told = (data.lastCheckpoint, data.reason)
    return (data.salIndex, told) if any(told) else None


def _complaint(data: Record) -> _Told:
    # Each is news, also the same one again.
    return (data.salIndex, data.private_sndStamp) if data.level >= logging.WARNING else None


_TOLD: Mapping[tuple[str, str], Callable[[Record], _Told]] = {
    ("ScriptQueue", "errorCode"): lambda data: (0, (data.errorCode, data.errorReport)),
    ("ScriptQueue", "logMessage"): _complaint,
    ("ScriptQueue", "queue"): lambda data: (0, (data.enabled, data.running)),
    ("ScriptQueue", "script"): _states,
    ("ScriptQueue", "slots"): _pauses,
    ("ScriptQueue", "summaryState"): lambda data: (0, data.summaryState),
    ("Script", "logMessage"): _complaint,
    ("Script", "state"): _checkpoint,
}
