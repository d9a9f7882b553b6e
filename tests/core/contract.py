# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the world may rely on, checked on the effects alone, event by event.

`Watcher` knows nothing of the model's inside. It is told of every event and
of the effects that came of it, and raises AssertionError when

- a script is published that the last published queue does not list;
- ``run`` is sent twice, without an announced group id, while the queue is
  disabled or paused, while another script has not ended, or while the place
  of a script that ran is held by a stop command that is under way;
- a visit is announced but neither begins nor is cancelled, or is cancelled
  though it has begun;
- a group id is not later than all before it;
- a command is not answered exactly once, or reported on after its answer;
- a refused command has changed something;
- a process is launched, configured or ended that should not be;
- a time limit is not started and ended in pairs;
- anything happens after the shutdown has finished.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from lsst.ts.scriptqueue.core import commands as cmd
from lsst.ts.scriptqueue.core import effects as fx
from lsst.ts.scriptqueue.core import events as ev
from lsst.ts.scriptqueue.core.states import ScriptState
from lsst.ts.scriptqueue.core.views import QueueView, ScriptView

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
_HARMLESS = (fx.AckCommand, fx.PublishQueue, fx.PublishScript, fx.WriteLog)


@dataclass
class Watched:
    """What was seen of one script."""

    launched: bool = False
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

    queue: QueueView | None = None
    shown: dict[int, ScriptView] = field(default_factory=dict)
    scripts: dict[int, Watched] = field(default_factory=dict)
    open_commands: set[int] = field(default_factory=set)
    answered: dict[int, fx.AckCommand] = field(default_factory=dict)
    timers: dict[int, fx.SetTimer] = field(default_factory=dict)
    holding: set[int] = field(default_factory=set)
    last_group_id: str = ""
    finished: bool = False
    _reported: tuple[int, bool] = (0, False)

    def script(self, index: int) -> Watched:
        return self.scripts.setdefault(index, Watched())

    def see(self, event: ev.Event, effects: list[fx.Effect]) -> None:
        """Check what came of an event."""
        before = (self.queue, dict(self.shown))
        finished = self.finished
        self._see_event(event)
        for effect in effects:
            self._see_effect(effect)
        if finished:
            told = [effect for effect in effects if not isinstance(effect, _HARMLESS)]
            assert not told, f"after the shutdown: {told}"
        if isinstance(event, ev.CommandGiven):
            self._check_refusal(event, effects, *before)
        self._check_ends()

    def _runs(self, indices: tuple[int, ...]) -> bool:
        """Is the current script one of these, and has it not failed?"""
        current = self.queue.current if self.queue else 0
        return current in indices and current != 0 and self.shown[current].script_state not in _FAILED

    def _see_event(self, event: ev.Event) -> None:
        match event:
            case ev.CommandGiven():
                self.open_commands.add(event.command_id)
                if isinstance(event.command, cmd.StopScripts) and self._runs(event.command.indices):
                    self.holding.add(event.command_id)
            case ev.ProcessStarted():
                self.script(event.index).process = True
            case ev.ProcessExited():
                self.script(event.index).process = False
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
            case fx.PublishScript():
                self._see_script(effect.view)
            case fx.LaunchProcess():
                watched = self.script(effect.index)
                assert not watched.launched, f"{effect.index} is launched twice"
                watched.launched = True
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
                self.holding.discard(effect.command_id)
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

    def _see_queue(self, view: QueueView) -> None:
        listed = [index for index in (view.current, *view.waiting, *view.past) if index]
        assert len(listed) == len(set(listed)), f"listed twice: {view}"
        self.queue = view

    def _see_script(self, view: ScriptView) -> None:
        queue = self.queue
        assert queue is not None, "a script is published before any queue"
        assert view.index in (queue.current, *queue.waiting, *queue.past), f"{view.index} is not listed"
        self.shown[view.index] = view
        watched = self.script(view.index)
        reported_index, begun = self._reported
        if watched.run_sent and reported_index == view.index and begun:
            watched.begun = True

    def _see_group_id(self, effect: fx.SetGroupId) -> None:
        watched = self.script(effect.index)
        assert watched.process, f"{effect.index} has no process to give a group id to"
        if effect.group_id and effect.group_id != watched.group_id:
            assert effect.group_id > self.last_group_id, f"{effect} is not later than {self.last_group_id}"
            self.last_group_id = effect.group_id
        watched.group_id = effect.group_id

    def _see_run(self, effect: fx.RunScript) -> None:
        queue, watched = self.queue, self.script(effect.index)
        assert queue is not None
        assert queue.enabled, "run is sent while disabled"
        assert queue.running, "run is sent while paused"
        assert queue.current == effect.index, "run is sent before the queue shows the script as current"
        assert watched.process, f"{effect.index} has no process to run"
        assert not watched.run_sent, f"run is sent twice to {effect.index}"
        assert watched.visit, f"run is sent to {effect.index} before its visit is announced"
        assert not self.holding, f"run is sent to {effect.index} while a stop holds the place"
        active = [
            index
            for index, other in self.scripts.items()
            if index != effect.index
            and other.process
            and not other.past
            and index not in queue.past
            and self.shown[index].script_state in _ACTIVE
        ]
        assert not active, f"run is sent to {effect.index} while {active} are active"
        watched.run_sent = True

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
        others = [effect for effect in effects if not isinstance(effect, fx.AckCommand | fx.PublishQueue)]
        assert not others, f"{event.command} was refused but wants {others}"

    def _check_ends(self) -> None:
        queue = self.queue
        if queue is None:
            return
        for index in queue.past:
            watched = self.script(index)
            if not watched.past:
                watched.past = True
                assert watched.begun or not watched.visit, (
                    f"{index} ended, its visit neither began nor was cancelled"
                )
