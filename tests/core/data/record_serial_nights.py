# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes serial_nights.jsonl.gz: what the queue did before it had slots.

Runs with the code and the tests of a commit before the slots, and never again
but to record other nights. That was a8a512a, with the changes applied to it
that say when a script is shown, when its process is called DONE and when a
stop is told, which were made for deployed clients and not for slots:

    git worktree add ../before a8a512a
    PYTHONPATH=../before/python:../before python -P tests/core/data/record_serial_nights.py

(At that commit the walks were in ``test_walks``.)

A line is a night: its events, each with the effects that came of it. A
record is written as its fields and, as ``type``, its name; a member of an
enumeration as ``Enumeration.NAME``.
"""

from __future__ import annotations

import dataclasses
import enum
import gzip
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tests.core.walks import Walk
from tests.core.world import Process, Question, World

from lsst.ts.scriptqueue.core import commands as cmd
from lsst.ts.scriptqueue.core import effects as fx
from lsst.ts.scriptqueue.core.states import ScriptState

RECORDING = Path(__file__).with_name("serial_nights.jsonl.gz")
SEEDS = range(6)
STEPS = 260


class PoliteWorld(World):
    """Scripts say what they are going to do before they say that they are configured."""

    def _obey_question(self, process: Process, question: Question) -> None:
        if isinstance(question, fx.ConfigureScript) and process.said is ScriptState.UNCONFIGURED:
            self.metadata(question.index)
        super()._obey_question(process, question)


class Night(Walk):
    """A night as it may be: much work, orders of every kind, and every kind of failure."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.world = PoliteWorld(history=self.choice([3, 20]))
        self._actions, weights = zip(*self.weighted_actions(), strict=True)
        self._weights = weights

    def weighted_actions(self) -> Iterable[tuple[Callable[[], None], int]]:
        world = self.world
        yield self.work, 150
        yield lambda: world.give(cmd.AddScript(True, "slew.py", target=self.target())), 8
        yield lambda: world.give(cmd.AddScript(False, "flats.py", config="n: 3")), 12
        yield self.add_of_a_block, 5
        yield lambda: world.give(cmd.MoveScript(self.index(), self.target())), 8
        yield lambda: world.give(cmd.RequeueScript(self.index(), self.target())), 4
        yield self.stop, 5
        yield lambda: world.give(cmd.Pause()), 3
        yield lambda: world.give(cmd.Resume()), 14
        yield lambda: world.give(cmd.ShowScript(self.index())), 1
        yield lambda: world.give(cmd.ShowQueue()), 1
        yield lambda: world.enable(self.choice([True] * 5 + [False])), 2
        yield lambda: self.each(world.launches, world.fail_launch), 1
        yield self.fail, 5
        yield self.die, 2
        yield lambda: self.each(world.questions, lambda asked: world.answer(asked, False)), 1
        yield lambda: self.each(list(world.driver.watcher.timers.values()), world.expire), 1
        yield lambda: self.each(world.block_requests, world.give_block_id), 8
        yield lambda: self.each(world.block_requests, world.refuse_block_id), 1

    def add_of_a_block(self) -> None:
        """At the end: of an ``add`` that is wrong in two ways either may be said."""
        wish = cmd.AddScript(
            True,
            "block.py",
            block=self.choice(["BLOCK-1", "BLOCK-1", "BLOCK-T2", "nonsense"]),
            block_size=self.choice([1, 2, 3, 500]),
            start_block=self.choice([True, False]),
        )
        self.world.give(wish)

    def fail(self) -> None:
        current = self.world.driver.model.queue.current
        if current in self.world.processes and self.world.processes[current].said is ScriptState.RUNNING:
            self.world.report(current, ScriptState.FAILING)
            self.world.report(current, ScriptState.FAILED)

    def die(self) -> None:
        self.each(list(self.world.processes), lambda index: self.world.exit(index, None, 9))


def as_data(value: object) -> Any:
    if isinstance(value, enum.Enum):
        return f"{type(value).__name__}.{value.name}"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: as_data(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return {"type": type(value).__name__} | fields
    if isinstance(value, tuple | list):
        return [as_data(item) for item in value]
    return value


def main() -> None:
    lines = []
    for seed in SEEDS:
        night = Night(seed)
        night.go(STEPS)
        steps = zip(night.world.events, night.world.answers, strict=True)
        limits = {"history": night.world.driver.limits.history}
        lines.append(json.dumps({"limits": limits, "steps": [as_data(step) for step in steps]}))
    RECORDING.write_bytes(gzip.compress(("\n".join(lines) + "\n").encode(), mtime=0))


if __name__ == "__main__":
    main()
