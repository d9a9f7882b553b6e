# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shell around the core: events in by one inbox, effects out by a table.

Nothing is decided here. Each edge room registers what it does about which
effects; the runtime feeds the model one event at a time, dispatches each
effect by its type, and owns every task that an edge starts for it. What
happens is written into a book before anything is done about it, so that
nothing is done of which nobody will know. That it is on the disk is waited for
only by a command that would be refused if it could not be written; all else
waits until no end of this process can make the next one forget it. Time enters
here: the stamps of events never go back, whatever the clock does.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from ..core.commands import Command
from ..core.effects import (
    AckCommand,
    CancelTimer,
    Effect,
    FinishShutdown,
    ReportInProgress,
    SetTimer,
    WriteLog,
)
from ..core.events import AnswersSent, CommandGiven, Event, ShutdownRequested, TimerExpired
from ..core.model import QueueModel
from ..core.refusals import Refused
from .backlog import Backlog
from .book import Book, NoBook, needs_the_book
from .outbox import Outbox
from .outcomes import Outcome, count_orders, has_effects, outcome_of
from .replies import Progress, Replies
from .steady_clock import Clock, SteadyClock
from .timers import Timers

__all__ = ["Runtime"]

Handler = Callable[[Any], None]

E = TypeVar("E", bound=Event)

#: So many events at most are handled, and written, at a time.
_MOST_TOGETHER = 50

#: A clock that was set back by less is not worth a word (seconds).
_WORTH_A_WORD_S = 1.0


class Runtime:
    """Runs a model.

    Parameters
    ----------
    model
        The queue.
    clock
        Where time comes from.
    log
        Where the model's messages go.
    book
        Where events are written first.
    """

    def __init__(
        self, model: QueueModel, clock: Clock, log: logging.Logger, book: Book | None = None
    ) -> None:
        self.model = model
        self._book = book or NoBook()
        self.outbox = Outbox(log)
        self._clock = SteadyClock(clock, model.now_tai)
        self._log = log
        self._inbox: asyncio.Queue[Event] = asyncio.Queue()
        self._backlog, self._unsent = Backlog(), Backlog()
        self._held: asyncio.Queue[tuple[asyncio.Future[None], list[Outcome]]] = asyncio.Queue()
        self._unwritten: asyncio.Queue[tuple[asyncio.Future[str], asyncio.Future[None], list[Event]]] = (
            asyncio.Queue()
        )
        #: How many orders to scripts wait for the disk.
        self._orders_held = 0
        self._timers = Timers(self._timer_expired)
        # What was asked of an earlier queue is not answered to a client of this one.
        self._replies = Replies(model.last_command_id)
        self._listeners: dict[type[Any], Callable[[Any], None]] = {}
        self._started = asyncio.Event()
        self._finished = asyncio.Event()
        self._group: asyncio.TaskGroup | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopped = asyncio.Event()
        self._table: dict[type[Effect], Handler] = {}
        self.register(
            {
                SetTimer: self._timers.start,
                CancelTimer: self._timers.cancel,
                AckCommand: self._ack,
                ReportInProgress: self._report_in_progress,
                WriteLog: self._write_log,
                FinishShutdown: lambda effect: self._finished.set(),
            }
        )

    def register(self, table: Mapping[type[Effect], Handler]) -> None:
        """Say who carries out which effects; each has one owner.

        A handler must not block. What takes time goes to the outbox, if its
        order matters, or to a task by `spawn`.
        """
        doubled = self._table.keys() & table.keys()
        if doubled:
            raise ValueError(f"effects with two owners: {sorted(kind.__name__ for kind in doubled)}")
        self._table.update(table)

    def listen(self, kind: type[E], listener: Callable[[E], None]) -> None:
        """Have somebody told of each event of a kind when it is on the disk."""
        self._listeners[kind] = listener

    def now(self) -> float:
        """Now, as TAI, unix seconds; never before what it was."""
        return self._clock.now()

    def time_of(self, stamp_tai: float) -> float:
        """Convert a stamp of another process of this machine; both are TAI, unix seconds."""
        return self._clock.of(stamp_tai)

    def middleware_works(self, age_s: float) -> None:
        """Note that a message sent so many seconds ago has come all the way.

        From the first time on, limits on answers stand still while the
        middleware is away: see `timers`.
        """
        self._timers.heard(age_s)

    @property
    def hears(self) -> bool:
        """Is the middleware known to carry messages?"""
        return self._timers.is_fresh

    def post(self, event: Event) -> None:
        """Tell the queue what happened; when it has ended nobody is told, and nobody waits for it."""
        if self._stopped.is_set():
            return
        self._backlog.grow()
        self._inbox.put_nowait(event)

    @property
    def is_running(self) -> bool:
        """Are events being handled?"""
        return self._group is not None

    async def started(self) -> None:
        """Wait until it runs."""
        await self._started.wait()

    async def settle(self, limit_s: float) -> bool:
        """Wait until what was posted is handled and what came of it is sent; not for what comes meanwhile.

        Parameters
        ----------
        limit_s
            The longest this may take, in seconds.

        Returns
        -------
        bool
            Is it so, as far as anything runs that could do it?
        """

        async def note() -> None:
            self._unsent.shrink(1)

        try:
            async with asyncio.timeout(limit_s):
                await self._backlog.worked_off()
                if self.is_running:
                    self._unsent.grow()
                    self.outbox.put(note, after_all=True)
                    await self._unsent.worked_off()
        except TimeoutError:
            return False
        return True

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something that ends by posting an event.

        The task belongs to the runtime. An exception that leaves it is a
        fault of the program and ends the runtime.
        """
        if self._group is None:
            work.close()
            raise RuntimeError("the runtime does not run")
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def give(
        self,
        command: Command,
        cmd_id: int,
        progress: Progress,
        identity: str = "",
        origin: int = 0,
        name: str = "",
    ) -> tuple[int, asyncio.Future[str]]:
        """Give the queue a command; it is in the inbox when this returns.

        Parameters
        ----------
        command
            What is asked.
        cmd_id, name
            Sequence number and name of the SAL command.
        progress
            Called when the answer will take longer.
        identity, origin
            Who asks, and its process id; 0 if only this service can answer.

        Returns
        -------
        tuple
            The number of the command, for `answered`, and its reply: the
            result, "" for nothing but that it is done, or it raises `Refused`.

        Raises
        ------
        Refused
            If the runtime does not run.
        """
        if not self.is_running:
            raise Refused("the queue has stopped working; send it to OFFLINE and start it again")
        command_id, reply = self._replies.expect(progress)
        self.post(CommandGiven(self.now(), command_id, command, cmd_id, identity, origin, name))
        return command_id, reply

    def answered(self, command_id: int) -> None:
        """Note that the last acknowledgement of a command was sent; it is written with the next event."""
        self._replies.note_answered(command_id)

    async def run(self) -> None:
        """Handle events until stopped or cancelled."""
        if (ahead_s := self._clock.ahead_s) > _WORTH_A_WORD_S:
            text = (
                "The clock was set back by %.0f s: the time of the queue goes on at half its pace until then"
            )
            self._log.warning(text, ahead_s)
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                self._started.set()
                for work in (self.outbox.run(), self._release(), self._follow_the_book(), self._consume()):
                    self.spawn(work)
        finally:
            self._group = None
            self._timers.cancel_all()
            self.outbox.drop()
            while not self._inbox.empty():
                self._inbox.get_nowait()
            for queue in (self._held, self._unwritten):
                while not queue.empty():
                    queue.get_nowait()
            self._orders_held = 0
            self._backlog.clear()
            self._unsent.clear()
            self._replies.cancel_all()
            self._stopped.set()

    async def stop(self) -> None:
        """End `run`, and with it all that edges have begun."""
        if self.is_running:
            if answered := self._replies.take_answered():
                sent = AnswersSent(self.now(), answered)
                self._handled(sent)
                self._book.keep([sent], are_handled=True)
            for task in self._tasks:
                task.cancel()
            await self._stopped.wait()

    async def shut_down(self, why: str, limit_s: float) -> bool:
        """End all scripts and send what is left to be said.

        Parameters
        ----------
        why
            For the stories of the scripts, and for clients.
        limit_s
            The longest this may take, in seconds.

        Returns
        -------
        bool
            Whether all scripts were seen to end in time.
        """
        self.post(ShutdownRequested(self.now(), why))
        try:
            async with asyncio.timeout(limit_s):
                await self._finished.wait()
                await self.outbox.flush()
        except TimeoutError:
            return False
        return True

    async def _consume(self) -> None:
        while True:
            events = [await self._inbox.get()]
            may_go_on: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            if answered := self._replies.take_answered():
                self.post(AnswersSent(self.now(), answered))
            while len(events) < _MOST_TOGETHER and not self._inbox.empty():
                events.append(self._inbox.get_nowait())
            try:
                if any(map(needs_the_book, events)):
                    kept = self._book.keep(events, are_handled=False)
                    trouble = await kept
                    outcomes = [self._handled_late(event, trouble) for event in events]
                else:
                    outcomes = [self._handled(event) for event in events]
                    kept = self._book.keep(events, are_handled=True)
                    if not any(map(has_effects, outcomes)) or self._book.jot():
                        outcomes = self._tell_scripts(outcomes)
                        may_go_on.set_result(None)
            except BaseException:
                self._backlog.shrink(len(events))
                raise
            self._orders_held += count_orders(outcomes)
            self._unwritten.put_nowait((kept, may_go_on, events))
            self._held.put_nowait((may_go_on, outcomes))
            # What has come of these is not to wait for all that has come together with them.
            await asyncio.sleep(0)

    async def _follow_the_book(self) -> None:
        """Let go on what could only be written, and tell who listens what is on the disk."""
        while True:
            kept, may_go_on, events = await self._unwritten.get()
            trouble = await kept
            if not may_go_on.done():
                may_go_on.set_result(None)
            for event in events if not trouble else ():
                listener = self._listeners.get(type(event))
                if listener is not None:
                    listener(event)

    async def _release(self) -> None:
        """Do what is to be done about what no crash can make this queue forget."""
        while True:
            may_go_on, outcomes = await self._held.get()
            try:
                await may_go_on
                for outcome in outcomes:
                    for effect in (*outcome.orders, *outcome.effects):
                        self._table[type(effect)](effect)
            finally:
                self._orders_held -= count_orders(outcomes)
                self._backlog.shrink(len(outcomes))

    def _tell_scripts(self, outcomes: list[Outcome]) -> list[Outcome]:
        """Tell scripts at once what they are to be told, but not before what they were to be told earlier."""
        if self._orders_held:
            return outcomes
        for outcome in outcomes:
            for order in outcome.orders:
                self._table[type(order)](order)
        return [replace(outcome, orders=()) for outcome in outcomes]

    def _handled(self, event: Event) -> Outcome:
        try:
            effects = self.model.handle(event)
        except BaseException:
            self._book.distrust()
            raise
        self._book.note(effects)
        return outcome_of(effects)

    def _handled_late(self, event: Event, trouble: str) -> Outcome:
        """As `_handled`, of what has been waiting for the book, and of what came together with it."""
        if not trouble:
            return self._handled(event)
        if needs_the_book(event):
            return outcome_of((AckCommand(event.command_id, False, trouble),))
        self._book.owe(event)
        return self._handled(event)

    def _timer_expired(self, effect: SetTimer) -> None:
        self.post(TimerExpired(self.now(), effect.index, effect.request))

    def _ack(self, effect: AckCommand) -> None:
        # Whoever is answered finds all that came of it.
        self.outbox.put(lambda: self._replies.answer(effect), after_all=True)

    def _report_in_progress(self, effect: ReportInProgress) -> None:
        self.outbox.put(lambda: self._replies.report(effect))

    def _write_log(self, effect: WriteLog) -> None:
        self._log.log(effect.level, "%s", effect.text)
