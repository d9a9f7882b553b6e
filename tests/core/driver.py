# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A model at the wheel: every event is validated and watched.

`Driver` is a queue whose world does only what a test says, one step a line.
Each step advances its clock by a second, so that what happens can be told
apart by its time.
"""

from __future__ import annotations

import json
from typing import Any, TypeVar

from lsst.ts.scriptqueue.core import commands as cmd
from lsst.ts.scriptqueue.core import effects as fx
from lsst.ts.scriptqueue.core import events as ev
from lsst.ts.scriptqueue.core.admission import walk
from lsst.ts.scriptqueue.core.indices import INDICES_PER_QUEUE
from lsst.ts.scriptqueue.core.layout import Layout
from lsst.ts.scriptqueue.core.limits import Limits, Reaction, Supervision
from lsst.ts.scriptqueue.core.model import QueueModel
from lsst.ts.scriptqueue.core.needs import Description
from lsst.ts.scriptqueue.core.phases import Phase
from lsst.ts.scriptqueue.core.slots import Slot
from lsst.ts.scriptqueue.core.states import Location, ScriptState
from lsst.ts.scriptqueue.core.views import QueueView, VisitMetadata

from .contract import Watcher

__all__ = ["REACTING", "Driver", "START_TAI", "an_add", "pid_of", "written_and_read"]

START_TAI = 2_000_000_000.0

#: Silence and overtime lead somewhere, unless a test says otherwise.
REACTING = Supervision(on_silence=Reaction.STOP, on_overtime=Reaction.TERMINATE)

E = TypeVar("E", bound=fx.Effect)


def an_add(**overrides: Any) -> cmd.AddScript:
    """An ``add``, of a standard script at the end unless said otherwise.

    ``location`` and ``relative_to`` make the target.
    """
    location = overrides.pop("location", Location.LAST)
    relative_to = overrides.pop("relative_to", 0)
    fields: dict[str, Any] = {
        "is_standard": True,
        "path": "slew.py",
        "target": cmd.Target(location, relative_to),
    }
    return cmd.AddScript(**(fields | overrides))


def pid_of(index: int) -> int:
    """The process id the driver gives to a script's process."""
    return index + 1_000_000


def written_and_read(model: QueueModel, limits: Limits) -> QueueModel:
    """The model that comes of what a model has written down."""
    sal_index = model._ledger.indices._first // INDICES_PER_QUEUE
    return QueueModel.restored(json.loads(json.dumps(model.snapshot())), sal_index, limits)


class Driver:
    """A model, and the steps of its world.

    Parameters
    ----------
    enabled
        Is the component enabled from the start?
    layout
        The slots; by default only the main one.
    limits
        Fields of `Limits` that differ from the defaults.
    """

    def __init__(
        self, *, enabled: bool = True, sal_index: int = 1, layout: Layout | None = None, **limits: Any
    ) -> None:
        self.limits = Limits(**({"supervision": REACTING} | limits))
        self.layout = layout or Layout()
        self.model = QueueModel(sal_index, self.limits, self.layout)
        self.watcher = Watcher(self.layout)
        self.now = START_TAI
        self.effects: list[fx.Effect] = []
        self.last: list[fx.Effect] = []
        self._last_command = 0
        self.apply(ev.EnabledChanged(self.now, enabled))

    def apply(self, event: ev.Event) -> list[fx.Effect]:
        """Let something happen; its effects."""
        self.last = self.model.handle(event)
        self.effects += self.last
        self.model.validate()
        self.watcher.see(event, self.last)
        assert not walk(self.model._ledger).decisions, "something is left to decide"
        self._check_what_is_shown()
        return self.last

    def _check_what_is_shown(self) -> None:
        """What was published last is what is, whether or not the event has published it."""
        ledger = self.model._ledger
        assert ledger.shown_queue == self.model.queue
        assert ledger.shown_slots == self.model.slots

    def tick(self, seconds: float = 1.0) -> float:
        """The time, a little later."""
        self.now += seconds
        return self.now

    # What was wanted of the world.

    def of(self, kind: type[E]) -> list[E]:
        """The effects of a kind that the last event gave."""
        return [effect for effect in self.last if isinstance(effect, kind)]

    def all_of(self, kind: type[E]) -> list[E]:
        """The effects of a kind that there were so far."""
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def ack(self, command_id: int | None = None) -> fx.AckCommand | None:
        """The answer to a command, by default the last one given."""
        return self.watcher.answered.get(command_id or self._last_command)

    # What clients do.

    def give(self, command: cmd.Command) -> int:
        """Give a command; its number."""
        self._last_command += 1
        self.apply(ev.CommandGiven(self.tick(), self._last_command, command, cmd_id=self._last_command))
        return self._last_command

    def refused(self, command: cmd.Command) -> str:
        """Give a command that must be refused; the answer."""
        self.give(command)
        ack = self.ack()
        assert ack is not None, f"{command} is still under way"
        assert not ack.accepted, f"{command} was not refused"
        return ack.result

    def done(self, command: cmd.Command) -> str:
        """Give a command that must be done at once; the answer."""
        self.give(command)
        ack = self.ack()
        assert ack is not None, f"{command} is still under way"
        assert ack.accepted, ack.result
        return ack.result

    def add(self, **overrides: Any) -> int:
        """Add a script; its index."""
        self.give(an_add(**overrides))
        launches = self.of(fx.LaunchProcess)
        assert launches, f"not launched: {self.ack()}"
        return launches[0].index

    def stop(self, *indices: int, terminate: bool = False) -> int:
        return self.give(cmd.StopScripts(indices, terminate))

    def pause(self) -> None:
        self.done(cmd.Pause())

    def resume(self) -> None:
        self.done(cmd.Resume())

    def enable(self, enabled: bool = True) -> None:
        self.apply(ev.EnabledChanged(self.tick(), enabled))

    def shut_down(self, why: str = "SIGTERM") -> None:
        self.apply(ev.ShutdownRequested(self.tick(), why))

    def take_over(self, *, resumes: bool = False) -> None:
        """Tear the service away, and let another one go on with what it had written."""
        self.model = written_and_read(self.model, self.limits)
        self.apply(ev.Restarted(self.tick(), resumes))

    # What processes and scripts do.

    def start(self, index: int, pid: int | None = None) -> None:
        self.apply(ev.ProcessStarted(self.tick(), index, pid or pid_of(index), f"identity of {index}"))

    def fail_launch(self, index: int, reason: str = "cannot be executed: Exec format error") -> None:
        self.apply(ev.LaunchFailed(self.tick(), index, reason))

    def exit(
        self,
        index: int,
        exit_code: int | None = 0,
        *,
        signal: int | None = None,
        output_tail: str = "",
        while_away: bool = False,
        ended_ago_s: float = 0.0,
    ) -> None:
        code = exit_code if signal is None else None
        self.apply(
            ev.ProcessExited(
                self.tick(),
                index,
                code,
                signal,
                output_tail,
                while_away=while_away,
                ended_ago_s=ended_ago_s,
            )
        )

    def report(
        self,
        index: int,
        *states: ScriptState,
        reason: str = "",
        origin: int | None = None,
        sent_tai: float | None = None,
    ) -> None:
        for state in states:
            if state is ScriptState.UNCONFIGURED:
                self.describe(index, origin=origin, sent_tai=sent_tai)
            now = self.tick()
            self.apply(
                ev.ScriptStateReported(
                    now,
                    index,
                    state,
                    reason,
                    pid_of(index) if origin is None else origin,
                    now if sent_tai is None else sent_tai,
                )
            )

    def describe(
        self,
        index: int,
        resources: str = "",
        remotes: str = "",
        *,
        origin: int | None = None,
        sent_tai: float | None = None,
    ) -> None:
        """Let a script describe itself, as it does before it reports a state."""
        self.apply(
            ev.ScriptDescriptionReported(
                self.now,
                index,
                Description(resources, remotes),
                pid_of(index) if origin is None else origin,
                self.now if sent_tai is None else sent_tai,
            )
        )

    def metadata(self, index: int, **fields: Any) -> None:
        now = self.tick()
        self.apply(ev.ScriptMetadataReported(now, index, VisitMetadata(**fields), pid_of(index), now))

    def answer(self, index: int, accepted: bool = True, text: str = "") -> None:
        """Answer the last command that was sent to a script."""
        asked = [
            effect
            for effect in self.effects
            if isinstance(effect, fx.ConfigureScript | fx.SetGroupId | fx.RunScript | fx.StopScript)
            and effect.index == index
        ]
        self.apply(ev.ScriptAnswered(self.tick(), index, asked[-1].request, accepted, text))

    def timer(self, index: int) -> fx.SetTimer:
        """The time limit that runs for a script."""
        return next(timer for timer in self.watcher.timers.values() if timer.index == index)

    def expire(self, index: int) -> None:
        """Let the time limit that runs for a script expire."""
        timer = self.timer(index)
        self.tick(timer.delay_s)
        self.apply(ev.TimerExpired(self.now, index, timer.request))

    # What is observed of them.

    def fall_silent(self, index: int, *, was_heard: bool = True) -> None:
        self.apply(ev.ScriptFellSilent(self.tick(), index, self.now - 30.0, was_heard))

    def hear(self, index: int) -> None:
        self.apply(ev.ScriptHeardAgain(self.tick(), index))

    def freeze(self, index: int) -> None:
        self.apply(ev.ProcessStopped(self.tick(), index))

    def thaw(self, index: int) -> None:
        self.apply(ev.ProcessContinued(self.tick(), index))

    def run_over(self, index: int) -> None:
        self.apply(ev.ScriptOverdue(self.tick(), index))

    # Well-trodden ways.

    def configure(self, index: int) -> None:
        """Bring a script that was added to CONFIGURED, or further if it is next."""
        self.start(index)
        self.report(index, ScriptState.UNCONFIGURED)
        self.metadata(index, duration=30.0)
        self.report(index, ScriptState.CONFIGURED)

    def add_configured(self, **overrides: Any) -> int:
        index = self.add(**overrides)
        self.configure(index)
        return index

    def run(self, index: int) -> None:
        """Bring a configured script that is next to RUNNING."""
        self.answer(index)
        self.report(index, ScriptState.RUNNING)

    def add_running(self, **overrides: Any) -> int:
        index = self.add_configured(**overrides)
        self.run(index)
        return index

    def finish(self, index: int) -> None:
        """Let a running script end well, and its process exit."""
        self.report(index, ScriptState.ENDING, ScriptState.DONE)
        self.exit(index)

    def end_for_good(self, index: int) -> None:
        """Stop a script at once, let its process go, and see that it is gone and the stop answered."""
        self.stop(index, terminate=True)
        if self.phase(index) is Phase.ABANDONED:
            self.start(index)
        if self.watcher.script(index).process:
            self.exit(index, signal=15)
        assert self.phase(index) is Phase.GONE
        ack = self.ack()
        assert ack is not None
        assert ack.accepted

    # What can be seen.

    @property
    def queue(self) -> QueueView:
        assert self.watcher.queue == self.model.queue, "what is published is not what is"
        return self.model.queue

    def phase(self, index: int) -> Phase:
        return self.model.phase(index)

    def slot_of(self, index: int) -> Slot:
        """The slot a script is in, or was."""
        return self.model._ledger.slots[self.model.script(index).slot]

    def states(self, index: int) -> tuple[str, str]:
        """Script state and process state as published, by name."""
        view = self.watcher.shown[index]
        assert not self.model.script(index).tells_clients_of_one_slot(view)
        return view.script_state.name, view.process_state.name
