# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the world may rely on, checked on the effects alone, event by event.

`Watcher` knows nothing of the model's inside. It is told of every event and
of the effects that came of it, and raises AssertionError when

- a script is published that the last published queue does not list;
- ``run`` is sent twice, unless the script has given its group id back in
  between, or is sent without a group id (announced, where the slot
  announces), while the queue is disabled or paused, to more scripts of a slot
  than it has places for, or while the place of a script that ran is held by a
  stop command that is under way;
- ``run`` is sent to a script that shares what it needs with one that runs;
- a visit is announced but neither begins nor is cancelled, or is cancelled
  though it has begun;
- a group id is not later than all before it;
- a command is not answered exactly once, or reported on after its answer;
- a refused command has changed something;
- a process is launched, configured or ended that should not be: a script is
  launched again only after a restart, if its process was lost before it was
  told to run, or if it never was confirmed that there is one;
- a time limit is not started and ended in pairs;
- after a restart not everything is published again;
- a script comes back from the history;
- anything happens after the shutdown has finished.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from lsst.ts.scriptqueue.core import commands as cmd
from lsst.ts.scriptqueue.core import effects as fx
from lsst.ts.scriptqueue.core import events as ev
from lsst.ts.scriptqueue.core.layout import Layout, LegacyQueue
from lsst.ts.scriptqueue.core.states import ScriptState
from lsst.ts.scriptqueue.core.views import QueueView, ScriptView, SlotsView

from .clashes import clash

__all__ = ["Watched", "Watcher"]

#: A script that has reported one of these has begun its visit.
_BEGUN = frozenset(
    {
        ScriptState.RUNNING,
        ScriptState.PAUSED,
        ScriptState.ENDING,
        ScriptState.FAILING,
        ScriptState.DONE,
        ScriptState.FAILED,
    }
)

_FAILED = frozenset({ScriptState.FAILED, ScriptState.CONFIGURE_FAILED})
_ACTIVE = frozenset(
    {
        ScriptState.RUNNING,
        ScriptState.PAUSED,
        ScriptState.ENDING,
        ScriptState.STOPPING,
        ScriptState.FAILING,
    }
)

#: What may still be said after a shutdown has finished.
_HARMLESS = (fx.AckCommand, fx.AnswerAgain, fx.PublishQueue, fx.PublishSlots, fx.PublishScript, fx.WriteLog)


@dataclass
class Watched:
    """What was seen of one script."""

    launch_id: str = ""
    may_be_launched: bool = True
    is_pending: bool = False
    may_exist: bool = False
    process: bool = False
    configured: bool = False
    group_id: str = ""
    visit: str = ""
    run_sent: bool = False
    begun: bool = False
    past: bool = False


@dataclass
class Watcher:
    """Checks what goes out."""

    layout: Layout = field(default_factory=Layout)
    queue: QueueView | None = None
    slots: SlotsView | None = None
    shown: dict[int, ScriptView] = field(default_factory=dict)
    scripts: dict[int, Watched] = field(default_factory=dict)
    open_commands: set[int] = field(default_factory=set)
    answered: dict[int, fx.AckCommand] = field(default_factory=dict)
    timers: dict[int, fx.SetTimer] = field(default_factory=dict)
    #: Each stop command under way -> the scripts it names, and the slots it holds.
    holding: dict[int, tuple[tuple[int, ...], set[int]]] = field(default_factory=dict)
    last_group_id: str = ""
    finished: bool = False
    clearing: dict[int, int] = field(default_factory=dict)
    wished_layout: Layout | None = None
    reconfigured: bool = False
    _reported: tuple[int, bool] = (0, False)
    _placed_before: frozenset[int] = frozenset()

    def script(self, index: int) -> Watched:
        return self.scripts.setdefault(index, Watched())

    def see(self, event: ev.Event, effects: list[fx.Effect]) -> None:
        """Check what came of an event."""
        if self.slots is not None:
            self._placed_before = frozenset(index for index, _, has_place in self.slots.scripts if has_place)
        before = (self.queue, dict(self.shown))
        finished = self.finished and not isinstance(event, ev.Restarted)
        self._see_event(event)
        for effect in effects:
            self._see_effect(effect)
        if finished:
            told = [effect for effect in effects if not isinstance(effect, _HARMLESS)]
            assert not told, f"after the shutdown: {told}"
        if isinstance(event, ev.CommandGiven):
            self._check_refusal(event, effects, *before)
        if isinstance(event, ev.Restarted):
            self._check_all_is_told()
        self._check_ends()

    def _slots_of(self, indices: tuple[int, ...]) -> set[int]:
        """In which slots is one of these in its place, and has not failed?"""
        return {
            slot
            for index, slot, is_active in (self.slots.scripts if self.slots else ())
            if is_active
            and index in indices
            and self.script(index).run_sent
            and self.shown[index].script_state not in _FAILED
        }

    def _see_event(self, event: ev.Event) -> None:
        match event:
            case ev.CommandGiven():
                self.open_commands.add(event.command_id)
                if isinstance(event.command, cmd.StopScripts):
                    indices = event.command.indices
                    self.holding[event.command_id] = indices, self._slots_of(indices)
                if isinstance(event.command, cmd.Reconfigure):
                    self.wished_layout = event.command.layout
                    self.reconfigured = True
            case ev.ProcessStarted():
                watched = self.script(event.index)
                watched.process, watched.is_pending = True, False
            case ev.LaunchFailed():
                self.script(event.index).is_pending = False
            case ev.ProcessExited():
                watched = self.script(event.index)
                watched.process = False
                watched.may_be_launched = event.while_away and not watched.run_sent
            case ev.Restarted():
                self._see_restart()
            case ev.ScriptAnswered() if event.accepted and event.request in self.clearing:
                self.script(self.clearing.pop(event.request)).run_sent = False
            case ev.TimerExpired():
                self.timers.pop(event.request, None)
            case _:
                pass
        self._reported = (
            (event.index, event.state in _BEGUN) if isinstance(event, ev.ScriptStateReported) else (0, False)
        )

    def _see_effect(self, effect: fx.Effect) -> None:
        match effect:
            case fx.PublishQueue():
                self._see_queue(effect.view)
            case fx.PublishSlots():
                self._see_slots(effect.view)
            case fx.PublishScript():
                self._see_script(effect.view)
            case fx.LaunchProcess():
                self._see_launch(effect)
            case fx.TerminateProcess():
                assert self.script(effect.index).process, f"{effect.index} has no process to end"
            case fx.ConfigureScript():
                watched = self.script(effect.index)
                assert watched.process, f"{effect.index} has no process to configure"
                assert not watched.configured, f"{effect.index} is configured twice"
                watched.configured = True
            case fx.SetGroupId():
                self._see_group_id(effect)
            case fx.PublishNextVisit():
                watched = self.script(effect.index)
                assert watched.group_id == effect.group_id, f"{effect} is not the group id it was given"
                assert not watched.visit, f"{effect.index} is announced twice"
                assert not watched.run_sent, f"{effect.index} is announced after run"
                watched.visit = effect.group_id
            case fx.PublishNextVisitCanceled():
                watched = self.script(effect.index)
                assert effect.group_id, "a cancelled visit has a group id"
                assert watched.visit == effect.group_id, f"{effect} cancels what is not announced"
                assert not watched.begun, f"{effect} cancels a visit that has begun"
                watched.visit = ""
            case fx.RunScript():
                self._see_run(effect)
            case fx.AckCommand():
                assert effect.command_id in self.open_commands, (
                    f"{effect} answers a command nobody gave, or twice"
                )
                self.open_commands.discard(effect.command_id)
                self.holding.pop(effect.command_id, None)
                self.answered[effect.command_id] = effect
            case fx.ReportInProgress():
                assert effect.command_id in self.open_commands, f"{effect} comes after the answer"
                assert effect.timeout_s > 0
            case fx.SetTimer():
                assert effect.request not in self.timers, f"{effect} runs already"
                assert effect.delay_s > 0
                self.timers[effect.request] = effect
            case fx.CancelTimer():
                assert self.timers.pop(effect.request, None) is not None, f"{effect} does not run"
            case fx.Forget():
                watched = self.scripts.pop(effect.index)
                assert not watched.process, f"{effect.index} is forgotten but its process lives"
                self.shown.pop(effect.index, None)
            case fx.FinishShutdown():
                assert not self.finished, "the shutdown finishes twice"
                assert not any(watched.process for watched in self.scripts.values())
                self.finished = True
            case _:
                pass

    def _see_restart(self) -> None:
        self.queue = self.slots = None
        self.shown = {}
        self.finished = False
        self.timers.clear()
        self.clearing.clear()
        for watched in self.scripts.values():
            # What was asked may not have been done.
            if watched.is_pending:
                watched.may_be_launched = watched.may_exist = True
            watched.configured = False

    def _check_all_is_told(self) -> None:
        assert self.queue is not None, "the queue is not published again"
        assert self.slots is not None, "the slots are not published again"
        live = {index for index, _, _ in self.slots.scripts}
        assert set(self.queue.past) - live <= self.shown.keys(), "what has ended is not published again"

    def _see_launch(self, effect: fx.LaunchProcess) -> None:
        watched = self.script(effect.index)
        assert watched.may_be_launched, f"{effect.index} is launched twice"
        assert not watched.process, f"{effect.index} is launched, but has a process"
        assert not watched.run_sent, f"{effect.index} is launched again, but may have run"
        assert not watched.visit, f"{effect.index} is launched again, but still announced"
        assert effect.may_exist is watched.may_exist, f"{effect}: may its process exist?"
        is_same = effect.launch_id == watched.launch_id
        assert is_same is effect.may_exist, f"{effect} is not another launch, or not the same one"
        watched.launch_id = effect.launch_id
        watched.may_be_launched = watched.may_exist = watched.configured = False
        watched.is_pending = True
        watched.group_id = ""

    def _see_slots(self, view: SlotsView) -> None:
        queue = self.queue
        assert queue is not None, "the slots are published before the queue"
        self.slots = view
        wished = self.wished_layout
        if wished is not None and [slot.name for slot in view.slots] == [slot.name for slot in wished.slots]:
            self.layout, self.wished_layout = wished, None
        main = [index for index, slot, is_active in view.scripts if slot == 0 and is_active]
        if self.layout.slots[0].announces_visits:
            assert main in ([], [queue.current])
        else:
            # One that has been admitted without a group id waits for it, but has its place.
            assert not main or main[0] in {queue.current, *queue.waiting}
        live = {index for index, _, _ in view.scripts}
        if self.layout.legacy_queue is not LegacyQueue.MAIN_ONLY:
            assert live <= {queue.current, *queue.waiting, *queue.past}, "a live script is not listed"

    def _see_queue(self, view: QueueView) -> None:
        listed = [index for index in (view.current, *view.waiting, *view.past) if index]
        assert len(listed) == len(set(listed)), f"listed twice: {view}"
        self.queue = view

    def _see_script(self, view: ScriptView) -> None:
        queue = self.queue
        assert queue is not None, "a script is published before any queue"
        listed = {queue.current, *queue.waiting, *queue.past}
        if self.layout.legacy_queue is LegacyQueue.MAIN_ONLY and self.slots:
            listed |= {index for index, _, _ in self.slots.scripts}
        assert view.index in listed, f"{view.index} is not listed"
        self.shown[view.index] = view
        watched = self.script(view.index)
        reported_index, begun = self._reported
        if watched.run_sent and reported_index == view.index and begun:
            watched.begun = True

    def _see_group_id(self, effect: fx.SetGroupId) -> None:
        watched = self.script(effect.index)
        assert watched.process, f"{effect.index} has no process to give a group id to"
        if not effect.group_id:
            self.clearing[effect.request] = effect.index
        if effect.group_id and effect.group_id != watched.group_id:
            assert effect.group_id > self.last_group_id, f"{effect} is not later than {self.last_group_id}"
            self.last_group_id = effect.group_id
        watched.group_id = effect.group_id

    def _see_run(self, effect: fx.RunScript) -> None:
        queue, slots, watched = self.queue, self.slots, self.script(effect.index)
        assert queue is not None
        assert slots is not None
        (number,) = [slot for index, slot, is_active in slots.scripts if index == effect.index and is_active]
        settings = self.layout.slots[number]
        # One that was admitted a moment before, because it lacked its group id, goes on.
        is_at_once = effect.index not in self._placed_before
        if is_at_once:
            assert queue.enabled, "run is sent while disabled"
            assert slots.slots[number].running, "run is sent while paused"
        if settings.announces_visits:
            assert watched.visit, f"run is sent to {effect.index} before its visit is announced"
        if number == 0:
            assert queue.current == effect.index, "run is sent before the queue shows the script as current"
        assert watched.process, f"{effect.index} has no process to run"
        assert watched.group_id, f"{effect.index} has no group id to run with"
        assert not watched.run_sent, f"run is sent twice to {effect.index}"
        if is_at_once:
            live = {index for index, slot, _ in slots.scripts if slot == number}
            held = [live & {*named} for named, places in self.holding.values() if number in places]
            assert not any(held), f"run is sent to {effect.index} while a stop holds the place: {held}"
        watched.run_sent = True
        self._check_neighbours(effect.index, number, is_at_once)

    def _check_neighbours(self, index: int, number: int, is_at_once: bool) -> None:
        """Nobody who runs has what this one needs, and its slot has room."""
        assert self.slots is not None
        # One that is admitted first and run later cannot help it if another runs untold meanwhile.
        others = [
            (other, slot)
            for other, slot, _ in self.slots.scripts
            if other != index
            and self.script(other).process
            and self.shown[other].script_state in _ACTIVE
            and (is_at_once or self.script(other).run_sent)
        ]
        capacity = self.layout.slots[number].capacity
        assert sum(slot == number for _, slot in others) < capacity, f"{index} runs beside {others}"
        if len(self.layout.slots) == 1 or self.reconfigured:
            return
        mine = self.shown[index].resources
        assert mine, f"{index} runs, but nobody has said what it needs"
        for other, _ in others:
            theirs = self.shown[other].resources or "*"
            assert not clash(mine, theirs), f"{index} ({mine}) runs beside {other} ({theirs})"

    def _check_refusal(
        self,
        event: ev.CommandGiven,
        effects: list[fx.Effect],
        queue: QueueView | None,
        shown: dict[int, ScriptView],
    ) -> None:
        ack = self.answered.get(event.command_id)
        if ack is None or ack.accepted:
            return
        assert ack.result, "a refusal says why"
        assert queue in (None, self.queue), f"{event.command} was refused but changed the queue"
        assert self.shown == shown, f"{event.command} was refused but changed a script"
        others = [
            effect
            for effect in effects
            if not isinstance(effect, fx.AckCommand | fx.PublishQueue | fx.PublishSlots)
        ]
        assert not others, f"{event.command} was refused but wants {others}"

    def _check_ends(self) -> None:
        queue = self.queue
        if queue is None:
            return
        live = {index for index, _, _ in self.slots.scripts} if self.slots else set()
        for index in live:
            assert not self.script(index).past, f"{index} comes back from the history"
        for index in queue.past:
            if index in live:
                continue
            watched = self.script(index)
            if not watched.past:
                watched.past = True
                assert watched.begun or not watched.visit, (
                    f"{index} ended, its visit neither began nor was cancelled"
                )
