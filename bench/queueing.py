# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a ScriptQueue takes: to start, to add, to hand over, and to do nothing."""

from __future__ import annotations

import asyncio
import itertools
import sys
import time
from collections.abc import Sequence

import psutil
from children import Crowd, cpu_of, memory_of
from figures import Readings
from loading import Floors
from service import Service
from watch import ScriptWatch

from lsst.ts.scriptqueue.sal import ScriptState

__all__ = ["measure_adds", "measure_handovers", "measure_idle", "measure_memory"]

LIMIT_S = 120.0

#: Long enough for the next script to have got its group id meanwhile.
RUN_TIME_S = 0.15


async def measure_adds(
    service: Service, watch: ScriptWatch, path: str, count: int, readings: Readings
) -> None:
    """Add scripts at once to a paused queue, then let them run."""
    await service.pause()
    watch.forget()
    cpu_before = cpu_of(service.pid)
    children_before = service.children_cpu()
    began = time.perf_counter()

    async def add() -> tuple[int, float]:
        index = await service.add(path, "duration: 0")
        return index, time.perf_counter() - began

    added = await asyncio.gather(*(add() for _ in range(count)))
    indices = [index for index, _ in added]
    reports = await watch.reached(indices, ScriptState.CONFIGURED, LIMIT_S)
    configured = time.perf_counter()
    print(f"bench: {count} are configured", file=sys.stderr, flush=True)
    readings.add(f"configured_{count}", max(report.heard for report in reports.values()) - began)
    if count == 1:
        readings.add("ack", added[0][1] * 1e3)
    processes = service.script_processes()
    if count == 20:
        memories = [memory_of(process.pid) for process in processes]
        readings.add("script_rss", *(memory.rss_mb for memory in memories))
        readings.add("script_pss", *(memory.pss_mb for memory in memories))
    began += time.perf_counter() - configured
    await _run_all(service, watch, indices, processes)
    readings.add(f"gone_{count}", time.perf_counter() - began)
    if count == 20:
        readings.add("script_cpu", (service.children_cpu() - children_before) / count)
        readings.add("queue_cpu", (cpu_of(service.pid) - cpu_before) / count * 1e3)


async def measure_handovers(
    service: Service, watch: ScriptWatch, path: str, count: int, readings: Readings
) -> None:
    """Let scripts that wait configured run one after another."""
    await service.pause()
    watch.forget()
    indices = [await service.add(path, f"duration: {RUN_TIME_S}") for _ in range(count)]
    await watch.reached(indices, ScriptState.CONFIGURED, LIMIT_S)
    await _run_all(service, watch, indices, service.script_processes())
    done = await watch.reached(indices, ScriptState.DONE, LIMIT_S)
    running = await watch.reached(indices, ScriptState.RUNNING, LIMIT_S)
    for before, after in itertools.pairwise(indices):
        readings.add("handover", (running[after].sent_tai - done[before].sent_tai) * 1e3)
    ends = await service.ended(indices)
    readings.add("end", *(ends[index] - done[index].sent_tai for index in indices))


async def measure_idle(service: Service, floors: Floors | None, beats: int, readings: Readings) -> None:
    """Let an enabled queue and a bare participant, if there are floors, do nothing but beat."""
    with Crowd() as crowd:
        pids = {"queue_idle": service.pid}
        if floors is not None:
            await floors.start_bare(crowd, 1, interval_s=1.0)
            pids["bare_idle"] = crowd.pids[0]
        await service.beats(1)
        before = {key: cpu_of(pid) for key, pid in pids.items()}
        began = time.perf_counter()
        await service.beats(beats)
        taken_s = time.perf_counter() - began
        for key, pid in pids.items():
            readings.add(key, (cpu_of(pid) - before[key]) / taken_s * 100)
        await crowd.end()


def measure_memory(service: Service, count: int, readings: Readings) -> None:
    """Take the memory of a queue that has had so many scripts at once."""
    memory = memory_of(service.pid)
    if count == 20:
        readings.add("queue_rss", memory.rss_mb)
        readings.add("queue_pss", memory.pss_mb)
    elif count == 100:
        readings.add("queue_rss_100", memory.rss_mb)


async def _run_all(
    service: Service, watch: ScriptWatch, indices: Sequence[int], processes: Sequence[psutil.Process]
) -> None:
    await service.resume()
    await watch.reached(indices, ScriptState.DONE, LIMIT_S)
    await service.gone(processes)
