# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that the queue knows, as plain values, and back.

With the events that came after it, a snapshot makes the same ledger again:
the core decides by nothing else. What was published last is not in it,
because after a restart everything is published again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .blocks import Execution, Opening
from .encoding import NotEncoded, decode, encode
from .layout import Layout
from .ledger import Alarm, Ledger
from .limits import Limits
from .open_commands import OpenCommand
from .scripts import Script
from .slots import Pause, ReadyHead
from .stops import StopJob

__all__ = ["restore", "snapshot"]


@dataclass(frozen=True, slots=True)
class _SlotState:
    """What is kept of a slot; its settings are in the layout."""

    waiting: list[int]
    current: list[int]
    pause: Pause | None
    ready_head: ReadyHead | None


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """What is kept of a ledger; names are those of its attributes, and of what they hold."""

    layout: Layout
    slots: Mapping[str, _SlotState]
    scripts: list[Script]
    history: list[int]
    stops: list[StopJob]
    executions: Mapping[str, Execution]
    failures: Mapping[str, tuple[int, str]]
    openings: Mapping[int, Opening]
    timers: Mapping[int, int]
    alarm: Alarm | None
    next_index: int
    last_group_id_ms: int
    last_request: int
    last_command_id: int
    now_tai: float
    configured_tai: float
    added: int
    enabled: bool
    closing: str
    finished: bool
    open_commands: Mapping[int, OpenCommand] = field(default_factory=dict)


def snapshot(ledger: Ledger) -> Any:
    """Return the state of a ledger between two events, in plain values."""
    return encode(
        _Snapshot,
        _Snapshot(
            layout=ledger.layout,
            slots={
                name: _SlotState(slot.waiting, slot.current, slot.pause, slot.ready_head)
                for name, slot in ledger.slots.items()
            },
            scripts=list(ledger.scripts.values()),
            history=ledger.history,
            stops=ledger.stops,
            executions=ledger.blocks.executions,
            failures=ledger.blocks.failures,
            openings=ledger.blocks.openings,
            timers=ledger.timers,
            alarm=ledger.alarm,
            next_index=ledger.indices.next,
            last_group_id_ms=ledger.group_ids.last_ms,
            last_request=ledger.last_request,
            last_command_id=ledger.last_command_id,
            now_tai=ledger.now_tai,
            configured_tai=ledger.configured_tai,
            added=ledger.added,
            enabled=ledger.enabled,
            closing=ledger.closing,
            finished=ledger.finished,
            open_commands=ledger.open_commands,
        ),
    )


def restore(plain: Any, sal_index: int, limits: Limits, tai_minus_utc_s: float) -> Ledger:
    """Make a ledger of a snapshot.

    Raises
    ------
    NotEncoded
        If it is none.
    """
    kept: _Snapshot = decode(_Snapshot, plain)
    ledger = Ledger(sal_index, limits, kept.layout, tai_minus_utc_s)
    if kept.slots.keys() != ledger.slots.keys():
        raise NotEncoded(f"it has slots {', '.join(kept.slots)}, its layout {', '.join(ledger.slots)}")
    for name, state in kept.slots.items():
        slot = ledger.slots[name]
        slot.waiting, slot.current = state.waiting, state.current
        slot.pause, slot.ready_head = state.pause, state.ready_head
    ledger.scripts = {script.index: script for script in kept.scripts}
    ledger.history = kept.history
    ledger.stops = kept.stops
    ledger.blocks.executions = dict(kept.executions)
    ledger.blocks.failures = dict(kept.failures)
    ledger.blocks.openings = dict(kept.openings)
    ledger.timers = dict(kept.timers)
    ledger.alarm = kept.alarm
    ledger.indices.next = kept.next_index
    ledger.group_ids.last_ms = kept.last_group_id_ms
    ledger.last_request = kept.last_request
    ledger.last_command_id = kept.last_command_id
    ledger.now_tai = kept.now_tai
    ledger.configured_tai = kept.configured_tai
    ledger.added = kept.added
    ledger.enabled = kept.enabled
    ledger.closing = kept.closing
    ledger.finished = kept.finished
    ledger.open_commands = dict(kept.open_commands)
    return ledger
