# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long processes take until they are heard: scripts, and the floors beside them.

Nothing but the client listens here: no queue runs. A script is started as its
queue would start it, and is ended when it has reported UNCONFIGURED.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bare_dds import PING, PONG, READY, BarePeer
from children import Crowd, Usage, memory_of
from figures import REST_S, Readings
from middleware import Middleware
from watch import ScriptWatch

from lsst.ts.scriptqueue.bus.contract import TopicSpec
from lsst.ts.scriptqueue.bus.dds.discovery import configuration
from lsst.ts.scriptqueue.launch.environment import child_environment
from lsst.ts.scriptqueue.sal.definitions import component
from lsst.ts.scriptqueue.sal.enums import ScriptState

__all__ = ["Floors", "measure_interpreters", "measure_scripts"]

HERE = Path(__file__).parent

#: Indices of scripts that belong to no queue that runs.
FIRST_INDEX = 300_001

READY_LIMIT_S = 60.0


class Floors:
    """What is measured without anything of ours but discovery's settings.

    Parameters
    ----------
    domain
        A DDS domain for floors alone.
    folder
        A temporary folder.
    readings
        Where it goes.
    """

    def __init__(self, domain: int, folder: Path, readings: Readings) -> None:
        script = component("Script")
        self._readings = readings
        self._plan = folder / "bare.json"
        self._plan.write_text(
            json.dumps(
                {
                    "domain": domain,
                    "configurations": [
                        configuration("leaf", domain, with_place=with_place) for with_place in (True, False)
                    ],
                    "writes": [_topic(topic) for topic in (*script.events.values(), script.ackcmd)],
                    "reads": [_topic(topic) for topic in script.commands.values()],
                }
            )
        )
        self._peer = BarePeer(domain, [configuration("hub", domain)])
        self._ready = self._peer.inlet(READY)
        self._pings, self._pongs = self._peer.writer(PING), self._peer.inlet(PONG)
        self._last = 0

    async def measure_bare(self, count: int) -> None:
        """Start so many bare participants at once, and hear of each."""
        with Crowd() as crowd:
            taken_s = await self.start_bare(crowd, count)
            self._readings.add(f"bare_{count}", taken_s)
            memories = [memory_of(pid) for pid in crowd.pids]
            self._readings.add("bare_rss", *(memory.rss_mb for memory in memories))
            if count == 20:
                self._readings.add("bare_pss", *(memory.pss_mb for memory in memories))
            usages = await crowd.end()
            self._readings.add("bare_cpu", *(usage.cpu_s for usage in usages))

    async def start_bare(self, crowd: Crowd, count: int, interval_s: float = 5.0) -> float:
        """Start bare participants, and return the time until the last was heard (seconds)."""
        numbers = range(self._last + 1, self._last + count + 1)
        self._last += count
        started = time.perf_counter()
        for number in numbers:
            crowd.start(
                [sys.executable, str(HERE / "bare_process.py"), str(self._plan), str(number), str(interval_s)]
            )
        return max((await self._arrivals(count)).values()) - started

    async def measure_round_trips(self, count: int) -> None:
        """Send numbers to a process that sends them back: in a row, and each after a rest."""
        with Crowd() as crowd:
            self._last += 1
            crowd.start([sys.executable, str(HERE / "bare_echo.py"), str(self._plan), str(self._last)])
            await self._arrivals(1)
            in_a_row = await asyncio.to_thread(self._round_trips, count, 0.0)
            rested = await asyncio.to_thread(self._round_trips, count // 10, REST_S)
        # The first ones are those of a process that has just started.
        self._readings.add("round_trip", *(trip * 1e3 for trip in in_a_row[count // 10 :]))
        self._readings.add("rested_trip", *(trip * 1e3 for trip in rested))

    async def _arrivals(self, count: int) -> Mapping[int, float]:
        try:
            return await asyncio.to_thread(self._ready.arrivals, count, READY_LIMIT_S)
        except asyncio.CancelledError:
            self._ready.abandon()
            raise

    def _round_trips(self, count: int, rest_s: float) -> list[float]:
        trips = []
        for _ in range(count):
            if rest_s:
                # Nothing comes; the processor goes to sleep as it does before a command.
                self._pongs.wait(rest_s)
            self._last += 1
            sent = time.perf_counter()
            self._peer.send(self._pings, self._last)
            # The echo of the last ping to the process before comes, too.
            while (pongs := self._pongs.wait(READY_LIMIT_S)) and self._last not in pongs:
                pass
            if not pongs:
                raise TimeoutError(f"a ping did not come back within {READY_LIMIT_S} s")
            trips.append(time.perf_counter() - sent)
        return trips


async def measure_interpreters(count: int, readings: Readings) -> None:
    """Start interpreters that do nothing, and some that do nothing with asyncio."""
    if count == 1:
        await _measure_program("interpreter", "pass", 1, readings)
    suffix = "" if count == 1 else f"_{count}"
    await _measure_program(
        f"asyncio{suffix}", "import asyncio; asyncio.run(asyncio.sleep(0))", count, readings
    )


async def _measure_program(key: str, program: str, count: int, readings: Readings) -> None:
    with Crowd() as crowd:
        began = time.perf_counter()
        for _ in range(count):
            crowd.start([sys.executable, "-c", program])
        if count == 1:
            readings.add("spawn", (time.perf_counter() - began) * 1e3)
        usages = await crowd.ended()
        readings.add(key, time.perf_counter() - began)
        if key == "asyncio":
            readings.add("asyncio_cpu", *(usage.cpu_s for usage in usages))


async def measure_scripts(
    middleware: Middleware, watch: ScriptWatch, script: Path, count: int, readings: Readings
) -> None:
    """Start so many scripts at once, and hear each report UNCONFIGURED."""
    environment = middleware.environment
    if not middleware.salobj_python:
        handed_down = await watch.bus.hand_down(component("Script").topics.values())
        environment = child_environment(str(script), "bench", environment, handed_down)
    with Crowd() as crowd:
        indices = range(FIRST_INDEX, FIRST_INDEX + count)
        watch.forget()
        began = time.perf_counter()
        for index in indices:
            crowd.start([str(script), str(index)], environment=environment)
        reports = await watch.reached(indices, ScriptState.UNCONFIGURED, READY_LIMIT_S)
        readings.add(f"ready_{count}", max(report.heard for report in reports.values()) - began)
        usages: list[Usage] = await crowd.end()
        readings.add("ready_cpu", *(usage.cpu_s for usage in usages))


def _topic(topic: TopicSpec) -> list[Any]:
    return [topic.name, [[field.name, field.type.value, field.count] for field in topic.fields]]
