# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two short nights as they were seen.

In the first, one of three scripts fails while the next waits; in the second a
failure pauses one of several slots, and a script waits for the mount.
"""

from __future__ import annotations

import logging

from lsst.ts.scriptqueue.cli.commanding.slots import Slot
from lsst.ts.scriptqueue.cli.night.sightings import (
    DeedSeen,
    GroupIdSeen,
    LogSeen,
    MetadataSeen,
    QueueSeen,
    ScriptSeen,
    Sighting,
    SlotsSeen,
    StateSeen,
    SummaryStateSeen,
)
from lsst.ts.scriptqueue.sal.enums import ScriptProcessState, ScriptState, State

__all__ = [
    "IMAGES",
    "MOUNT",
    "SLEW",
    "SLOTS_SINCE_S",
    "START_TAI",
    "STATION",
    "WARMUP",
    "night",
    "night_in_slots",
    "queue_seen",
    "script_seen",
    "state_seen",
]

START_TAI = 1_800_000_000.0
SLEW, IMAGES, WARMUP, STATION, MOUNT = 100000, 100001, 100002, 100003, 100004

#: When the queue has slots (seconds after the start).
SLOTS_SINCE_S = 10.0

_PATHS = {
    SLEW: "slew_and_track.py",
    IMAGES: "auxtel/take_images.py",
    WARMUP: "warm_up.py",
    STATION: "set_summary_state.py",
    MOUNT: "maintel/slew.py",
}


def queue_seen(
    at_s: float,
    *,
    running: bool = True,
    current: int = 0,
    waiting: tuple[int, ...] = (),
    past: tuple[int, ...] = (),
) -> QueueSeen:
    return QueueSeen(START_TAI + at_s, running, current, waiting, past)


def script_seen(
    at_s: float,
    index: int,
    process_state: ScriptProcessState,
    script_state: ScriptState,
    *,
    added_s: float = 1.0,
    run_start_s: float | None = None,
    slot: str = "",
    resources: str = "",
    waiting_for: str = "",
) -> ScriptSeen:
    return ScriptSeen(
        START_TAI + at_s,
        index,
        _PATHS[index],
        process_state,
        script_state,
        process_start_tai=START_TAI + added_s,
        run_start_tai=0.0 if run_start_s is None else START_TAI + run_start_s,
        slot=slot,
        resources=resources,
        waiting_for=waiting_for,
    )


def state_seen(
    at_s: float,
    index: int,
    state: ScriptState,
    *,
    reason: str = "",
    group_id: str = "",
    checkpoint: str = "",
    passed: int = 0,
) -> StateSeen:
    return StateSeen(START_TAI + at_s, index, state, reason, group_id, checkpoint, passed)


def night() -> list[Sighting]:
    """Return what was seen, in order."""
    loading, configured = ScriptProcessState.LOADING, ScriptProcessState.CONFIGURED
    run, done = ScriptProcessState.RUNNING, ScriptProcessState.DONE
    failed = ScriptState.FAILED
    return [
        SummaryStateSeen(START_TAI + 0.5, State.STANDBY),
        DeedSeen(START_TAI + 0.6, "enables the queue"),
        SummaryStateSeen(START_TAI + 0.8, State.ENABLED),
        DeedSeen(START_TAI + 1.0, "adds three scripts"),
        queue_seen(1.0, waiting=(SLEW,)),
        script_seen(1.0, SLEW, loading, ScriptState.UNKNOWN),
        queue_seen(1.1, waiting=(SLEW, IMAGES)),
        script_seen(1.1, IMAGES, loading, ScriptState.UNKNOWN, added_s=1.1),
        queue_seen(1.2, waiting=(SLEW, IMAGES, WARMUP)),
        script_seen(1.2, WARMUP, loading, ScriptState.UNKNOWN, added_s=1.2),
        state_seen(1.3, SLEW, ScriptState.UNCONFIGURED),
        MetadataSeen(START_TAI + 1.4, SLEW, 2.0, 2),
        state_seen(1.4, SLEW, ScriptState.CONFIGURED),
        script_seen(1.4, SLEW, configured, ScriptState.CONFIGURED),
        GroupIdSeen(START_TAI + 1.5, SLEW, "2027-01-15T08:00:38.500"),
        state_seen(1.5, SLEW, ScriptState.CONFIGURED, group_id="2027-01-15T08:00:38.500"),
        queue_seen(1.6, current=SLEW, waiting=(IMAGES, WARMUP)),
        state_seen(1.6, SLEW, ScriptState.RUNNING, group_id="2027-01-15T08:00:38.500"),
        script_seen(1.6, SLEW, run, ScriptState.RUNNING, run_start_s=1.6),
        MetadataSeen(START_TAI + 1.7, IMAGES, 4.0, 3),
        state_seen(1.7, IMAGES, ScriptState.CONFIGURED),
        state_seen(
            2.6, SLEW, ScriptState.RUNNING, checkpoint="slewing", passed=1, group_id="2027-01-15T08:00:38.500"
        ),
        state_seen(
            3.6, SLEW, ScriptState.DONE, checkpoint="slewing", passed=1, group_id="2027-01-15T08:00:38.500"
        ),
        queue_seen(3.6, current=IMAGES, waiting=(WARMUP,), past=(SLEW,)),
        script_seen(3.6, SLEW, done, ScriptState.DONE, run_start_s=1.6),
        state_seen(3.7, IMAGES, ScriptState.RUNNING),
        script_seen(3.7, IMAGES, run, ScriptState.RUNNING, added_s=1.1, run_start_s=3.7),
        state_seen(4.7, IMAGES, ScriptState.PAUSED, checkpoint="exposure 1", passed=1),
        state_seen(6.7, IMAGES, ScriptState.RUNNING, checkpoint="exposure 1", passed=1),
        LogSeen(START_TAI + 7.0, IMAGES, logging.ERROR, "the shutter did not open"),
        state_seen(7.2, IMAGES, failed, reason="no light\nat all", checkpoint="exposure 1", passed=1),
        queue_seen(7.2, running=False, current=IMAGES, waiting=(WARMUP,), past=(SLEW,)),
        script_seen(7.2, IMAGES, done, failed, added_s=1.1, run_start_s=3.7),
    ]


def night_in_slots() -> list[Sighting]:
    """Return what was seen, in order: main slews, a calibration fails, a station is up, a slew waits."""
    configured, run, done = ScriptProcessState.CONFIGURED, ScriptProcessState.RUNNING, ScriptProcessState.DONE
    ready, running, failed = ScriptState.CONFIGURED, ScriptState.RUNNING, ScriptState.FAILED
    paused = "paused since 08:00:13, because 100001 failed: no light"
    held = "MTMount is held by 100000 (main) since 08:00:11"

    def slots(at_s: float, main: Slot, calibration: Slot, utility: Slot) -> SlotsSeen:
        return SlotsSeen(START_TAI + at_s, (main, calibration, utility))

    def slew(at_s: float, process: ScriptProcessState, state: ScriptState) -> ScriptSeen:
        run_start_s = None if process is configured else 11.0
        return script_seen(
            at_s, SLEW, process, state, run_start_s=run_start_s, slot="main", resources="MTMount"
        )

    def images(at_s: float, process: ScriptProcessState, state: ScriptState) -> ScriptSeen:
        run_start_s = None if process is configured else 11.0
        return script_seen(
            at_s, IMAGES, process, state, run_start_s=run_start_s, slot="calibration", resources="MTCamera"
        )

    idle = Slot("utility", capacity=4, is_eager=True)
    empty = (Slot("main"), Slot("calibration"), idle)
    busy = (Slot("main", active=(SLEW,)), Slot("calibration", active=(IMAGES,)))
    broken = Slot("calibration", is_running=False, pause_reason=paused, active=(IMAGES,))
    waits = Slot("utility", capacity=4, is_eager=True, waiting=(MOUNT,))
    return [
        SummaryStateSeen(START_TAI + 9.0, State.ENABLED),
        slots(SLOTS_SINCE_S, *empty),
        queue_seen(SLOTS_SINCE_S),
        slew(10.5, configured, ready),
        images(10.5, configured, ready),
        slots(11.0, *busy, idle),
        queue_seen(11.0, current=SLEW, waiting=(IMAGES,)),
        slew(11.0, run, running),
        images(11.0, run, running),
        slots(11.2, *busy, waits),
        script_seen(
            11.2, STATION, run, running, added_s=10.2, run_start_s=11.2, slot="utility", resources="ESS:1"
        ),
        script_seen(12.0, MOUNT, configured, ready, slot="utility", resources="MTMount", waiting_for=held),
        script_seen(12.1, MOUNT, configured, ready, slot="utility", resources="MTMount", waiting_for=held),
        script_seen(12.2, STATION, done, ScriptState.DONE, run_start_s=11.2, slot="utility"),
        slots(13.0, busy[0], broken, waits),
        queue_seen(13.0, current=SLEW, waiting=(IMAGES, MOUNT), past=(STATION,)),
        images(13.0, done, failed),
        slew(15.0, done, ScriptState.DONE),
        slots(15.0, Slot("main"), broken, Slot("utility", capacity=4, is_eager=True, active=(MOUNT,))),
        script_seen(15.0, MOUNT, run, running, run_start_s=15.0, slot="utility", resources="MTMount"),
        slots(15.5, Slot("main"), Slot("calibration"), idle),
        script_seen(16.0, MOUNT, done, ScriptState.DONE, run_start_s=15.0, slot="utility"),
    ]
