# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Events and scripts become entries and rows of the journal, and a queue is made of the entries again."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, get_args

from ..core.encoding import decode, encode
from ..core.events import Event
from ..core.model import QueueModel
from ..core.views import ScriptRecord
from ..journal import Entry, Recovered, ScriptRow

__all__ = ["entry_of", "read_back", "row_of"]

#: Names of kinds of entries -> what they are.
_KINDS: dict[str, type[Event]] = {kind.__name__: kind for kind in get_args(Event)}

#: What a fault of the program may raise: an entry that has it must not keep each service from starting.
_FAULTS = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


def read_back(
    recovered: Recovered, new: Callable[[], QueueModel], restored: Callable[[Any], QueueModel]
) -> tuple[QueueModel, list[str]]:
    """Make the queue of what a journal has kept.

    Parameters
    ----------
    recovered
        What was found.
    new
        Makes a new queue.
    restored
        Makes a queue of its snapshot.

    Returns
    -------
    tuple
        The queue, and what could not be read back, for people.
    """
    complaints = list(recovered.complaints)
    count = len(recovered.entries)
    while True:
        try:
            model = new() if recovered.snapshot is None else restored(json.loads(recovered.snapshot.body))
        except ValueError as error:
            complaints.append(f"the snapshot in the journal cannot be used, so the queue is empty: {error}")
            return new(), complaints
        unread = _replay(model, recovered.entries[:count])
        if unread is None:
            return model, complaints
        # What an event that fails halfway has done to the model must not stay.
        count, why = unread
        left_out = len(recovered.entries) - count
        complaints.append(f"the last {left_out} entries of the journal are left out: {why}")


def _replay(model: QueueModel, entries: Sequence[Entry]) -> tuple[int, str] | None:
    """Let everything happen again; return which entry cannot be, and why."""
    for number, entry in enumerate(entries):
        try:
            model.handle(_event(entry))
        except _FAULTS as error:
            return number, f"{entry.kind} of {entry.index} cannot be understood: {error}"
    return None


def entry_of(event: Event) -> Entry:
    """An event as the journal keeps it."""
    return Entry(
        event.at_tai,
        type(event).__name__,
        getattr(event, "index", 0),
        json.dumps(encode(type(event), event), separators=(",", ":")),
    )


def _event(entry: Entry) -> Event:
    event: Event = decode(_KINDS[entry.kind], json.loads(entry.body))
    return event


def row_of(record: ScriptRecord) -> ScriptRow:
    """What a script has become, as the history of the journal keeps it."""
    view = record.view
    return ScriptRow(
        key=record.key,
        sal_index=view.index,
        added_tai=record.added_tai,
        changed_tai=record.latest_lines[-1][0] if record.latest_lines else record.added_tai,
        is_standard=view.is_standard,
        path=view.path,
        added_by=record.added_by,
        cmd_id=view.cmd_id,
        config=record.config,
        slot=view.slot,
        resources=view.resources,
        block_id=view.block_id,
        block_position=view.block_index,
        block_size=view.block_size,
        execution_id=view.execution_id,
        group_id=record.group_id,
        process_state=view.process_state.name,
        script_state=view.script_state.name,
        process_start_tai=view.process_start_tai,
        configure_start_tai=view.configure_start_tai,
        configure_end_tai=view.configure_end_tai,
        run_start_tai=view.run_start_tai,
        process_end_tai=view.process_end_tai,
        exit_code=record.exit_code,
        signal=record.signal,
        exit_reason=view.exit_reason,
        output_tail=record.output_tail,
    )
