# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Main alone is the serial queue: compared with a small one, and with main among other slots."""

from __future__ import annotations

import dataclasses
from collections import deque
from typing import Any

from hypothesis import strategies as st

from lsst.ts.scriptqueue.core import commands as cmd
from lsst.ts.scriptqueue.core import effects as fx
from lsst.ts.scriptqueue.core import events as ev
from lsst.ts.scriptqueue.core.layout import LegacyQueue, SlotSettings
from lsst.ts.scriptqueue.core.model import QueueModel
from lsst.ts.scriptqueue.core.states import Location, ScriptState
from lsst.ts.scriptqueue.core.views import ScriptView, VisitMetadata

from .driver import START_TAI, Driver
from .layouts import SERIAL, a_layout
from .properties import quickly_and_for_long
from .slow_queue import SlowQueue
from .walks import Walk

S = ScriptState
METADATA = VisitMetadata()

#: Slots that no rule of the walks names.
OTHERS = (SlotSettings("one", patience_s=10.0), SlotSettings("two", capacity=3, is_eager=True))


class Prompt(Driver):
    """A queue with scripts that answer at once; they load, are configured and end when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []

    def apply(self, event: ev.Event) -> list[fx.Effect]:
        """Let something happen, and then all that is asked for."""
        first = super().apply(event)
        asked = deque(first)
        while asked:
            effect = asked.popleft()
            answer = self._answer(effect)
            if answer is not None:
                asked += super().apply(answer)
        self.last = first
        return first

    def _answer(self, effect: fx.Effect) -> ev.Event | None:
        now = self.tick()
        match effect:
            case fx.LaunchProcess(index):
                return ev.ProcessStarted(now, index, index)
            case fx.SetGroupId(index, request):
                return ev.ScriptAnswered(now, index, request, True)
            case fx.RunScript(index):
                self.told.append(f"run {index}")
                return ev.ScriptStateReported(now, index, S.RUNNING, "", index, now)
            case fx.StopScript(index):
                return ev.ScriptStateReported(now, index, S.STOPPED, "", index, now)
            case fx.TerminateProcess(index):
                return ev.ProcessExited(now, index, None, 15, "")
            case fx.PublishNextVisit(index):
                self.told.append(f"next {index}")
            case fx.PublishNextVisitCanceled(index):
                self.told.append(f"not next {index}")
            case _:
                pass
        return None


class Both:
    """A queue and the small one, of which the same is asked."""

    def __init__(self) -> None:
        self.driver = Prompt()
        self.slow = SlowQueue()
        self._known: list[int] = []

    def step(self, what: str, pick: int, where: Location, beside: int) -> None:
        """Let one thing happen to both, and compare them."""
        getattr(self, f"_{what}")(self._index(pick), where, self._index(beside))
        self.slow.go_on()
        view, slow = self.driver.queue, self.slow
        assert (view.enabled, view.running, view.current) == (slow.enabled, slow.running, slow.current)
        assert (list(view.waiting), list(view.past)) == (slow.waiting, slow.past)
        assert self.driver.told == slow.told

    def _index(self, pick: int) -> int:
        known = [*self.slow.waiting, *self.slow.waiting, self.slow.current, *self._known, 7]
        return known[pick % len(known)]

    def _give(self, command: cmd.Command) -> bool:
        number = self.driver.give(command)
        ack = self.driver.ack(number)
        assert ack is not None
        return ack.accepted

    def _insert(self, command: cmd.Command, where: Location, beside: int, possible: bool) -> None:
        launched = len(self.driver.all_of(fx.LaunchProcess))
        accepted = self._give(command)
        new = [effect.index for effect in self.driver.all_of(fx.LaunchProcess)[launched:]]
        if possible and (where in (Location.FIRST, Location.LAST) or beside in self.slow.waiting):
            assert accepted
            self._known += new
            assert self.slow.put(new[0], where.name, beside)
        else:
            assert not accepted
            assert not new

    def _add(self, index: int, where: Location, beside: int) -> None:
        self._insert(cmd.AddScript(True, "x.py", target=cmd.Target(where, beside)), where, beside, True)

    def _requeue(self, index: int, where: Location, beside: int) -> None:
        command = cmd.RequeueScript(index, cmd.Target(where, beside))
        self._insert(command, where, beside, index in self._known)

    def _move(self, index: int, where: Location, beside: int) -> None:
        accepted = self._give(cmd.MoveScript(index, cmd.Target(where, beside)))
        assert accepted == (index in self.slow.waiting and self.slow.put(index, where.name, beside))

    def _configure(self, index: int, where: Location, beside: int) -> None:
        if index not in self.slow.waiting or index in self.slow.configured:
            return
        self._report(index, S.UNCONFIGURED)
        self.driver.apply(
            ev.ScriptMetadataReported(self.driver.tick(), index, METADATA, index, self.driver.now)
        )
        self.slow.configured.add(index)
        self._report(index, S.CONFIGURED)

    def _fail_to_configure(self, index: int, where: Location, beside: int) -> None:
        if index in self.slow.waiting and index not in self.slow.configured:
            self._report(index, S.UNCONFIGURED)
            self.slow.end_waiting(index)
            self._report(index, S.CONFIGURE_FAILED)

    def _stop(self, index: int, where: Location, beside: int, terminate: bool = False) -> None:
        indices = tuple(dict.fromkeys((index, beside)))
        # One that has failed is down already; the others end in this order.
        for one in sorted(indices, key=lambda one: not (self.slow.has_failed and one == self.slow.current)):
            if one in self.slow.waiting:
                self.slow.end_waiting(one)
            elif one == self.slow.current != 0:
                self.slow.release()
        assert self._give(cmd.StopScripts(indices, terminate))

    def _terminate(self, index: int, where: Location, beside: int) -> None:
        self._stop(index, where, beside, terminate=True)

    def _end(self, index: int, where: Location, beside: int, state: ScriptState = S.DONE) -> None:
        index = self.slow.current
        if index and not self.slow.has_failed:
            self.slow.end_current(failed=state is S.FAILED)
            self._report(index, state)

    def _fail(self, index: int, where: Location, beside: int) -> None:
        self._end(index, where, beside, S.FAILED)

    def _pause(self, index: int, where: Location, beside: int) -> None:
        self.slow.running = False
        assert self._give(cmd.Pause())

    def _resume(self, index: int, where: Location, beside: int) -> None:
        self.slow.resume()
        assert self._give(cmd.Resume())

    def _disable(self, index: int, where: Location, beside: int) -> None:
        self.slow.enabled = False
        self.driver.enable(False)

    def _enable(self, index: int, where: Location, beside: int) -> None:
        self.slow.enabled = True
        self.driver.enable(True)

    def _report(self, index: int, state: ScriptState) -> None:
        self.driver.report(index, state, origin=index)


STEPS = st.tuples(
    st.sampled_from(
        [
            *["add"] * 4, *["configure"] * 5, *["end"] * 3, "requeue", "move", "move", "fail_to_configure",
            "stop", "terminate", "fail", "pause", "resume", "resume", "disable", "enable", "enable",
        ]
    ),
    st.integers(0, 30),
    st.sampled_from(Location),
    st.integers(0, 30),
)  # fmt: skip


@quickly_and_for_long(st.lists(STEPS, min_size=20, max_size=60), quick=100, long=10_000)
def test_a_queue_of_one_slot_does_what_the_small_one_does(
    steps: list[tuple[str, int, Location, int]],
) -> None:
    both = Both()
    for step in steps:
        both.step(*step)


def known_to_clients_of_one_slot(effects: list[fx.Effect], shown: dict[int, ScriptView]) -> list[Any]:
    """What there was before there were slots, without what was added; ``shown`` is what was shown before."""
    known: list[Any] = []
    for effect in effects:
        if isinstance(effect, fx.PublishScript):
            view = dataclasses.replace(effect.view, slot="", resources="", waiting_for="", exit_reason="")
            if effect.force or shown.get(view.index) != view:
                known.append(dataclasses.replace(effect, view=view))
            shown[view.index] = view
        elif not isinstance(effect, fx.PublishSlots):
            known.append(effect)
    return known


CHOICES = st.tuples(st.integers(0, 2**32), st.sampled_from([1, 3, 10]), st.sampled_from(LegacyQueue))


@quickly_and_for_long(CHOICES, quick=25, long=2_000)
def test_main_among_slots_that_nobody_uses_is_the_serial_queue(drawn: tuple[int, int, LegacyQueue]) -> None:
    """Message for message, but for what was added.

    As long as the history is not longer than what panels keep of it: of a
    longer one those that still exit are listed first where there are slots.
    """
    seed, history, legacy = drawn
    walk = Walk(seed, SERIAL, history, [""], changes_layout=False)
    walk.go(120)
    layout = a_layout(*OTHERS, catalogue=SERIAL.catalogue, legacy_queue=legacy)
    model = QueueModel(1, walk.world.driver.limits, layout)
    model._ledger.indices.next = walk.world.first_index
    model.handle(ev.EnabledChanged(START_TAI, True))
    alone: dict[int, ScriptView] = {}
    among: dict[int, ScriptView] = {}
    for event, effects in zip(walk.world.events, walk.world.answers, strict=True):
        expected = known_to_clients_of_one_slot(effects, alone)
        assert known_to_clients_of_one_slot(model.handle(event), among) == expected, event
