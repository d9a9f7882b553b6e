# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A world around a model, that can do whatever the real one can do.

It keeps what is outstanding: launches, processes, unanswered commands, time
limits (also those cancelled a moment ago, whose expiry may be on its way),
and questions for ids of blocks. It may let any of that happen, in any order,
badly or well; but it never lets happen what an edge cannot produce, such as
the exit of a process that was not started.

The service may be torn away between any two things it does, and another one
go on with what it had written. What a script is told to run is kept: it must
never run twice, nor be run again in another process.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from lsst.ts.scriptqueue.core import commands as cmd
from lsst.ts.scriptqueue.core import effects as fx
from lsst.ts.scriptqueue.core import events as ev
from lsst.ts.scriptqueue.core.concerns import Concern
from lsst.ts.scriptqueue.core.layout import Layout
from lsst.ts.scriptqueue.core.model import QueueModel
from lsst.ts.scriptqueue.core.needs import Description
from lsst.ts.scriptqueue.core.states import FINAL_STATES, ScriptState
from lsst.ts.scriptqueue.core.views import VisitMetadata

from .driver import START_TAI, Driver, written_and_read
from .layouts import SERIAL
from .processes import Process

__all__ = ["OBSERVED", "Process", "Question", "World"]

S = ScriptState
Question = fx.ConfigureScript | fx.SetGroupId | fx.RunScript | fx.StopScript

#: What may be observed of a process, right or wrong, at any time.
OBSERVED: tuple[Callable[[float, int], ev.Event], ...] = (
    ev.ProcessStopped,
    ev.ProcessContinued,
    lambda at_tai, index: ev.ScriptFellSilent(at_tai, index, at_tai - 30.0),
    lambda at_tai, index: ev.ScriptFellSilent(at_tai, index, at_tai - 30.0, was_heard=False),
    ev.ScriptHeardAgain,
    ev.ScriptOverdue,
)

#: Steps after which a world that behaves must have come to rest.
_MAX_STEPS = 5_000


class World:
    """Everything around a model."""

    def __init__(self, first_index: int = 100_000, history: int = 3, layout: Layout = SERIAL) -> None:
        self.driver = Driver(history=history, layout=layout, relaunches=1)
        self.driver.model._ledger.indices.next = first_index
        self.first_index = first_index
        self.events: list[ev.Event] = []
        self.answers: list[list[fx.Effect]] = []
        #: Who else looks at what comes of an event.
        self.on_effects: Callable[[list[fx.Effect]], None] = lambda effects: None
        self.launches: list[int] = []
        #: Processes of which the queue does not know.
        self.unknown: dict[int, Process] = {}
        #: Processes that have gone while no queue was there, which is still to be told.
        self.gone_away: dict[int, Process] = {}
        #: Scripts whose last state a new service is still to be told.
        self.untold: dict[int, Process] = {}
        self.have_run: set[int] = set()
        self._carried_out: int | None = None
        self.processes: dict[int, Process] = {}
        self.questions: list[Question] = []
        self.block_requests: list[fx.RequestBlockId] = []
        self.cancelled_timers: list[fx.SetTimer] = []
        self.known: dict[int, None] = {}
        self._last_pid = 1_000
        self._last_command = 1_000_000

    def live(self) -> list[int]:
        """The scripts that run or wait, slot by slot, those that run first."""
        return [index for index, _, _ in self.driver.model.slots.scripts]

    # One step each.

    def apply(self, event: ev.Event) -> None:
        timers = dict(self.driver.watcher.timers)
        effects = self.driver.apply(event)
        self.events.append(event)
        self.answers.append(effects)
        self.on_effects(effects)
        for effect in effects:
            if not self._is_carried_out(effect):
                continue
            match effect:
                case fx.LaunchProcess():
                    self.launches.append(effect.index)
                    self.known[effect.index] = None
                case fx.TerminateProcess():
                    if effect.index not in self.gone_away:
                        self.processes[effect.index].to_go = True
                case fx.ConfigureScript() | fx.SetGroupId() | fx.RunScript() | fx.StopScript():
                    self.questions.append(effect)
                case fx.RequestBlockId():
                    self.block_requests.append(effect)
                case fx.CancelTimer():
                    if effect.request in timers:
                        self.cancelled_timers.append(timers[effect.request])
                case fx.Forget():
                    self.known.pop(effect.index, None)
                    self.have_run.discard(effect.index)
                    self.untold.pop(effect.index, None)
                case _:
                    pass

    def _is_carried_out(self, effect: fx.Effect) -> bool:
        if self._carried_out is None or isinstance(effect, fx.CancelTimer | fx.Forget):
            return True
        self._carried_out -= 1
        return self._carried_out >= 0

    def give(self, command: cmd.Command) -> None:
        self._last_command += 1
        self.apply(ev.CommandGiven(self.driver.now, self._last_command, command))

    def enable(self, enabled: bool) -> None:
        self.apply(ev.EnabledChanged(self.driver.now, enabled))

    def start(self, index: int, wrapped: bool = False) -> None:
        self.launches.remove(index)
        process = self.unknown.pop(index, None) or self._new_process(wrapped)
        self.processes[index] = process
        self.apply(ev.ProcessStarted(self.driver.now, index, process.pid))

    def _new_process(self, wrapped: bool) -> Process:
        self._last_pid += 2
        pid = self._last_pid
        return Process(pid, pid + 1 if wrapped else pid)

    def fail_launch(self, index: int) -> None:
        if index in self.unknown:
            self.start(index)
            return
        self.launches.remove(index)
        self.apply(ev.LaunchFailed(self.driver.now, index, "no memory"))

    def exit(self, index: int, exit_code: int | None = 0, signal: int | None = None) -> None:
        del self.processes[index]
        self.apply(ev.ProcessExited(self.driver.now, index, exit_code, signal, "last line"))

    def report(self, index: int, state: ScriptState, origin: int = 0, sent_tai: float | None = None) -> None:
        """Report a state, as its own process if no other origin is given."""
        process = self.processes.get(index)
        if process is not None and origin == 0:
            if process.said is S.UNKNOWN:
                self.describe(index)
            # UNKNOWN is no state: who says it goes on as before.
            if state is not S.UNKNOWN:
                process.said = state
            origin = process.origin
        now = self.driver.now
        self.apply(
            ev.ScriptStateReported(
                now, index, state, "so it says", origin, now if sent_tai is None else sent_tai
            )
        )

    def describe(self, index: int, remotes: str = "") -> None:
        now, origin = self.driver.now, self.processes[index].origin
        self.apply(ev.ScriptDescriptionReported(now, index, Description(remotes=remotes), origin, now))

    def metadata(self, index: int, origin: int = 0) -> None:
        process = self.processes.get(index)
        if process is not None and origin == 0:
            origin = process.origin
        metadata = VisitMetadata(duration=1.0)
        self.apply(ev.ScriptMetadataReported(self.driver.now, index, metadata, origin, self.driver.now))

    def answer(self, question: Question, accepted: bool, text: str = "answer") -> None:
        self.questions.remove(question)
        process = self.processes.get(question.index) or self.gone_away.get(question.index)
        if process is not None and isinstance(question, fx.SetGroupId):
            # Whoever runs does not take it.
            accepted = accepted and not process.has_run
            process.is_named = bool(question.group_id) if accepted else process.is_named
        self.apply(ev.ScriptAnswered(self.driver.now, question.index, question.request, accepted, text))

    def expire(self, timer: fx.SetTimer) -> None:
        if timer in self.cancelled_timers:
            self.cancelled_timers.remove(timer)
        self.apply(ev.TimerExpired(self.driver.now, timer.index, timer.request))

    def give_block_id(self, request: fx.RequestBlockId) -> None:
        self.block_requests.remove(request)
        self.apply(ev.BlockIdGiven(self.driver.now, request.request, f"{request.block}_{request.request}"))

    def refuse_block_id(self, request: fx.RequestBlockId) -> None:
        self.block_requests.remove(request)
        self.apply(ev.BlockIdFailed(self.driver.now, request.request, "no name service"))

    # A service that is torn away.

    def tear_away(
        self,
        chance: random.Random,
        last: Callable[[], object],
        doomed: int = 0,
        *,
        resumes: bool = False,
    ) -> None:
        """Tear the service away while it does what comes of something, and let another one go on.

        Parameters
        ----------
        chance
            Decides what of it has been done, and what happens meanwhile.
        last
            What happened last.
        doomed
            A script whose process dies meanwhile; that of others may.
        resumes
            Does the queue go on by itself?
        """
        self._carried_out = chance.choice([0, 1, 2, 3, 5, 100])
        last()
        self._carried_out = None
        for index in self.launches:
            if chance.random() < 0.5:
                self.unknown.setdefault(index, self._new_process(wrapped=chance.random() < 0.2))
        for question in self.questions:
            process = self.processes.get(question.index)
            if process is not None and chance.random() < 0.5:
                self._take(process, question)
        for index, process in list(self.processes.items()):
            if index == doomed or chance.random() < (0.7 if process.to_go else 0.2):
                if chance.random() < 0.3 and process.said not in FINAL_STATES:
                    process.said = (
                        S.DONE if process.has_run else chance.choice([S.FAILED, S.CONFIGURE_FAILED])
                    )
                self.gone_away[index] = self.processes.pop(index)
        for index in list(self.unknown):
            if chance.random() < 0.2:
                del self.unknown[index]
        self.untold = self.processes | self.gone_away
        self.launches, self.questions, self.block_requests = [], [], []
        self.cancelled_timers = []
        self.driver.model = written_and_read(self.driver.model, self.driver.limits)
        self.apply(ev.Restarted(self.driver.now, resumes))
        assert self.unknown.keys() <= set(self.launches), "a process has no owner"

    def _take(self, process: Process, question: Question) -> None:
        """Let a question have reached a script, whose answer nobody hears."""
        match question:
            case fx.ConfigureScript() if process.said is S.UNCONFIGURED:
                process.said, process.configured_by = S.CONFIGURED, question.request
            case fx.SetGroupId() if not process.has_run:
                process.is_named = bool(question.group_id)
            case fx.RunScript() if process.said is S.CONFIGURED and not process.has_run:
                self._begin_to_run(question.index, process)
                process.said = S.RUNNING
            case fx.StopScript() if process.said not in FINAL_STATES:
                process.said = S.STOPPED
            case _:
                pass

    def _begin_to_run(self, index: int, process: Process) -> None:
        assert index not in self.have_run, f"{index} runs twice"
        assert process.is_named, f"{index} runs without a group id"
        process.has_run = True
        self.have_run.add(index)

    def tell_state(self, index: int) -> None:
        """Tell a new service what a script has said last."""
        process = self.untold.pop(index)
        if process.said is not S.UNKNOWN:
            self.report(index, process.said, process.origin)

    def tell_exit(self, index: int, exit_code: int | None = 0, signal: int | None = None) -> None:
        """Tell a new service that a process has gone before it was there."""
        del self.gone_away[index]
        self.apply(ev.ProcessExited(self.driver.now, index, exit_code, signal, "last line", while_away=True))

    # A world that behaves.

    def obey(self, index: int) -> bool:
        """Let a process do what is expected of it now; False if nothing is."""
        process = self.processes[index]
        questions = [question for question in self.questions if question.index == index]
        stop = next((question for question in questions if isinstance(question, fx.StopScript)), None)
        if process.to_go:
            self.exit(index, None, signal=15)
        elif process.said in FINAL_STATES:
            self.exit(index)
        elif stop is not None:
            self.report(index, S.STOPPED)
            self.answer(stop, True)
        elif process.said is S.UNKNOWN:
            self.report(index, S.UNCONFIGURED)
        elif questions:
            self._obey_question(process, questions[0])
        elif process.said not in (S.UNCONFIGURED, S.CONFIGURED):
            self.report(index, S.DONE)
        else:
            return False
        return True

    def _obey_question(self, process: Process, question: Question) -> None:
        index = question.index
        match question:
            case fx.ConfigureScript() if process.said is S.UNCONFIGURED:
                process.configured_by = question.request
                self.report(index, S.CONFIGURED)
            case fx.ConfigureScript() if process.configured_by == question.request:
                self.metadata(index)
                self.answer(question, True)
            case fx.ConfigureScript():
                said = f"Cannot configure: state={process.said.name} instead of UNCONFIGURED"
                self.answer(question, False, said)
            case fx.RunScript() if process.said is S.CONFIGURED and not process.has_run:
                self._begin_to_run(index, process)
                self.report(index, S.RUNNING)
            case fx.RunScript():
                self.report(index, S.DONE)
                self.answer(question, True)
            case _:
                self.answer(question, True)

    def come_to_rest(self) -> None:
        """Behave until nothing is left to do; the queue must have drained then."""
        for watched in list(self.driver.model.supervised()):
            # Whoever stopped a process lets it go on: until then its script need not start.
            if Concern.STOPPED in watched.concerns:
                self.apply(ev.ProcessContinued(self.driver.now, watched.index))
        for _ in range(_MAX_STEPS):
            self.driver.tick(0.01)
            if not self._behave_once():
                break
        else:
            raise AssertionError("the world does not come to rest")
        watcher = self.driver.watcher
        assert not self.driver.queue.current
        assert not self.live(), f"left in the queue: {self.driver.model.slots}"
        assert not watcher.open_commands, f"not answered: {watcher.open_commands}"
        assert not watcher.timers, f"not ended: {watcher.timers}"
        assert not self.processes, f"not ended: {self.processes}"
        assert not self.unknown, f"not ended: {self.unknown}"

    def _behave_once(self) -> bool:
        if self.launches:
            self.start(self.launches[0])
            return True
        if self.block_requests:
            self.give_block_id(self.block_requests[0])
            return True
        if self.untold:
            self.tell_state(next(iter(self.untold)))
            return True
        if self.gone_away:
            self.tell_exit(next(iter(self.gone_away)), None, 9)
            return True
        if any(self.obey(index) for index in list(self.processes)):
            return True
        queue = self.driver.model.queue
        if not self.driver.model._ledger.closing:
            if not queue.enabled:
                self.enable(True)
                return True
            if not all(slot.running for slot in self.driver.model.slots.slots):
                self.give(cmd.Resume("*"))
                return True
        timers = self.driver.watcher.timers
        if timers:
            self.expire(next(iter(timers.values())))
            return True
        return False

    def check_determinism(self) -> None:
        """The same events give the same effects."""
        model = QueueModel(1, self.driver.limits, self.driver.layout)
        model._ledger.indices.next = self.first_index
        model.handle(ev.EnabledChanged(START_TAI, True))
        # Compared as text, in which nothing hides behind equality.
        again = []
        for event in self.events:
            if isinstance(event, ev.Restarted):
                model = written_and_read(model, self.driver.limits)
            again.append(repr(model.handle(event)))
        assert again == [repr(effects) for effects in self.answers]
