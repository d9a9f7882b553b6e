# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random walks through the same world as in `test_stateful`, many and long.

Hypothesis finds small examples but repeats itself; a walk goes far. All walks
together must have taken every transition there is, so that none of them is
there for nothing and none was only ever tested by itself.
"""

from __future__ import annotations

import itertools
import random

import pytest

from lsst.ts.scriptqueue.core import life
from lsst.ts.scriptqueue.core.phases import TRANSITIONS, Phase, Trigger

from .walks import Walk


class Recorder(dict[tuple[Phase, Trigger], Phase]):
    """The table of transitions, remembering which were taken."""

    def __init__(self) -> None:
        super().__init__(TRANSITIONS)
        self.taken: set[tuple[Phase, Trigger]] = set()

    def get(self, key: tuple[Phase, Trigger], default: object = None) -> Phase | None:  # type: ignore[override]
        self.taken.add(key)
        return super().get(key)


#: After each long walk, how many lead through a restart soon.
SHORT_WALKS = 8

#: Seeds of walks that once took every transition there was. Where the model or the walk has changed they may
#: not, and others have to be looked for.
# fmt: off
COVERING = (
    368, 843, 406, 226, 926, 315, 918, 289, 450, 680, 832, 861, 165, 999, 223, 277, 143, 22,
)
# fmt: on

#: How many walks there are at least.
FEWEST = 40


def walk(seeds: range, steps: int) -> None:
    for seed in seeds:
        try:
            Walk(seed, restarts=True).go(steps)
            for short in range(SHORT_WALKS):
                Walk(seed * SHORT_WALKS + short).go_through_a_restart()
        except BaseException as error:
            error.add_note(f"on the walk of seed {seed}")
            raise


@pytest.mark.timeout(300)
def test_walks_take_every_transition_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder()
    monkeypatch.setattr(life, "TRANSITIONS", recorder)
    others = (seed for seed in range(2_000) if seed not in COVERING)
    for count, seed in enumerate(itertools.chain(COVERING, others)):
        if count >= FEWEST and not set(TRANSITIONS) - recorder.taken:
            break
        walk(range(seed, seed + 1), 300)
    never = set(TRANSITIONS) - recorder.taken
    assert not {f"{phase.name} {trigger.name}" for phase, trigger in never}


@pytest.mark.long
@pytest.mark.timeout(0)
def test_walks_for_long() -> None:
    start = random.randrange(2**32)
    walk(range(start, start + 2_000), 1_000)
