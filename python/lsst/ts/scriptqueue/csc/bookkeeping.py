# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge between the queue and its journal.

Events go into the journal before anything is done about them, so that what
they lead to can be found out again; what becomes of each script goes there,
too, for the history, but nobody waits for that.

One write is under way at a time. What happens meanwhile is written together
with the next, and if a write fails, none behind it can have succeeded.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from ..core.effects import Effect, Forget, PublishScript
from ..core.encoding import decode, encode
from ..core.events import Event
from ..core.model import QueueModel
from ..core.views import ScriptRecord
from ..journal import Entry, Happening, Journal, JournalError, Recovered, ScriptRow
from ..launch.contract import LastingLauncher
from ..runtime import Book

__all__ = ["Bookkeeping", "Memory", "read_back"]

#: Names of kinds of entries -> what they are.
_KINDS: dict[str, type[Event]] = {kind.__name__: kind for kind in get_args(Event)}

#: What a fault of the program may raise: an entry that has it must not keep each service from starting.
_FAULTS = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)

#: How long the history may be behind (seconds).
_HISTORY_LAG_S = 0.3

#: After so long it is tried again to write what could not be written (seconds).
_RETRY_S = 1.0


@dataclass(frozen=True, slots=True)
class Memory:
    """A journal that is open, and what was in it.

    Attributes
    ----------
    journal
        The journal.
    recovered
        What was found.
    launcher
        Who owns the processes, also while there is no queue.
    resumes
        Does the queue go on by itself after a restart?
    """

    journal: Journal
    recovered: Recovered
    launcher: LastingLauncher
    resumes: bool = False


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is to be written, and who waits for it."""

    events: tuple[Event, ...]
    are_handled: bool
    known: asyncio.Future[str]


@dataclass(frozen=True, slots=True)
class _News:
    """What is new in the history.

    Attributes
    ----------
    rows, happenings
        To be written.
    told
        SAL index to how many lines of the script's story were written before,
        and to what has become of it, if the model has forgotten it.
    """

    rows: list[ScriptRow]
    happenings: list[Happening]
    told: dict[int, tuple[int, ScriptRecord | None]]


class Bookkeeping(Book):
    """Writes the journal of a queue.

    Parameters
    ----------
    journal
        Where it is written.
    model
        The queue.
    log
        Where it is said what cannot be written.
    history_lag_s
        How long the history may be behind (seconds).
    retry_s
        After how long it is tried again to write what could not be written (seconds).
    """

    def __init__(
        self,
        journal: Journal,
        model: QueueModel,
        log: logging.Logger,
        history_lag_s: float = _HISTORY_LAG_S,
        retry_s: float = _RETRY_S,
    ) -> None:
        self._journal = journal
        self._model = model
        self._log = log
        self._history_lag_s = history_lag_s
        self._retry_s = retry_s
        self._retry: asyncio.TimerHandle | None = None
        #: Must the next thing written be all that the queue is?
        self._wants_snapshot = False
        self._is_trusted = True
        self._owed: list[Event] = []
        self._waiting: list[_Kept] = []
        self._under_way: list[_Kept] = []
        self._writing: asyncio.Task[None] | None = None
        self._trouble = ""
        #: SAL index of each script that has changed -> what has become of it, if the model has forgotten it.
        self._changed: dict[int, ScriptRecord | None] = {}
        #: How many lines of each script's story have been written.
        self._told: dict[int, int] = {}
        self._history: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Write what the queue is, before anything that happens to it."""
        self._wants_snapshot = True
        self._go_on()

    def distrust(self) -> None:
        self._is_trusted = False

    def keep(self, events: Sequence[Event], *, are_handled: bool) -> asyncio.Future[str]:
        known: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Kept(tuple(events), are_handled, known))
        self._go_on()
        return known

    def owe(self, event: Event) -> None:
        self._owed.append(event)
        self._try_again_later()

    def note(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, PublishScript):
                self._changed[effect.view.index] = None
            elif isinstance(effect, Forget):
                self._changed[effect.index] = effect.record
        self._see_to_history(self._history_lag_s)

    async def aclose(self) -> None:
        """Write what is left, and let go of the file."""
        if self._history is not None:
            self._history.cancel()
        self._wants_snapshot = True
        try:
            # What is under way comes first, and what is owed goes with it.
            trouble = await self.keep((), are_handled=True)
            news = self._news()
            await self._journal.write((), news.rows, news.happenings)
        except JournalError as error:
            trouble = str(error)
        finally:
            for timer in (self._retry, self._history):
                if timer is not None:
                    timer.cancel()
            await self._journal.aclose()
        if trouble:
            self._log.error("The end of the night is missing: %s", trouble)

    def _go_on(self) -> None:
        """Write what waits, if that is not being done."""
        if self._writing is None or self._writing.done():
            if self._retry is not None:
                self._retry.cancel()
            self._writing = asyncio.create_task(self._write())
            self._writing.add_done_callback(self._ended)

    def _try_again_later(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
        self._retry = asyncio.get_running_loop().call_later(self._retry_s, self._go_on)

    async def _write(self) -> None:
        """Write what waits, until nothing does; whatever is left to be written is tried again."""
        trouble = await self._write_once()
        while self._waiting:
            trouble = await self._write_once()
        if trouble and (self._owed or self._wants_snapshot):
            self._try_again_later()

    async def _write_once(self) -> str:
        self._under_way, self._waiting = self._waiting, []
        for kept in self._under_way:
            if kept.are_handled:
                self._owed += kept.events
        late = [event for kept in self._under_way if not kept.are_handled for event in kept.events]
        trouble = await self._tried(late)
        for kept in self._under_way:
            if not kept.known.done():
                kept.known.set_result(trouble)
        return trouble

    def _ended(self, writing: asyncio.Task[None]) -> None:
        """Let a fault of the program end whoever waits, and not only the task that had it."""
        error = None if writing.cancelled() else writing.exception()
        if error is not None:
            for kept in (*self._under_way, *self._waiting):
                if not kept.known.done():
                    kept.known.set_exception(error)

    async def _tried(self, late: Sequence[Event]) -> str:
        """Write what is owed, and what is to be handled when it is written; return why it cannot be done."""
        owed = len(self._owed)
        try:
            if self._is_trusted and (self._wants_snapshot or self._journal.wants_snapshot):
                # All that is owed has been handled, so it is in there, and must not happen twice.
                await self._write_snapshot()
                self._wants_snapshot = False
                del self._owed[:owed]
                owed = 0
            await self._journal.write(map(_entry, (*self._owed[:owed], *late)))
        except JournalError as error:
            if not self._trouble:
                self._log.error("What happens cannot be written down; scripts that run go on: %s", error)
            self._trouble = str(error)
            return f"it could not be written into the journal: {error}"
        if self._trouble:
            self._log.warning("The journal can be written again")
        self._trouble = ""
        del self._owed[:owed]
        return ""

    def _write_snapshot(self) -> asyncio.Future[None]:
        return self._journal.write_snapshot(json.dumps(self._model.snapshot()))

    def _write_history(self) -> None:
        self._history = None
        news = self._news()

        def told(written: asyncio.Future[None]) -> None:
            error = None if written.cancelled() else written.exception()
            if error is None:
                return
            if not self._trouble:
                self._log.warning("The history misses something for now: %s", error)
            self._take_back(news)
            self._see_to_history(self._retry_s)

        self._journal.write((), news.rows, news.happenings).add_done_callback(told)

    def _see_to_history(self, delay_s: float) -> None:
        """Have the history written in a while, if there is anything new."""
        if self._changed and self._history is None:
            self._history = asyncio.get_running_loop().call_later(delay_s, self._write_history)

    def _news(self) -> _News:
        """What has become of scripts since this was last asked."""
        news = _News([], [], {})
        changed, self._changed = self._changed, {}
        for index, last in changed.items():
            record = last or self._model.record(index)
            news.rows.append(_row(record))
            told = self._told.pop(index, 0)
            news.told[index] = (told, last)
            if last is None:
                self._told[index] = record.lines_told
            for at_tai, text in _last(record, record.lines_told - told):
                news.happenings.append(Happening(record.key, at_tai, text))
        return news

    def _take_back(self, news: _News) -> None:
        """Have what could not be written told once more."""
        for index, (told, last) in news.told.items():
            self._told[index] = min(told, self._told.get(index, told))
            # What is known by now is no older.
            self._changed[index] = self._changed.get(index) or last


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


def _entry(event: Event) -> Entry:
    return Entry(
        event.at_tai,
        type(event).__name__,
        getattr(event, "index", 0),
        json.dumps(encode(type(event), event), separators=(",", ":")),
    )


def _event(entry: Entry) -> Event:
    event: Event = decode(_KINDS[entry.kind], json.loads(entry.body))
    return event


def _last(record: ScriptRecord, count: int) -> Sequence[tuple[float, str]]:
    return record.latest_lines[max(0, len(record.latest_lines) - count) :]


def _row(record: ScriptRecord) -> ScriptRow:
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
