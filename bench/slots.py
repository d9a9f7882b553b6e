# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What slots take: scripts of four slots at once, and starts while another slot runs."""

from __future__ import annotations

import time

from figures import Readings
from queueing import LIMIT_S, RUN_TIME_S
from service import Service
from watch import ScriptWatch

from lsst.ts.scriptqueue.sal import ScriptState

__all__ = ["CONFIGURATION", "measure_slots"]

SLOTS = ("main", "calibration", "engineering", "utility")

CONFIGURATION = "slots:\n" + "".join(f"  - name: {name}\n" for name in SLOTS)

#: Run time of four scripts at once (seconds).
TOGETHER_S = 1.0

#: Longer than anything that is measured beside it (seconds).
FOR_LONG_S = 3600.0


async def measure_slots(
    service: Service, watch: ScriptWatch, path: str, rounds: int, starts: int, readings: Readings
) -> None:
    """Measure a queue with these slots.

    Parameters
    ----------
    service
        A queue that was started with `CONFIGURATION`.
    watch
        Hears its scripts.
    path
        A script that runs for its ``duration``.
    rounds
        How often one and four scripts run at once.
    starts
        How many scripts start beside one that runs.
    readings
        Where it goes.
    """
    for _ in range(rounds):
        readings.add("slots_one", await _together(service, watch, path, SLOTS[:1]) * 1e3)
        readings.add("slots_all", await _together(service, watch, path, SLOTS) * 1e3)
    watch.forget()
    await service.resume()
    long_one = await service.add(path, f"duration: {FOR_LONG_S}", slot="utility", resources="Long")
    await watch.reached([long_one], ScriptState.RUNNING, LIMIT_S)
    for _ in range(starts):
        next_one, freed = await _start_beside(service, watch, path)
        readings.add("slot_handover", next_one * 1e3)
        readings.add("slot_free", freed * 1e3)
    await service.stop(long_one)
    await watch.reached([long_one], ScriptState.STOPPED, LIMIT_S)


async def _together(service: Service, watch: ScriptWatch, path: str, slots: tuple[str, ...]) -> float:
    """Let configured scripts that need different things run; the time from resume, less their run time."""
    await service.pause()
    watch.forget()
    indices = [
        await service.add(path, f"duration: {TOGETHER_S}", slot=slot, resources=f"Of{slot}") for slot in slots
    ]
    await watch.reached(indices, ScriptState.CONFIGURED, LIMIT_S)
    processes = service.script_processes()
    began = time.perf_counter()
    await service.resume()
    done = await watch.reached(indices, ScriptState.DONE, LIMIT_S)
    await service.gone(processes)
    return max(report.heard for report in done.values()) - began - TOGETHER_S


async def _start_beside(service: Service, watch: ScriptWatch, path: str) -> tuple[float, float]:
    """Let a script of main end: what is next there, and what waits in another slot for what it held.

    Returns
    -------
    next_one, freed
        Time from DONE to the RUNNING of each (seconds).
    """
    times = []
    for slot, waits_for in (("main", "Other"), ("calibration", "Thing")):
        await service.pause()
        before = service.script_processes()
        first = await service.add(path, f"duration: {RUN_TIME_S}", slot="main", resources="Thing")
        second = await service.add(path, "duration: 0", slot=slot, resources=waits_for)
        await watch.reached([first, second], ScriptState.CONFIGURED, LIMIT_S)
        processes = [process for process in service.script_processes() if process not in before]
        await service.resume()
        done = await watch.reached([first, second], ScriptState.DONE, LIMIT_S)
        running = await watch.reached([second], ScriptState.RUNNING, LIMIT_S)
        times.append(running[second].sent_tai - done[first].sent_tai)
        await service.gone(processes)
    return times[0], times[1]
