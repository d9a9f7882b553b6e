# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ScriptQueue with scripts on paper, and a client of it, on any bus."""

from __future__ import annotations

import contextlib
import datetime
import logging
import pathlib
from collections.abc import AsyncIterator, Mapping

from lsst.ts.scriptqueue.bus import Bus
from lsst.ts.scriptqueue.bus.choice import connect
from lsst.ts.scriptqueue.bus.memory import MemoryBroker, MemoryBus
from lsst.ts.scriptqueue.configuration import ConfigurationFolder
from lsst.ts.scriptqueue.core import QueueModel
from lsst.ts.scriptqueue.core.limits import Limits
from lsst.ts.scriptqueue.csc.block_ids import LocalBlockIds
from lsst.ts.scriptqueue.csc.script_queue import ScriptQueueCsc
from lsst.ts.scriptqueue.csc.settings import Settings
from lsst.ts.scriptqueue.launch.paths import ScriptLibrary
from lsst.ts.scriptqueue.sal import Domain, State
from lsst.ts.scriptqueue.sal.clock import Clock, SystemClock
from lsst.ts.scriptqueue.testing import FakeClock
from lsst.ts.scriptqueue.testing.scripted import Checkpoint, Exit, Fail, Hang, Plan, Wait
from lsst.ts.scriptqueue.testing.scripted_launcher import ScriptedLauncher

from ..observer import Observer

#: What the scripts of every test do; short, because on some buses time is real.
PLANS: Mapping[str, Plan] = {
    "quick.py": Plan(
        running=(Wait(0.02),), metadata={"duration": 0.02, "instrument": "LATISS", "nimages": 2}
    ),
    "until_stopped.py": Plan(running=(Checkpoint("begun"), Hang())),
    "checkpoints.py": Plan(running=(Checkpoint("one"), Checkpoint("two"))),
    "fails.py": Plan(running=(Fail("no light"),)),
    "unconfigurable.py": Plan(configuring=(Fail("az is not a number"),)),
    "unlaunchable.py": Plan(launch_error="no such interpreter"),
    "dies.py": Plan(running=(Exit(signal=9, output="Segmentation fault"),)),
    "loads_for_ever.py": Plan(loading=(Hang(),)),
    "configures_for_ever.py": Plan(unanswered=("configure",)),
    "silent_about_group_id.py": Plan(unanswered=("setGroupId",)),
    "stubborn.py": Plan(running=(Hang(),), unanswered=("stop",), term_s=None),
    "lingers.py": Plan(running=(Wait(0.02),), leaving=(Hang(),)),
}


class Stage(Observer):
    """A queue, its launcher, and an observer.

    Attributes
    ----------
    csc, model
        The queue.
    launcher
        Plays the scripts.
    clock
        Where time comes from.
    """

    csc: ScriptQueueCsc
    model: QueueModel
    launcher: ScriptedLauncher
    clock: Clock
    directory: pathlib.Path


class Buses:
    """Makes the buses of one test, which all meet each other.

    Parameters
    ----------
    kind
        ``memory``, or a middleware.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.clock: Clock = FakeClock() if kind == "memory" else SystemClock()
        self._broker = MemoryBroker()

    def make(self) -> Bus:
        return MemoryBus(self._broker) if self.kind == "memory" else connect(self.kind)


@contextlib.asynccontextmanager
async def a_stage(
    buses: Buses,
    directory: pathlib.Path,
    *,
    limits: Limits | None = None,
    initial_state: State = State.ENABLED,
    plans: Mapping[str, Plan] = PLANS,
    configurations: ConfigurationFolder | None = None,
) -> AsyncIterator[Stage]:
    """Start a queue and an observer of it."""
    make_scripts(directory / "standard", plans)
    (directory / "external").mkdir(exist_ok=True)
    async with Domain(buses.make(), clock=buses.clock) as domain:
        launcher = ScriptedLauncher(buses.make(), plans, buses.clock)
        csc = ScriptQueueCsc(
            domain,
            1,
            library=ScriptLibrary(directory / "standard", directory / "external"),
            launcher=launcher,
            block_ids=LocalBlockIds(
                directory / "block_ids.json",
                lambda: datetime.datetime(2026, 11, 21, 3, tzinfo=datetime.UTC),
                logging.getLogger("test"),
            ),
            settings=Settings(limits=limits or Limits()),
            configurations=configurations,
            initial_state=initial_state,
            duplicate_watch_s=0.0,
        )
        async with csc, Domain(buses.make(), clock=buses.clock) as client:
            stage = Stage(client, csc.model.story)
            stage.csc, stage.model = csc, csc.model
            stage.launcher, stage.clock = launcher, buses.clock
            stage.directory = directory / "standard"
            await stage.start()
            yield stage


def make_scripts(directory: pathlib.Path, names: Mapping[str, Plan]) -> None:
    """Make files for the library to find; nobody runs them."""
    directory.mkdir(exist_ok=True)
    for name in names:
        file = directory / name
        file.write_text("#!/bin/false\n")
        file.chmod(0o755)
