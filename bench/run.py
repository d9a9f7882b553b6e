# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures how fast this project is, and prints it beside its floors.

    .venv/bin/python bench/run.py [--quick] [--json FILE]

Figures and their floors are taken in turn (A B A B), so that whatever else
the machine does falls on both. Nothing is asserted: a figure above its target
is a line in the table. Best on an idle machine.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import secrets
import signal
import sys
import tempfile
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from figures import Readings
from loading import Floors, measure_interpreters, measure_scripts
from queueing import measure_adds, measure_handovers, measure_idle, measure_memory
from report import as_json, machine, table
from service import running_service
from watch import ScriptWatch

from lsst.ts.scriptqueue.bus.dds.discovery import Role, count_taken
from lsst.ts.scriptqueue.sal import Domain
from lsst.ts.scriptqueue.sal.csc import DUPLICATE_WATCH_S

SCRIPTS = Path(__file__).parent / "scripts"
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
    starts
        How often a queue is started.
    handovers
        Handovers in a row.
    round_trips
        Round trips in a row.
    idle_beats
        Heartbeats (seconds) for which the queue idles.
    """

    rounds: dict[int, int]
    starts: int
    handovers: int
    round_trips: int
    idle_beats: int


THOROUGH = Plan({1: 10, 20: 3, 100: 1}, starts=3, handovers=20, round_trips=500, idle_beats=20)
QUICK = Plan({1: 2, 20: 1}, starts=1, handovers=4, round_trips=100, idle_beats=3)


async def measure_floor(floors: Floors, count: int, readings: Readings) -> None:
    """Measure what so many processes take at least."""
    await measure_interpreters(count, readings)
    if count <= MOST_BARE:
        await floors.measure_bare(count)


async def measure(plan: Plan, dds_domain: int) -> Readings:
    """Measure all."""
    readings = Readings()
    readings.add("listening", DUPLICATE_WATCH_S)
    with tempfile.TemporaryDirectory(prefix="scriptqueue-bench-") as name:
        folder = Path(name)
        floors = Floors(dds_domain + 1, folder, readings)
        async with Domain.connect("dds") as domain, ScriptWatch(domain) as watch:
            # After a change the first start compiles.
            await measure_scripts(watch, SCRIPTS / SCRIPT, 1, Readings())
            for count, rounds in plan.rounds.items():
                for _ in _told(rounds, f"{count} processes at once"):
                    await measure_floor(floors, count, readings)
                    await measure_scripts(watch, SCRIPTS / SCRIPT, count, readings)
            for start in _told(plan.starts, "a queue, its start"):
                await floors.measure_bare(1)
                async with running_service(domain, SCRIPTS, folder / f"queue{start}") as service:
                    readings.add("queue_enabled", service.enabled_s)
                    readings.add("queue_start_cpu", service.enabled_cpu_s)
                    if start < plan.starts - 1:
                        continue
                    for count, rounds in plan.rounds.items():
                        for _ in _told(rounds, f"{count} adds at once"):
                            await measure_floor(floors, count, readings)
                            await measure_adds(service, watch, SCRIPT, count, readings)
                        measure_memory(service, count, readings)
                    for _ in _told(2, "handovers"):
                        await floors.measure_round_trips(plan.round_trips)
                        await measure_handovers(service, watch, SCRIPT, plan.handovers, readings)
                    for _ in _told(1, f"idling for {plan.idle_beats} s"):
                        await measure_idle(service, floors, plan.idle_beats, readings)
    return readings


def main() -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(prog="bench/run.py", description="Measure how fast this project is.")
    parser.add_argument("--quick", action="store_true", help="half a minute, to see that it works")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all readings to a file")
    options = parser.parse_args()
    for name in [name for name in os.environ if name.startswith(_FOREIGN)]:
        del os.environ[name]
    dds_domain = _free_domain()
    os.environ["LSST_DDS_DOMAIN_ID"] = str(dds_domain)
    os.environ["LSST_TOPIC_SUBNAME"] = f"bench_{secrets.token_hex(6)}"
    where = machine()
    try:
        readings = asyncio.run(_until_told(measure(QUICK if options.quick else THOROUGH, dds_domain)))
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("bench: given up; all its processes have ended", file=sys.stderr)
        return 1
    print(table(readings, where, quick=options.quick))
    if options.json:
        options.json.write_text(as_json(readings, where, quick=options.quick) + "\n")
    return 0


async def _until_told(work: Coroutine[Any, Any, Readings]) -> Readings:
    """Do the work, but end it in order at SIGTERM, too."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await work


def _told(rounds: int, what: str) -> range:
    print(f"bench: {what}, {rounds} times", file=sys.stderr, flush=True)
    return range(rounds)


def _free_domain() -> int:
    """Return a DDS domain that nobody uses on this machine, and the next neither."""
    for domain in random.sample(range(1, 229), 228):
        if not any(count_taken(role, near) for role in _ROLES for near in (domain, domain + 1)):
            return domain
    raise SystemExit("bench: every DDS domain of this machine is in use")


if __name__ == "__main__":
    sys.exit(main())
