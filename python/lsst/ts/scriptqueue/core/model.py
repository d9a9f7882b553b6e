# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue: events in, effects out.

`QueueModel.handle` is the whole of it. It knows no clock, file, socket or
task: time, ids and everything else that is not its own arrives in events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from . import invariants, reports, supervision
from .admission import settle
from .adoption import relaunch, restarted
from .answers import answers_sent
from .commands import AddScript
from .effects import Effect, FinishShutdown
from .events import (
    AnswersSent,
    BlockIdFailed,
    BlockIdGiven,
    CommandGiven,
    EnabledChanged,
    Event,
    LaunchFailed,
    ProcessContinued,
    ProcessExited,
    ProcessStarted,
    ProcessStopped,
    Restarted,
    ScriptAnswered,
    ScriptDescriptionReported,
    ScriptFellSilent,
    ScriptHeardAgain,
    ScriptMetadataReported,
    ScriptOverdue,
    ScriptStateReported,
    ShutdownRequested,
    TimerExpired,
)
from .layout import Layout
from .ledger import WITHOUT_PROCESS, Ledger
from .life import forget_old
from .limits import Limits
from .orders import command_given, finish_stops, shutdown_requested
from .phases import Phase
from .publishing import collect, collect_words, queue_view, slots_view
from .snapshots import restore, snapshot
from .views import QueueView, ScriptProcess, ScriptRecord, ScriptView, SlotsView

__all__ = ["QueueModel"]

_HANDLERS: dict[type[Event], Callable[[Ledger, Any], None]] = {
    CommandGiven: command_given,
    AnswersSent: answers_sent,
    EnabledChanged: reports.enabled_changed,
    ProcessStarted: reports.process_started,
    LaunchFailed: reports.launch_failed,
    ProcessExited: reports.process_exited,
    ScriptStateReported: reports.state_reported,
    ScriptMetadataReported: reports.metadata_reported,
    ScriptDescriptionReported: reports.description_reported,
    ScriptAnswered: reports.script_answered,
    ProcessStopped: supervision.process_stopped,
    ProcessContinued: supervision.process_continued,
    ScriptFellSilent: supervision.fell_silent,
    ScriptHeardAgain: supervision.heard_again,
    ScriptOverdue: supervision.overdue,
    TimerExpired: reports.timer_expired,
    BlockIdGiven: reports.block_id_given,
    BlockIdFailed: reports.block_id_failed,
    ShutdownRequested: shutdown_requested,
    Restarted: restarted,
}

#: What scripts say, and what is observed of them, stirs the queue only if it brings one into
#: another phase. Most of it does not: checkpoints and answers to commands. (One whose process is
#: stopped is not ready.)
_WORDS = frozenset(
    {
        AnswersSent,
        ScriptStateReported,
        ScriptMetadataReported,
        ScriptDescriptionReported,
        ScriptAnswered,
        ScriptFellSilent,
        ScriptHeardAgain,
        ScriptOverdue,
    }
)


class QueueModel:
    """The model of one ScriptQueue.

    Parameters
    ----------
    sal_index
        SAL index of the ScriptQueue; its scripts have indices
        ``sal_index`` * 100000 to ``sal_index`` * 100000 + 99999.
    limits
        Time and size limits.
    layout
        The slots and what they share; by default only the main one.
    last_index
        The last index given in an earlier life; 0 if there was none.
    tai_minus_utc_s
        For times that people read (seconds).
    """

    def __init__(
        self,
        sal_index: int,
        limits: Limits | None = None,
        layout: Layout | None = None,
        last_index: int = 0,
        tai_minus_utc_s: float = 37.0,
    ) -> None:
        self._ledger = Ledger(sal_index, limits or Limits(), layout or Layout(), tai_minus_utc_s)
        self._ledger.indices.go_on_after(last_index)

    def handle(self, event: Event) -> list[Effect]:
        """Take notice of an event.

        Parameters
        ----------
        event
            What happened.

        Returns
        -------
        list
            What is to be done, in this order.

        Raises
        ------
        IllegalTransition
            If the event cannot have happened; the model is then of no use
            any more.
        """
        ledger = self._ledger
        ledger.now_tai = event.at_tai
        ledger.stirred = type(event) not in _WORDS
        _HANDLERS[type(event)](ledger, event)
        if not ledger.stirred:
            return collect_words(ledger)
        finish_stops(ledger)
        relaunch(ledger)
        settle(ledger)
        forget_old(ledger)
        if ledger.closing and not ledger.finished and not ledger.has_processes:
            ledger.finished = True
            ledger.emit(FinishShutdown())
        return collect(ledger)

    @classmethod
    def restored(
        cls, plain: Any, sal_index: int, limits: Limits | None = None, tai_minus_utc_s: float = 37.0
    ) -> QueueModel:
        """Make the model that gave a snapshot; parameters as for a new one.

        Raises
        ------
        NotEncoded
            If it is no snapshot.
        """
        model = cls(sal_index, limits)
        model._ledger = restore(plain, sal_index, model._ledger.limits, tai_minus_utc_s)
        return model

    def go_on_after(self, last_index: int) -> None:
        """Give no index up to one that was given before; one of another queue counts for nothing."""
        self._ledger.indices.go_on_after(last_index)

    @property
    def now_tai(self) -> float:
        """When the last event happened (TAI, unix seconds); 0 if nothing has."""
        return self._ledger.now_tai

    def snapshot(self) -> Any:
        """All that it knows, in plain values."""
        return snapshot(self._ledger)

    @property
    def last_command_id(self) -> int:
        """The largest number that a command has had."""
        return self._ledger.last_command_id

    def processes(self) -> Mapping[int, ScriptProcess]:
        """The processes that should be there, or may be, by SAL index."""
        return {
            script.index: ScriptProcess(script.launch_id, script.pid, script.identity)
            for script in self._ledger.scripts.values()
            if script.phase not in WITHOUT_PROCESS and not script.process_end_tai
        }

    def process(self, index: int) -> ScriptProcess | None:
        """The process of a script, there or gone; None if there is no such script."""
        script = self._ledger.scripts.get(index)
        return None if script is None else ScriptProcess(script.launch_id, script.pid, script.identity)

    def supervised(self) -> Iterator[supervision.Supervised]:
        """The scripts that are to be watched, and what they are known to suffer from."""
        return supervision.supervised(self._ledger)

    def validate(self) -> None:
        """Check the invariants; raises `InvariantBroken`."""
        invariants.validate(self._ledger)

    def story(self, index: int) -> str:
        """Everything that happened to a script and why, a line each.

        Raises
        ------
        Refused
            If there is no such script.
        """
        return str(self._ledger.script(index).story)

    def reason(self, index: int) -> str:
        """Why a script ended as it did, with what it printed last if it failed.

        "" if it has not ended, or has ended well.
        """
        return self._ledger.script(index).account

    def phase(self, index: int) -> Phase:
        """Where a script is in its life; the phase's value says it in words."""
        return self._ledger.script(index).phase

    def wish(self, index: int) -> AddScript:
        """What was asked for when a script was added."""
        return self._ledger.script(index).wish

    @property
    def queue(self) -> QueueView:
        """The queue as it is now."""
        return queue_view(self._ledger)

    @property
    def slots(self) -> SlotsView:
        """The slots as they are now."""
        return slots_view(self._ledger)

    @property
    def layout(self) -> Layout:
        """The layout in force."""
        return self._ledger.layout

    def record(self, index: int) -> ScriptRecord:
        """What a history keeps of a script."""
        return self._ledger.scripts[index].record()

    def script(self, index: int) -> ScriptView:
        """A script as it is now."""
        return self._ledger.script(index).view()
