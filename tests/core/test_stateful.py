# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every event in any order: nothing breaks, and all comes to rest.

After every event the invariants hold and the contract with clients is kept.
At the end of every run the world behaves: then every script ends, every
command is answered, and the whole run gives the same effects when repeated.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from lsst.ts.scriptqueue.core import commands as cmd
from lsst.ts.scriptqueue.core import events as ev
from lsst.ts.scriptqueue.core.layout import Layout
from lsst.ts.scriptqueue.core.rulings import Ruling
from lsst.ts.scriptqueue.core.states import Location, ScriptState

from .layouts import BESIDE, OBSERVATORY, RULINGS, SERIAL, TWO_SLOTS
from .world import OBSERVED, World

#: The same runs every time, so that a change is to blame for what it breaks.
QUICK = settings(
    max_examples=40,
    stateful_step_count=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
#: Other runs every time.
LONG = settings(QUICK, max_examples=400, stateful_step_count=100, derandomize=False, print_blob=True)

Item = TypeVar("Item")
S = ScriptState

PICKS = st.integers(0, 11)
NONSENSE = (-1, 0, 7, 99_999, 200_000, 2**31 - 1)
states = st.sampled_from([*ScriptState, S.RUNNING, S.DONE, S.STOPPED, S.FAILED, S.FAILED])
EXITS = st.sampled_from([(0, None), (1, None), (None, 9), (None, 15), (None, None)])
places = st.builds(lambda location, pick: (location, pick), st.sampled_from(Location), PICKS)
slots = st.sampled_from(["", "", "main", BESIDE, "calibration", "utility", "second", "*"])
resources = st.sampled_from(["", "", "none", "ESS:1", "ESS", "MTCS,archive", "archive", "*,!ESS", "*", "?"])
expressions = st.sampled_from(["", "", "", "", "a.*", "("])


def pick_of(items: list[Item], pick: int) -> Item:
    return items[pick % len(items)]


class Anything(RuleBasedStateMachine):
    """Lets anything happen."""

    @initialize(
        first_index=st.sampled_from([100_000, 199_990]),
        history=st.sampled_from([1, 3, 400]),
        steps=st.lists(st.integers(0, 9), max_size=4),
        layout=st.sampled_from([SERIAL, TWO_SLOTS, OBSERVATORY]),
    )
    def begin(self, first_index: int, history: int, steps: list[int], layout: Layout) -> None:
        """Begin with some scripts, each so many steps into its life."""
        self.world = World(first_index, history, layout)
        for count in steps:
            self.add_and_work(count)

    def index(self, pick: int) -> int:
        """A script's index, mostly of one that lives; now and then a nonsensical one."""
        return pick_of([*self.world.live(), *self.world.known, pick_of(list(NONSENSE), pick)], pick)

    def target(self, where: tuple[Location, int]) -> cmd.Target:
        return cmd.Target(where[0], self.index(where[1]))

    # Time.

    @rule(seconds=st.sampled_from([0.0004, 0.5, 100.0, -50.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.driver.tick(seconds)

    # Clients.

    @rule(where=places, pause=expressions, stop=expressions)
    def add(self, where: tuple[Location, int], pause: str, stop: str) -> None:
        wish = cmd.AddScript(
            True, "x.py", target=self.target(where), pause_checkpoint=pause, stop_checkpoint=stop
        )
        self.world.give(wish)

    @rule(slot=slots, resources=resources, ruling=st.sampled_from(RULINGS), steps=st.integers(0, 9))
    def add_to_a_slot(self, slot: str, resources: str, ruling: Ruling, steps: int) -> None:
        self.give_and_work(cmd.AddScript(True, "x.py", slot=slot, resources=resources, ruling=ruling), steps)

    @rule(steps=st.integers(0, 9))
    def add_and_work(self, steps: int) -> None:
        """Add a script that gets somewhere."""
        self.give_and_work(cmd.AddScript(True, "x.py"), steps)

    def give_and_work(self, wish: cmd.AddScript, steps: int) -> None:
        self.world.give(wish)
        if self.world.launches:
            index = self.world.launches[-1]
            self.world.start(index)
            for _ in range(steps):
                if index in self.world.processes:
                    self.world.obey(index)

    @rule(
        block=st.sampled_from(["BLOCK-1", "BLOCK-1", "BLOCK-T2", "BLOCK"]),
        size=st.sampled_from([1, 2, 2, 3, 0, 401]),
        start=st.booleans(),
        where=places,
    )
    def add_of_a_block(self, block: str, size: int, start: bool, where: tuple[Location, int]) -> None:
        wish = cmd.AddScript(
            True, "x.py", target=self.target(where), block=block, block_size=size, start_block=start
        )
        self.world.give(wish)

    @rule(pick=PICKS, where=places, slot=slots)
    def move(self, pick: int, where: tuple[Location, int], slot: str) -> None:
        self.world.give(cmd.MoveScript(self.index(pick), self.target(where), slot))

    @rule(pick=PICKS, where=places, slot=slots)
    def requeue(self, pick: int, where: tuple[Location, int], slot: str) -> None:
        self.world.give(cmd.RequeueScript(self.index(pick), self.target(where), slot))

    @rule(slot=slots, pause=st.booleans())
    def pause_or_resume_a_slot(self, slot: str, pause: bool) -> None:
        self.world.give(cmd.Pause(slot) if pause else cmd.Resume(slot))

    @rule(layout=st.sampled_from([SERIAL, TWO_SLOTS, OBSERVATORY]))
    def reconfigure(self, layout: Layout) -> None:
        self.world.give(cmd.Reconfigure(layout))

    @rule(picks=st.lists(PICKS, max_size=4), terminate=st.booleans())
    def stop(self, picks: list[int], terminate: bool) -> None:
        self.world.give(cmd.StopScripts(tuple(self.index(pick) for pick in picks), terminate))

    @rule(command=st.sampled_from([cmd.Pause(), cmd.Resume(), cmd.Resume(), cmd.ShowQueue()]))
    def plain(self, command: cmd.Command) -> None:
        self.world.give(command)

    @rule(pick=PICKS)
    def show(self, pick: int) -> None:
        self.world.give(cmd.ShowScript(self.index(pick)))

    @rule(enabled=st.sampled_from([True, True, False]))
    def enable(self, enabled: bool) -> None:
        self.world.enable(enabled)

    # Processes.

    @precondition(lambda self: self.world.launches)
    @rule(pick=PICKS, wrapped=st.booleans())
    def start(self, pick: int, wrapped: bool) -> None:
        self.world.start(pick_of(self.world.launches, pick), wrapped)

    @precondition(lambda self: self.world.launches)
    @rule(pick=PICKS)
    def fail_launch(self, pick: int) -> None:
        self.world.fail_launch(pick_of(self.world.launches, pick))

    @precondition(lambda self: self.world.processes)
    @rule(pick=PICKS, how=EXITS)
    def exit(self, pick: int, how: tuple[int | None, int | None]) -> None:
        self.world.exit(pick_of(list(self.world.processes), pick), *how)

    # Scripts.

    @precondition(lambda self: self.world.processes)
    @rule(pick=PICKS)
    def obey(self, pick: int) -> None:
        self.world.obey(pick_of(list(self.world.processes), pick))

    @rule(picks=st.lists(PICKS, min_size=4, max_size=12))
    def work(self, picks: list[int]) -> None:
        """Let several scripts get on."""
        for pick in picks:
            if self.world.launches:
                self.world.start(self.world.launches[0])
            if self.world.processes:
                self.world.obey(pick_of(list(self.world.processes), pick))

    @rule(pick=PICKS, state=states)
    def report(self, pick: int, state: ScriptState) -> None:
        """Report any state, also when the process has gone or was not started."""
        self.world.report(self.index(pick), state)

    @precondition(lambda self: self.world.processes)
    @rule(pick=PICKS, state=states, how=EXITS)
    def last_words_after_the_exit(
        self, pick: int, state: ScriptState, how: tuple[int | None, int | None]
    ) -> None:
        index = pick_of(list(self.world.processes), pick)
        origin = self.world.processes[index].origin
        self.world.exit(index, *how)
        self.world.report(index, state, origin)

    @rule(
        pick=PICKS,
        state=st.sampled_from(ScriptState),
        origin=st.integers(1, 3),
        ago=st.sampled_from([-1.0, 0.0, 0.1, 1000.0]),
    )
    def foreign_report(self, pick: int, state: ScriptState, origin: int, ago: float) -> None:
        self.world.report(self.index(pick), state, origin, self.world.driver.now - ago)

    @rule(pick=PICKS, observed=st.sampled_from(OBSERVED))
    def observe(self, pick: int, observed: Callable[[float, int], ev.Event]) -> None:
        """Observe anything of any script, whether or not it can be so."""
        self.world.apply(observed(self.world.driver.now, self.index(pick)))

    @rule(pick=PICKS, origin=st.sampled_from([0, 0, 5]))
    def metadata(self, pick: int, origin: int) -> None:
        self.world.metadata(self.index(pick), origin)

    @precondition(lambda self: self.world.questions)
    @rule(pick=PICKS, accepted=st.booleans())
    def answer(self, pick: int, accepted: bool) -> None:
        self.world.answer(pick_of(self.world.questions, pick), accepted)

    # Time limits and ids.

    @precondition(lambda self: self.world.driver.watcher.timers)
    @rule(pick=PICKS)
    def expire(self, pick: int) -> None:
        self.world.expire(pick_of(list(self.world.driver.watcher.timers.values()), pick))

    @precondition(lambda self: self.world.cancelled_timers)
    @rule(pick=PICKS)
    def expire_though_cancelled(self, pick: int) -> None:
        self.world.expire(pick_of(self.world.cancelled_timers, pick))

    @precondition(lambda self: self.world.block_requests)
    @rule(pick=PICKS, given=st.booleans())
    def block_id(self, pick: int, given: bool) -> None:
        request = pick_of(self.world.block_requests, pick)
        if given:
            self.world.give_block_id(request)
        else:
            self.world.refuse_block_id(request)

    # A service that is torn away.

    @rule(seed=st.integers(0, 2**32), resumes=st.booleans(), last=st.integers(0, 3), pick=PICKS)
    def tear_away(self, seed: int, resumes: bool, last: int, pick: int) -> None:
        """Tear the service away while it adds, while a script gets on, or while nothing happens."""
        world = self.world
        processes = list(world.processes)
        deeds: dict[int, Callable[[], object]] = {1: lambda: world.give(cmd.AddScript(True, "x.py"))}
        if processes:
            deeds |= {2: lambda: world.obey(pick_of(processes, pick)), 3: lambda: world.exit(processes[0])}
        world.tear_away(random.Random(seed), deeds.get(last, lambda: None), resumes=resumes)

    @precondition(lambda self: self.world.untold)
    @rule(pick=PICKS)
    def tell_state(self, pick: int) -> None:
        self.world.tell_state(pick_of(list(self.world.untold), pick))

    @precondition(lambda self: self.world.gone_away)
    @rule(pick=PICKS, how=EXITS)
    def tell_exit(self, pick: int, how: tuple[int | None, int | None]) -> None:
        self.world.tell_exit(pick_of(list(self.world.gone_away), pick), *how)

    # The end.

    @rule(really=st.integers(0, 9))
    def shut_down(self, really: int) -> None:
        if really == 9:
            self.world.apply(ev.ShutdownRequested(self.world.driver.now, "SIGTERM"))

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        self.world.come_to_rest()
        ledger = self.world.driver.model._ledger
        for script in ledger.scripts.values():
            assert str(script.story), f"{script.index} has no story"
        if ledger.closing:
            assert self.world.driver.watcher.finished
        self.world.check_determinism()


def run(machine: type[RuleBasedStateMachine], how: Any) -> None:
    run_state_machine_as_test(machine, settings=how)


@pytest.mark.timeout(300)
def test_anything_in_any_order() -> None:
    run(Anything, QUICK)


@pytest.mark.long
@pytest.mark.timeout(0)
@pytest.mark.parametrize("part", range(10))
def test_anything_in_any_order_for_long(part: int) -> None:
    """In parts, because Hypothesis remembers every step of a run."""
    run(Anything, LONG)
