# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a head waits at most in a slot with patience, shown on simulated nights.

A head of an ordered slot is due when it has been ready for ``patience_s`` and
its slot has a place. From then on it waits at most

- for the longest of what runs at that moment,
- and for each head of another slot with patience that has been ready for
  longer and starts before it: for as long as that one runs; and, if that one
  is due later, because its patience was not over or its slot had no place,
  for the longest of what runs when it is.

Nothing else can come between: whoever is admitted later would have to pass
what it has reserved.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import strategies as st

from lsst.ts.scriptqueue.core.layout import Layout, SlotSettings

from .layouts import a_catalogue, a_layout
from .nights import Job, Night
from .properties import quickly_and_for_long

#: Slots with patience among others that want the same things.
LAYOUT = a_layout(
    SlotSettings("above"),
    SlotSettings("calm", patience_s=600.0),
    SlotSettings("eager", capacity=2, is_eager=True),
    SlotSettings("hasty", patience_s=100.0),
    SlotSettings("last", patience_s=300.0),
    catalogue=a_catalogue(archive=2),
)
NAMES = [slot.name for slot in LAYOUT.slots]
RESOURCES = ["MTMount", "MTMount", "MTDome", "MTMount,MTDome", "ESS:1", "ESS,MTDome", "archive", "*", "none"]
#: A float's worth of time.
EPSILON_S = 0.01


@dataclass
class Due:
    """A head that is due: since when, for how long others run then, and who has been ready for longer."""

    at_s: float
    others_run_s: float
    before: list[int] = field(default_factory=list)


class Watch:
    """Watches the heads of the slots with patience."""

    def __init__(self, night: Night, layout: Layout) -> None:
        self.night = night
        self._layout = layout
        self._head_since: dict[int, float] = {}
        self.due: dict[int, Due] = {}

    def look(self) -> None:
        """Take notice of who is head, who is overdue, and who is due now."""
        night = self.night
        heads: dict[int, int] = {}
        taken = set()
        for index, slot, is_active in night.slots.scripts:
            if is_active:
                taken.add(slot)
            elif slot not in heads:
                heads[slot] = index
        patient = {
            slot: head for slot, head in heads.items() if self._layout.slots[slot].patience_s is not None
        }
        since = self._head_since = {
            head: self._head_since.get(head, night.now_s) for head in patient.values()
        }
        for slot, head in patient.items():
            due_s = since[head] + (self._layout.slots[slot].patience_s or 0)
            if head not in self.due and slot not in taken and due_s <= night.now_s + EPSILON_S:
                before = [other for at, other in patient.items() if (since[other], at) < (since[head], slot)]
                self.due[head] = Due(night.now_s, night.remaining_s(), before)

    def latest_start_s(self, index: int) -> float:
        """When a head that was due has to have started."""
        due = self.due[index]
        latest_s = due.at_s + due.others_run_s
        for other in due.before:
            if self.night.started_s[other] <= self.night.started_s[index]:
                latest_s += self.night.jobs[other].runs_s
                # One that starts as soon as its slot has a place has never been due.
                if other in self.due and self.due[other].at_s > due.at_s:
                    latest_s += self.due[other].others_run_s
        return latest_s + EPSILON_S


jobs = st.builds(
    Job,
    st.integers(0, 3_000),
    st.sampled_from([*NAMES, "main", "above"]),
    st.sampled_from(RESOURCES),
    st.sampled_from([10, 200, 700, 2_000]),
)
nights = st.lists(jobs, min_size=10, max_size=30)


@quickly_and_for_long(nights, quick=30, long=5_000)
def test_a_head_that_is_due_starts_in_time(night_jobs: list[Job]) -> None:
    night = Night(LAYOUT, night_jobs)
    watch = Watch(night, LAYOUT)
    while night.go_on():
        watch.look()
    assert len(night.started_s) == len(night_jobs), "every script has run"
    for index in watch.due:
        assert night.started_s[index] <= watch.latest_start_s(index), f"{index} waited for too long"


def a_stream(count: int, resources: str = "MTMount") -> list[Job]:
    """Scripts of main, one after another all night long, ten minutes each."""
    return [Job(0, "main", resources, 600) for _ in range(count)]


def start_of_the_patient(patience_s: float | None) -> float:
    """When one script starts that needs what all the many of main need."""
    layout = a_layout(SlotSettings("patient", patience_s=patience_s))
    night = Night(layout, [*a_stream(40), Job(1, "patient", "MTMount", 60)])
    while night.go_on():
        pass
    (index,) = (index for index, job in night.jobs.items() if job.slot == "patient")
    return night.started_s[index]


def test_without_patience_a_slot_waits_for_as_long_as_those_above_want_the_same() -> None:
    assert start_of_the_patient(None) == 40 * 600


def test_with_patience_it_waits_for_that_and_for_what_runs_then() -> None:
    assert start_of_the_patient(900.0) == 2 * 600
    assert start_of_the_patient(5.0) == 600
