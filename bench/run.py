# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures how fast this project is, and prints it beside its floors.

    .venv/bin/python bench/run.py [--quick] [--only dds|kafka] [--json FILE]

Where SALOBJ_PYTHON names an interpreter that has the deployed ScriptQueue and
salobj, those are measured, too, on the same broker.

Figures and their floors are taken in turn (A B A B), so that whatever else
the machine does falls on both. Nothing is asserted: a figure above its target
is a line in the table. Best on an idle machine.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from figures import Readings
from interruption import interruptible
from kafka_floors import KafkaFloors
from loading import Floors, measure_interpreters, measure_scripts
from middleware import Middleware, dds, deployed, kafka
from queueing import measure_adds, measure_handovers, measure_idle, measure_memory
from report import as_json, machine, table
from service import running_service
from slots import CONFIGURATION, measure_slots
from watch import ScriptWatch

from lsst.ts.scriptqueue.bus.dds.discovery import Role, count_taken
from lsst.ts.scriptqueue.sal import Domain
from lsst.ts.scriptqueue.sal.csc import DUPLICATE_WATCH_S

SCRIPTS = Path(__file__).parent / "scripts"
SALOBJ_SCRIPTS = Path(__file__).parent / "salobj_scripts"
SCRIPT = "wait.py"

#: More bare participants at once take minutes of CPU.
MOST_BARE = 20

_ROLES: tuple[Role, ...] = ("hub", "leaf")

#: What would send us to somebody's middleware, or have Python compile or report at each start.
_FOREIGN = ("LSST_", "CYCLONEDDS_URI", "IMAGE_SERVER_URL", "PYTHON")


@dataclass(frozen=True, slots=True)
class Plan:
    """How often what is measured.

    Attributes
    ----------
    rounds
        For each number of processes at once, how often.
    deployed_rounds
        The same for what is deployed, which takes its time.
    starts
        How often a queue is started.
    handovers
        Handovers in a row.
    round_trips
        Round trips in a row.
    idle_beats
        Heartbeats (seconds) for which the queue idles.
    slot_rounds, slot_starts
        How often scripts of several slots run at once, and start beside another.
    """

    rounds: dict[int, int]
    deployed_rounds: dict[int, int]
    starts: int
    handovers: int
    round_trips: int
    idle_beats: int
    slot_rounds: int
    slot_starts: int


THOROUGH = Plan({1: 10, 20: 3, 100: 1}, {1: 3, 20: 1}, 3, 20, 500, 20, slot_rounds=5, slot_starts=15)
QUICK = Plan({1: 2, 20: 1}, {1: 1, 20: 1}, 1, 4, 100, 3, slot_rounds=2, slot_starts=3)


@dataclass(frozen=True, slots=True)
class Subject:
    """A middleware that is measured.

    Attributes
    ----------
    middleware
        Which.
    rounds
        For each number of processes at once, how often.
    scripts
        The directory of the scripts.
    readings
        Where it goes.
    dds, kafka
        Its floors, if they are measured.
    domain
        Where its clients are.
    watch
        A client that hears its scripts.
    """

    middleware: Middleware
    rounds: dict[int, int]
    scripts: Path
    readings: Readings
    dds: Floors | None
    kafka: KafkaFloors | None
    domain: Domain
    watch: ScriptWatch

    async def measure_bare(self, count: int) -> None:
        """Measure what so many processes take at least."""
        if count > MOST_BARE:
            return
        if self.dds is not None:
            await self.dds.measure_bare(count)
        if self.kafka is not None:
            await self.kafka.measure_bare(count)

    async def measure_trips(self, count: int) -> None:
        """Measure what a message takes at least."""
        if self.dds is not None:
            await self.dds.measure_round_trips(count)
        if self.kafka is not None:
            await self.kafka.measure_trips(count)


async def measure(plan: Plan, middlewares: Sequence[Middleware], floor_domain: int) -> Sequence[Readings]:
    """Measure all."""
    common = Readings()
    common.add("listening", DUPLICATE_WATCH_S)
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="scriptqueue-bench-")))
        subjects = []
        for middleware in middlewares:
            readings = Readings(middleware.title, common)
            domain = await stack.enter_async_context(middleware.domain())
            kafka_floors = None
            if middleware.title == "kafka":
                kafka_floors = KafkaFloors(middleware, folder, readings)
                stack.callback(kafka_floors.remove_topics)
            subject = Subject(
                middleware,
                plan.deployed_rounds if middleware.salobj_python else plan.rounds,
                _scripts(middleware, folder),
                readings,
                Floors(floor_domain, folder, readings) if middleware.title == "dds" else None,
                kafka_floors,
                domain,
                await stack.enter_async_context(ScriptWatch(domain)),
            )
            # After a change the first start compiles.
            await measure_scripts(middleware, subject.watch, subject.scripts / SCRIPT, 1, Readings())
            subjects.append(subject)
        for count, rounds in plan.rounds.items():
            for turn in _told(rounds, f"{count} processes at once"):
                await measure_interpreters(count, common)
                for subject in subjects:
                    if turn < subject.rounds.get(count, 0):
                        await subject.measure_bare(count)
                        await measure_scripts(
                            subject.middleware,
                            subject.watch,
                            subject.scripts / SCRIPT,
                            count,
                            subject.readings,
                        )
        for subject in subjects:
            home = folder / subject.middleware.title
            home.mkdir()
            await measure_queue(plan, subject, common, home)
            if not subject.middleware.salobj_python:
                await measure_queue_with_slots(plan, subject, home)
    return [common, *(subject.readings for subject in subjects)]


async def measure_queue(plan: Plan, subject: Subject, common: Readings, folder: Path) -> None:
    """Measure a queue on one middleware."""
    readings, watch = subject.readings, subject.watch
    for start in _told(plan.starts, f"a queue, {subject.middleware.title}, its start"):
        async with running_service(
            subject.middleware, subject.domain, subject.scripts, folder / f"queue{start}"
        ) as service:
            readings.add("queue_enabled", service.enabled_s)
            readings.add("queue_start_cpu", service.enabled_cpu_s)
            if start < plan.starts - 1:
                continue
            for count, rounds in subject.rounds.items():
                for _ in _told(rounds, f"{count} adds at once"):
                    await measure_interpreters(count, common)
                    await subject.measure_bare(count)
                    await measure_adds(service, watch, SCRIPT, count, readings)
                measure_memory(service, count, readings)
            for _ in _told(2, "handovers"):
                await subject.measure_trips(plan.round_trips)
                await measure_handovers(service, watch, SCRIPT, plan.handovers, readings)
            for _ in _told(1, f"idling for {plan.idle_beats} s"):
                await measure_idle(service, subject.dds, plan.idle_beats, readings)


async def measure_queue_with_slots(plan: Plan, subject: Subject, folder: Path) -> None:
    """Measure a queue that has four slots."""
    _told(1, f"a queue with slots, {subject.middleware.title}")
    async with running_service(
        subject.middleware, subject.domain, subject.scripts, folder / "slots", CONFIGURATION
    ) as service:
        await measure_slots(
            service, subject.watch, SCRIPT, plan.slot_rounds, plan.slot_starts, subject.readings
        )


def _scripts(middleware: Middleware, folder: Path) -> Path:
    """Return the directory of the scripts; those on salobj get a first line that says who runs them."""
    if not middleware.salobj_python:
        return SCRIPTS
    directory = folder / "salobj_scripts"
    directory.mkdir()
    text = (SALOBJ_SCRIPTS / SCRIPT).read_text()
    (directory / SCRIPT).write_text(f"#!{middleware.salobj_python}\n{text}")
    (directory / SCRIPT).chmod(0o755)
    return directory


def main() -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(prog="bench/run.py", description="Measure how fast this project is.")
    parser.add_argument("--quick", action="store_true", help="a minute, to see that it works")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all readings to a file")
    parser.add_argument("--only", choices=("dds", "kafka"), help="measure one middleware")
    options = parser.parse_args()
    given = {name: value for name, value in os.environ.items() if name.startswith("LSST_")}
    for name in [name for name in os.environ if name.startswith(_FOREIGN)]:
        del os.environ[name]
    dds_domain = free_domain()
    where = machine()
    notes = ["quick: few readings, a short idle time; no figures to quote"] if options.quick else []
    plan = QUICK if options.quick else THOROUGH
    try:
        with interruptible() as interruption, contextlib.ExitStack() as stack:
            middlewares = [] if options.only == "kafka" else [dds(dds_domain)]
            if options.only != "dds":
                found = stack.enter_context(kafka(given))
                if isinstance(found, str):
                    notes.append(f"Kafka was left out: {found}")
                else:
                    middlewares.append(found)
                    if interpreter := os.environ.get("SALOBJ_PYTHON"):
                        middlewares.append(deployed(found, interpreter, given.get("LSST_SITE") or "test"))
            stack.callback(interruption.ignore)
            measured = asyncio.run(interruption.during(measure(plan, middlewares, dds_domain + 1)))
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("bench: given up; all its processes have ended", file=sys.stderr)
        return 1
    print(table(measured, where, notes))
    if options.json:
        options.json.write_text(as_json(measured, where, notes) + "\n")
    return 0


def _told(rounds: int, what: str) -> range:
    print(f"bench: {what}, {rounds} times", file=sys.stderr, flush=True)
    return range(rounds)


def free_domain() -> int:
    """Return a DDS domain that nobody uses on this machine, and the next neither."""
    for domain in random.sample(range(1, 229), 228):
        if not any(count_taken(role, near) for role in _ROLES for near in (domain, domain + 1)):
            return domain
    raise SystemExit("bench: every DDS domain of this machine is in use")


if __name__ == "__main__":
    sys.exit(main())
