# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The slots of a queue, as its event ``slots`` tells them. Older queues tell none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from ...sal.records import Record

__all__ = ["Slot", "slots_in"]


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot and its scripts.

    Attributes
    ----------
    name, capacity, is_eager
        As configured.
    is_running
        Is it running, that is not paused?
    pause_reason
        Why not, in words.
    active
        SAL indices of the scripts that have a place in it.
    waiting
        SAL indices of those that wait, the next one first.
    """

    name: str
    capacity: int = 1
    is_eager: bool = False
    is_running: bool = True
    pause_reason: str = ""
    active: tuple[int, ...] = ()
    waiting: tuple[int, ...] = ()

    @property
    def held_up(self) -> tuple[int, ...]:
        """Scripts whose turn it is, for which there is room, and which do not start all the same."""
        if not self.is_running or len(self.active) >= self.capacity:
            return ()
        return self.waiting if self.is_eager else self.waiting[:1]


def slots_in(record: Record) -> tuple[Slot, ...]:
    """Return the slots that an event ``slots`` tells of, in order of priority."""
    names = record.names.split(":")[: record.length]
    why = _reasons(record.pauseReasons)
    placed = list(
        zip(record.salIndices[: record.scripts], record.slotIndex, record.active, strict=False),
    )
    return tuple(
        Slot(
            name=name,
            capacity=record.capacity[number],
            is_eager=record.eager[number],
            is_running=record.running[number],
            pause_reason="" if record.running[number] else why.get(name, "paused"),
            active=tuple(index for index, slot, is_active in placed if slot == number and is_active),
            waiting=tuple(index for index, slot, is_active in placed if slot == number and not is_active),
        )
        for number, name in enumerate(names)
    )


def _reasons(text: str) -> Mapping[str, str]:
    try:
        reasons = json.loads(text or "{}")
    except ValueError:
        return {}
    return {str(name): str(why) for name, why in reasons.items()} if isinstance(reasons, dict) else {}
