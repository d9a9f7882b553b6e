# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A random walk through a world around a model, decided by its seed.

Anything that can happen does, the rare nearly as often as the common.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from lsst.ts.scriptqueue.core import commands as cmd
from lsst.ts.scriptqueue.core import effects as fx
from lsst.ts.scriptqueue.core import events as ev
from lsst.ts.scriptqueue.core.layout import Layout
from lsst.ts.scriptqueue.core.phases import REPORT_OF_STATE, REPORTS, TRANSITIONS, Phase, Trigger
from lsst.ts.scriptqueue.core.scripts import Script
from lsst.ts.scriptqueue.core.states import Location, ScriptState

from .layouts import OBSERVATORY, RULINGS, SERIAL, TWO_SLOTS
from .world import OBSERVED, World

__all__ = ["Walk"]

Item = TypeVar("Item")
S = ScriptState
T = Trigger
STATES = [*S, S.RUNNING, S.DONE, S.STOPPED, S.FAILED, S.FAILED, S.CONFIGURE_FAILED]
#: Phases in which a walk lets scripts meet whatever they know. In the others it would end them before they
#: get anywhere.
CHANCY = frozenset(
    {
        Phase.ABANDONED,
        Phase.NAMED,
        Phase.UNNAMING,
        Phase.ENTERING,
        Phase.STRAYING,
        Phase.LOST_WAITING,
        Phase.STARTING,
        Phase.RUNNING,
        Phase.RECALLED,
        Phase.STOPPING,
        Phase.KILLING,
        Phase.BREAKING,
        Phase.GIVING_UP,
        Phase.LOST_RUNNING,
        Phase.LOST_STOPPING,
        Phase.FAILED,
        Phase.FAILED_GONE,
        Phase.LOST_AWAY,
        Phase.POSTPONED,
        Phase.DOUBTED,
    }
)
EXITS: list[tuple[int | None, int | None]] = [(0, None), (1, None), (None, 9), (None, 15)]


class Walk:
    """A walk of its own.

    Parameters
    ----------
    seed
        Decides all that is not given.
    layout
        The slots.
    history
        How many ended scripts the queue keeps.
    names
        The slots that commands name, "" for none.
    resources
        What scripts are said to need.
    changes_layout
        Is the queue configured anew now and then?
    restarts
        Is the service torn away now and then?
    """

    def __init__(
        self,
        seed: int,
        layout: Layout | None = None,
        history: int | None = None,
        names: Sequence[str] | None = None,
        resources: Sequence[str] = ("", "", "", "none", "ESS:1", "ESS", "MTCS,archive", "*,!ESS", "?"),
        *,
        changes_layout: bool = True,
        restarts: bool = False,
    ) -> None:
        self.seed = seed
        self.random = random.Random(seed)
        self.layout = layout or self.choice([SERIAL, SERIAL, TWO_SLOTS, OBSERVATORY])
        self._names = names or ["", "", "", *(slot.name for slot in self.layout.slots), "nonsense"]
        self._resources, self._changes_layout = resources, changes_layout
        self._restarts = restarts and self.random.random() < 0.3
        self.world = World(self.choice([100_000, 199_990]), history or self.choice([1, 3, 400]), self.layout)
        self._actions, weights = zip(*self.weighted_actions(), strict=True)
        self._weights = weights

    def go(self, steps: int) -> None:
        for _ in range(steps):
            self.world.driver.tick(self.choice([0.0, 0.001, 1.0, 60.0, -5.0]))
            (action,) = self.random.choices(self._actions, self._weights)
            action()
        self.world.come_to_rest()
        if self.seed % 4 == 0:
            self.world.check_determinism()

    def go_through_a_restart(self) -> None:
        """Go a short way, on which the service is torn away while a few scripts have got somewhere."""
        self.world.enable(True)
        for _ in range(self.random.randrange(1, 4)):
            self.world.give(self.an_add())
            for index in self.world.live():
                for _ in range(self.random.randrange(8)):
                    self.hasten(index)
        self.tear_away()
        for _ in range(self.random.randrange(8)):
            self.bring_something_about()
        self.go(5)

    def weighted_actions(self) -> Iterable[tuple[Callable[[], None], int]]:
        world = self.world
        yield self.work, 120
        yield lambda: world.give(self.an_add(target=self.target())), 10
        yield lambda: world.give(self.an_add()), 10
        yield self.add_of_a_block, 6
        yield lambda: world.give(cmd.MoveScript(self.index(), self.target(), self.slot())), 8
        yield lambda: world.give(cmd.RequeueScript(self.index(), self.target(), self.slot())), 4
        yield self.stop, 6
        yield lambda: world.give(cmd.Pause(self.slot())), 2
        yield lambda: world.give(cmd.Resume(self.choice(["", "*", "*", self.slot()]))), 24
        if self._changes_layout:
            yield lambda: world.give(cmd.Reconfigure(self.choice([self.layout, OBSERVATORY]))), 1
        yield lambda: world.give(cmd.ShowScript(self.index())), 2
        yield lambda: world.give(cmd.ChangeState()), 1
        yield lambda: world.enable(self.choice([True] * 5 + [False])), 6
        yield lambda: self.each(world.launches, world.fail_launch), 1
        yield (
            lambda: self.each(list(world.processes), lambda index: world.exit(index, *self.choice(EXITS))),
            6,
        )
        yield lambda: world.report(self.index(), self.choice(STATES)), 6
        yield lambda: self.each(world.live()[:1], lambda index: world.report(index, self.choice(STATES))), 5
        yield lambda: self.each(world.live()[:1], self.stop_one), 5
        yield self.bring_something_about, 50
        yield self.last_words_after_the_exit, 3
        if self._restarts:
            yield self.tear_away, 8
            yield lambda: self.each(list(world.untold), world.tell_state), 40
            yield lambda: self.each(list(world.gone_away), self.tell_exit), 20
        yield lambda: world.report(self.index(), self.choice(STATES), origin=3), 4
        yield lambda: world.apply(self.choice(OBSERVED)(world.driver.now, self.index())), 2
        yield lambda: world.metadata(self.index()), 3
        yield lambda: self.each(world.questions, lambda asked: world.answer(asked, False)), 8
        yield lambda: self.each(world.questions, lambda asked: world.answer(asked, True)), 4
        yield lambda: self.each(list(world.driver.watcher.timers.values()), world.expire), 8
        yield lambda: self.each(world.cancelled_timers, world.expire), 3
        yield lambda: self.each(world.block_requests, world.give_block_id), 8
        yield lambda: self.each(world.block_requests, world.refuse_block_id), 3
        if self.random.random() < 0.1:
            yield lambda: world.apply(ev.ShutdownRequested(world.driver.now, "SIGTERM")), 1

    def work(self) -> None:
        """Let one script get on."""
        if self.world.launches and self.random.random() < 0.5:
            self.world.start(self.choice(self.world.launches), wrapped=self.random.random() < 0.2)
        self.each(list(self.world.processes), self.world.obey)

    def add_of_a_block(self) -> None:
        wish = cmd.AddScript(
            True,
            "x.py",
            target=self.target(),
            block=self.choice(["BLOCK-1", "BLOCK-T2", "nonsense"]),
            block_size=self.choice([1, 2, 3, 500]),
            start_block=self.choice([True, False]),
            slot=self.slot(),
            ruling=self.choice(RULINGS),
        )
        self.world.give(wish)

    def bring_something_about(self) -> None:
        """Let a script meet what its phase knows, the rare as often as the common, once or several times."""
        by_phase: dict[Phase, list[Script]] = {}
        for live in self.world.driver.model._ledger.live():
            if live.phase in CHANCY:
                by_phase.setdefault(live.phase, []).append(live)
        script = self.choice(by_phase[self.choice(list(by_phase))]) if by_phase else None
        while script is not None and script.phase in CHANCY:
            known = [trigger for phase, trigger in TRANSITIONS if phase is script.phase]
            # These lead to phases that nothing else leads to.
            known += [
                trigger
                for trigger in (T.STOP_ASKED, T.PROCESS_GONE, T.RECALLED, T.GIVEN_UP)
                if trigger in known
            ] * 2
            self.bring_about(script, self.choice(known))
            if self.random.random() < 0.2:
                break

    def bring_about(self, script: Script, trigger: Trigger) -> None:
        """Do what makes a trigger happen, if anybody outside can."""
        index, world = script.index, self.world
        asked = [question for question in world.questions if question.request == script.question]
        timers = [timer for timer in world.driver.watcher.timers.values() if timer.request == script.question]
        match trigger:
            case T.LAUNCH_FAILED:
                self.each([index] * (index in world.launches), world.fail_launch)
            case T.PROCESS_GONE if index in world.processes:
                world.exit(index, *self.choice(EXITS))
            case T.PROCESS_LOST:
                self.each([index] * (index in world.gone_away), self.tell_exit)
            case T.NAME_CLEARED:
                self.each(asked, lambda question: world.answer(question, True))
            case T.STOP_ASKED | T.END_ASKED:
                world.give(cmd.StopScripts((index,), trigger is T.END_ASKED))
            case T.RUN_REFUSED:
                self.each(asked, lambda question: world.answer(question, False))
            case T.NAME_REFUSED:
                # It is asked for a second time.
                for _ in range(2):
                    asked = [question for question in world.questions if question.request == script.question]
                    self.each(asked, lambda question: world.answer(question, False))
            case T.START_LATE | T.STOP_LATE | T.REPORTS_LATE:
                self.each(timers, world.expire)
            case T.RECALLED:
                world.apply(ev.ScriptHeardAgain(world.driver.now, index))
                world.apply(ev.ScriptFellSilent(world.driver.now, index, 0.0))
            case T.GIVEN_UP:
                world.driver.tick(100.0)
                world.apply(ev.ScriptOverdue(world.driver.now, index))
            case T.RELEASED:
                world.give(cmd.Resume("*"))
            case _ if trigger in REPORTS:
                states = [state for state, of_state in REPORT_OF_STATE.items() if of_state is trigger]
                # Last words come from a process that has gone.
                world.report(index, self.choice(states), 0 if index in world.processes else script.origin)
            case _:
                pass

    def tear_away(self) -> None:
        """Tear the service away while it does what comes of something."""
        world = self.world
        index = self.choice([0, *world.live()])
        for _ in range(self.random.randrange(10)):
            self.hasten(index)
        (last,) = self.random.choices(self._actions, self._weights)
        if last == self.tear_away or self.random.random() < 0.5:
            # What it brings about is in doubt.
            last = functools.partial(self.hasten, index)
        doomed = self.choice([0, index])
        world.tear_away(self.random, last, doomed, resumes=self.random.random() < 0.7)
        if self.random.random() < 0.3:
            world.enable(True)
            return
        world.give(cmd.Resume("*"))
        world.enable(True)
        for index in list(world.gone_away):
            # One that answers before its end is told gets somewhere.
            for _ in range(self.random.randrange(4)):
                self.take_a_group_id(index)
            self.tell_exit(index)

    def hasten(self, index: int) -> None:
        """Let a script get one step further."""
        if index in self.world.launches:
            self.world.start(index)
        elif index in self.world.processes:
            self.world.obey(index)

    def tell_exit(self, index: int) -> None:
        self.world.tell_exit(index, *self.choice(EXITS))

    def take_a_group_id(self, index: int = 0) -> None:
        asked = [question for question in self.world.questions if isinstance(question, fx.SetGroupId)]
        asked = [question for question in asked if index in (0, question.index)]
        self.each(asked, lambda question: self.world.answer(question, True))

    def an_add(self, **fields: Any) -> cmd.AddScript:
        """An ``add`` as anybody may give it."""
        resources, ruling = self.choice(self._resources), self.choice(RULINGS)
        return cmd.AddScript(True, "x.py", slot=self.slot(), resources=resources, ruling=ruling, **fields)

    def slot(self) -> str:
        """A slot's name, mostly none."""
        return self.choice(self._names)

    def stop(self) -> None:
        indices = tuple(self.index() for _ in range(self.choice([1, 1, 2, 3])))
        self.world.give(cmd.StopScripts(indices, self.choice([True, False])))

    def stop_one(self, index: int) -> None:
        self.world.give(cmd.StopScripts((index,), self.choice([True, False])))

    def last_words_after_the_exit(self) -> None:
        current = self.world.driver.model.queue.current
        if current in self.world.processes:
            origin = self.world.processes[current].origin
            self.world.exit(current, 1)
            self.world.report(current, self.choice(STATES), origin)

    def index(self) -> int:
        live = self.world.live()
        return self.choice([*live, *live, *self.world.known, 7])

    def target(self) -> cmd.Target:
        return cmd.Target(self.choice(list(Location)), self.index())

    def choice(self, items: Sequence[Item]) -> Item:
        return self.random.choice(items)

    def each(self, items: Sequence[Item], do: Callable[[Item], object]) -> None:
        """Do something with one of the items, if there are any."""
        if items:
            do(self.choice(items))
