# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge between the queue and its journal.

Events go into the journal before anything is done about them, so that what
they lead to can be found out again; what becomes of each script goes there,
too, for the history, but nobody waits for that.

One write is under way at a time. What happens meanwhile is written together
with the next, and if a write fails, none behind it can have succeeded.

A disk that does not answer for too long counts as one that takes nothing:
nobody waits for it. What it has been given it may yet write, though it was
refused meanwhile. So when it answers again, all that the queue is comes first.
"""

from __future__ import annotations

import asyncio
import enum
import itertools
import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..core.effects import Effect
from ..core.events import Event
from ..core.model import QueueModel
from ..journal import Entry, Journal, JournalError, JournalFullError, Mark
from ..runtime import Book
from .chronicle import Chronicle
from .entries import entry_of

__all__ = ["Bookkeeping"]

#: What has been handled waits so long until it is written (seconds), unless it is that much: what is to be
#: done about it needs the processor first, and it is noted in memory.
_LAG_S, _MOST_WAITING = 0.02, 8

#: How long the history may be behind (seconds).
_HISTORY_LAG_S = 0.3

#: After so long it is tried again to write what could not be written (seconds).
_RETRY_S = 1.0

#: A write is waited for in so many steps, each as long as that (seconds). If this process
#: itself stood still that costs one step, and not the disk its good name.
_STEPS, _STEP_S = 5, 1.0

#: At the end a disk that hangs has so many steps more to take what it must not lose.
_LAST_STEPS = 20


class _Disk(enum.Enum):
    """What is known of the disk."""

    ANSWERS = enum.auto()
    #: A write has been under way for too long, and nobody waits for it.
    HANGS = enum.auto()
    #: It has answered since, and what it has written is not what has happened.
    HUNG = enum.auto()


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is to be written, and who waits for it."""

    entries: tuple[Entry, ...]
    are_handled: bool
    known: asyncio.Future[str]


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
    step_s
        A fifth of the time for which a write is waited for (seconds).
    """

    def __init__(
        self,
        journal: Journal,
        model: QueueModel,
        log: logging.Logger,
        history_lag_s: float = _HISTORY_LAG_S,
        retry_s: float = _RETRY_S,
        step_s: float = _STEP_S,
    ) -> None:
        self._journal = journal
        self._model = model
        self._log = log
        self._history_lag_s = history_lag_s
        self._retry_s = retry_s
        self._step_s = step_s
        self._retry: asyncio.TimerHandle | None = None
        #: Must the next thing written be all that the queue is?
        self._wants_snapshot = False
        self._is_trusted = True
        self._disk = _Disk.ANSWERS
        #: How far the journal is written; None if that is not known, or about to change by a snapshot.
        self._mark: Mark | None = None
        self._owed: list[Entry] = []
        self._waiting: list[_Kept] = []
        self._under_way: list[_Kept] = []
        self._due: asyncio.TimerHandle | None = None
        self._writing: asyncio.Task[None] | None = None
        self._patience: asyncio.TimerHandle | None = None
        self._trouble = ""
        self._chronicle = Chronicle(model)
        self._history: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Write what the queue is, before anything that happens to it."""
        self._wants_snapshot = True
        self._go_on()

    def distrust(self) -> None:
        self._is_trusted = False

    def keep(self, events: Sequence[Event], *, are_handled: bool) -> asyncio.Future[str]:
        known: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        kept = _Kept(tuple(map(entry_of, events)), are_handled, known)
        if self._disk is _Disk.HANGS:
            self._give_up(kept)
            return known
        self._waiting.append(kept)
        self._go_on_within(_LAG_S if are_handled and len(self._waiting) < _MOST_WAITING else 0.0)
        return known

    def jot(self) -> bool:
        is_noted = all(kept.are_handled for kept in self._waiting) and self._is_noted()
        if not is_noted:
            self._go_on_within(0.0)
        return is_noted

    def _is_noted(self) -> bool:
        """Note what has been handled and is to be written, as it is told next; could that be done?"""
        if self._mark is None or not all(kept.are_handled for kept in self._under_way):
            return False
        handled = itertools.takewhile(lambda kept: kept.are_handled, self._waiting)
        waiting = [entry for kept in handled for entry in kept.entries]
        return self._journal.jot(self._mark, [*self._owed, *waiting])

    def owe(self, event: Event) -> None:
        self._owed.append(entry_of(event))
        self._is_noted()
        self._try_again_later()

    def note(self, effects: Sequence[Effect]) -> None:
        self._chronicle.note(effects)
        self._see_to_history(self._history_lag_s)

    async def aclose(self) -> None:
        """Write what is left, and let go of the file."""
        if self._history is not None:
            self._history.cancel()
        self._wants_snapshot = True
        if self._disk is _Disk.HANGS and self._writing is not None:
            # Without it the next service would take what runs for what nobody has started.
            await asyncio.wait({self._writing}, timeout=_LAST_STEPS * self._step_s)
        try:
            # What is under way comes first, and what is owed goes with it.
            trouble = await self.keep((), are_handled=True)
            if self._disk is not _Disk.HANGS:
                news = self._chronicle.take()
                async with asyncio.timeout(_STEPS * self._step_s):
                    await self._journal.write((), news.rows, news.happenings)
        except (JournalError, TimeoutError) as error:
            trouble = str(error) or self._hanging
        finally:
            for timer in (self._due, self._retry, self._history):
                if timer is not None:
                    timer.cancel()
            trouble = await self._close_journal() or trouble
        if trouble:
            self._log.error("The end of the night is missing: %s", trouble)

    async def _close_journal(self) -> str:
        """Let go of the file; if the disk hangs, only the end of the process does that."""
        try:
            async with asyncio.timeout(0.0 if self._disk is _Disk.HANGS else _STEPS * self._step_s):
                await self._journal.aclose()
        except TimeoutError:
            if self._writing is not None:
                self._writing.cancel()
            return self._hanging
        return ""

    @property
    def _hanging(self) -> str:
        return f"the disk has not answered for {_STEPS * self._step_s:g} s"

    def _go_on_within(self, delay_s: float) -> None:
        """Have what waits written, but not before whoever asks has done what is more urgent."""
        loop = asyncio.get_running_loop()
        at_s = loop.time() + delay_s
        if self._due is not None and self._due.when() > at_s:
            self._due.cancel()
            self._due = None
        if self._due is None:
            self._due = loop.call_at(at_s, self._go_on)

    def _go_on(self) -> None:
        """Write what waits, if that is not being done."""
        self._due = None
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
        """Write what waits, until nothing does that is due; whatever cannot be written is tried again."""
        trouble = await self._write_once()
        while (self._waiting and self._due is None) or (self._disk is _Disk.HUNG and not trouble):
            trouble = await self._write_once()
        if trouble and (self._owed or self._wants_snapshot or self._disk is _Disk.HUNG):
            self._try_again_later()

    async def _write_once(self) -> str:
        self._under_way, self._waiting = self._waiting, []
        if self._due is not None:
            self._due.cancel()
            self._due = None
        self._owe_handled(self._under_way)
        late = [entry for kept in self._under_way if not kept.are_handled for entry in kept.entries]
        self._wait_on(_STEPS)
        try:
            trouble = await self._tried(late)
        finally:
            if self._patience is not None:
                self._patience.cancel()
        if self._disk is _Disk.HANGS:
            self._disk = _Disk.HUNG
        _tell(self._under_way, trouble)
        self._under_way = []
        if trouble:
            self._is_noted()
        return trouble

    def _wait_on(self, steps: int) -> None:
        """Wait for the write that is under way so many steps longer, then not at all."""
        if steps:
            self._patience = asyncio.get_running_loop().call_later(self._step_s, self._wait_on, steps - 1)
            return
        self._disk = _Disk.HANGS
        self._note_trouble(self._hanging)
        _tell(self._under_way, _told(self._trouble))
        self._give_up(*self._waiting)
        self._waiting = []

    def _give_up(self, *waiting: _Kept) -> None:
        """Let those who wait know that nothing can be written for now."""
        self._owe_handled(waiting)
        _tell(waiting, _told(self._trouble))

    def _owe_handled(self, waiting: Iterable[_Kept]) -> None:
        self._owed += [entry for kept in waiting if kept.are_handled for entry in kept.entries]

    def _ended(self, writing: asyncio.Task[None]) -> None:
        """Let a fault of the program end whoever waits, and not only the task that had it."""
        if not writing.cancelled() and (error := writing.exception()) is not None:
            for kept in (*self._under_way, *self._waiting):
                if not kept.known.done():
                    kept.known.set_exception(error)

    async def _tried(self, late: Sequence[Entry]) -> str:
        """Write what is owed, and what is to be handled when it is written; return why it cannot be done."""
        owed, has_hung, mark = len(self._owed), self._disk is _Disk.HUNG, self._mark
        if has_hung and not self._is_trusted:
            return _told(self._trouble)
        try:
            if self._is_trusted and (self._wants_snapshot or self._journal.wants_snapshot or has_hung):
                # All that is owed has been handled, so it is in there, and must not happen twice.
                self._mark = None
                mark = await self._write_snapshot()
                self._wants_snapshot = False
                if self._disk is _Disk.HUNG:
                    self._disk = _Disk.ANSWERS
                del self._owed[:owed]
                owed = 0
            mark = await self._journal.write((*self._owed[:owed], *late))
        except JournalError as error:
            # Where there is no room, nothing has been written.
            self._mark = mark if isinstance(error, JournalFullError) else None
            self._note_trouble(str(error))
            return _told(self._trouble)
        if self._trouble:
            self._log.warning("The journal can be written again")
        self._trouble = ""
        del self._owed[:owed]
        self._mark = mark
        return ""

    def _note_trouble(self, why: str) -> None:
        if not self._trouble:
            self._log.error("What happens cannot be written down; scripts that run go on: %s", why)
        self._trouble = why

    def _write_snapshot(self) -> asyncio.Future[Mark]:
        return self._journal.write_snapshot(json.dumps(self._model.snapshot()))

    def _write_history(self) -> None:
        self._history = None
        if self._disk is _Disk.HANGS:
            self._see_to_history(self._retry_s)
            return
        news = self._chronicle.take()

        def told(written: asyncio.Future[Mark]) -> None:
            if written.cancelled() or (error := written.exception()) is None:
                return
            if not self._trouble:
                self._log.warning("The history misses something for now: %s", error)
            if not isinstance(error, JournalFullError):
                self._mark = None
            self._chronicle.take_back(news)
            self._see_to_history(self._retry_s)

        self._journal.write((), news.rows, news.happenings).add_done_callback(told)

    def _see_to_history(self, delay_s: float) -> None:
        """Have the history written in a while, if there is anything new."""
        if self._chronicle.has_news and self._history is None:
            self._history = asyncio.get_running_loop().call_later(delay_s, self._write_history)


def _tell(waiting: Sequence[_Kept], trouble: str) -> None:
    for kept in waiting:
        if not kept.known.done():
            kept.known.set_result(trouble)


def _told(trouble: str) -> str:
    return f"it could not be written into the journal: {trouble}"
