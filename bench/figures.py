# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured, each next to its floor, where it should be, and what deployed systems need.

The floors are figures like the others. A ratio is that of two medians of one
run. Targets are for two cores; the deployed figures are those of today's
ScriptQueue and its scripts, on Kafka, on another day: they are shown where a
run has none of its own.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["FIGURES", "REST_S", "Aim", "Figure", "Readings"]

#: How long the processes of a round trip rest before it, if they do (seconds).
REST_S = 0.1


@dataclass(frozen=True, slots=True)
class Aim:
    """What a figure is compared with on one middleware.

    Attributes
    ----------
    floors
        Keys of the figures whose sum is its floor.
    target
        Where it should be, or None.
    """

    floors: tuple[str, ...] = ()
    target: float | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of a table.

    Attributes
    ----------
    key
        Name in the program and in JSON.
    title
        What it is.
    unit
        Unit of all its values.
    dds, kafka
        What it is compared with.
    deployed
        What deployed systems need, "" if that is not known.
    """

    key: str
    title: str
    unit: str
    dds: Aim = Aim()
    kafka: Aim = Aim()
    deployed: str = ""

    def aim(self, middleware: str) -> Aim:
        """Return what it is compared with on a middleware; "" for what needs none.

        What is deployed is compared with nothing.
        """
        return {"": self.dds, "dds": self.dds, "kafka": self.kafka}.get(middleware, Aim())


def _both(*floors: str, dds: float | None = None, kafka: float | None = None) -> tuple[Aim, Aim]:
    return Aim(floors, dds), Aim(floors, kafka)


_ONE, _TWENTY, _HUNDRED, _CPU = ("asyncio",), ("asyncio_20",), ("asyncio_100",), ("asyncio_cpu",)

FIGURES: Sequence[Figure] = (
    Figure("interpreter", "bare interpreter, start to exit", "s"),
    Figure("asyncio", "the same with asyncio", "s"),
    Figure("asyncio_cpu", "the same with asyncio, CPU", "s"),
    Figure("asyncio_20", "20 of them at once", "s"),
    Figure("asyncio_100", "100 of them at once", "s"),
    Figure("spawn", "starting a process, until it is executed", "ms"),
    Figure("listening", "time for which a CSC listens for another one", "s"),
    Figure("round_trip", "round trip, plain DDS, process to process", "ms"),
    Figure("rested_trip", "the same after a rest of 0.1 s", "ms"),
    Figure("bare_1", "bare participant heard, 1", "s", Aim(_ONE)),
    Figure("bare_20", "bare participants heard, 20 at once", "s", Aim(_TWENTY)),
    Figure("bare_cpu", "bare participant, CPU", "s", Aim(_CPU)),
    Figure("bare_rss", "bare participant, RSS", "MB"),
    Figure("bare_pss", "bare participant, PSS, of 20", "MB"),
    Figure("bare_idle", "bare participant with a heartbeat, CPU", "%"),
    Figure("trip", "produce to consume, plain client, one process", "ms"),
    Figure("echo", "round trip, process to process, after a rest of 0.1 s", "ms"),
    Figure("client_1", "bare client sees its first message, 1", "s", kafka=Aim(_ONE)),
    Figure("client_20", "bare clients see their first message, 20", "s", kafka=Aim(_TWENTY)),
    Figure("client_cpu", "bare client, CPU", "s", kafka=Aim(_CPU)),
    Figure(
        "ready_1", "script UNCONFIGURED after its start, 1", "s", *_both(*_ONE, dds=0.2, kafka=0.25), "1.24"
    ),
    Figure("ready_20", "scripts UNCONFIGURED, 20 at once", "s", *_both(*_TWENTY, dds=1.8)),
    Figure("ready_100", "scripts UNCONFIGURED, 100 at once", "s", *_both(*_HUNDRED)),
    Figure("ready_cpu", "script, CPU if ended when UNCONFIGURED", "s", *_both(*_CPU)),
    Figure(
        "ack",
        "add to its acknowledgement",
        "ms",
        Aim(("rested_trip", "spawn"), 5.0),
        Aim(("echo", "spawn"), 5.0),
        "12",
    ),
    Figure("configured_1", "add to CONFIGURED, 1", "s", *_both(*_ONE)),
    Figure("configured_20", "adds to all CONFIGURED, 20 at once", "s", *_both(*_TWENTY, kafka=2.5), "15.3"),
    Figure("configured_100", "adds to all CONFIGURED, 100 at once", "s", *_both(*_HUNDRED)),
    Figure("gone_1", "add to the end of its process, 1", "s", *_both(*_ONE)),
    Figure("gone_20", "adds to the end of the last process, 20", "s", *_both(*_TWENTY, kafka=3.0), "20.4"),
    Figure("gone_100", "adds to the end of the last process, 100", "s", *_both(*_HUNDRED)),
    Figure(
        "handover",
        "DONE to the next script's RUNNING",
        "ms",
        Aim(("rested_trip",), 2.0),
        Aim(("echo",), 4.0),
        "18-30",
    ),
    Figure("slots_one", "resume to DONE in one slot, less run time", "ms"),
    Figure("slots_all", "resume to all DONE in 4 slots, less run time", "ms", *_both(dds=50.0)),
    Figure(
        "slot_handover",
        "DONE to RUNNING in main, beside another slot",
        "ms",
        Aim(("rested_trip",), 2.0),
        Aim(("echo",), 4.0),
    ),
    Figure(
        "slot_free",
        "DONE to RUNNING of one that it frees, in another slot",
        "ms",
        Aim(("rested_trip",) * 2, 2.0),
        Aim(("echo",) * 2, 4.0),
    ),
    Figure("end", "DONE to the end of the process", "s", kafka=Aim(target=0.1), deployed="1.9"),
    Figure("script_cpu", "script, CPU of its whole life, of 20", "s", *_both(*_CPU, dds=0.2), "1.4-1.7"),
    Figure("script_rss", "script, RSS when CONFIGURED", "MB", Aim(("bare_rss",), 35.0), deployed="124"),
    Figure("script_pss", "script, PSS when CONFIGURED, of 20", "MB", Aim(("bare_pss",))),
    Figure(
        "queue_enabled", "queue ENABLED after its start", "s", *_both("asyncio", "listening", dds=2.5), "5.5"
    ),
    Figure("queue_start_cpu", "queue, CPU until ENABLED", "s", *_both(*_CPU)),
    Figure("queue_rss", "queue, RSS after 20 at once", "MB", Aim(("bare_rss",), 50.0), deployed="131"),
    Figure("queue_pss", "queue, PSS after 20 at once", "MB", Aim(("bare_pss",))),
    Figure("queue_rss_100", "queue, RSS after 100 at once", "MB", Aim(("bare_rss",))),
    Figure("queue_idle", "queue, idle CPU", "%", Aim(("bare_idle",), 0.3), deployed="1.8"),
    Figure("queue_cpu", "queue, CPU for each script", "ms"),
)


class Readings:
    """What was measured in one run on one middleware.

    Parameters
    ----------
    middleware
        Its name; "" for what needs none.
    common
        What was measured in the same run without any.
    """

    def __init__(self, middleware: str = "", common: Readings | None = None) -> None:
        self.middleware = middleware
        self._common = common
        self._values: dict[str, list[float]] = defaultdict(list)

    def add(self, key: str, *values: float) -> None:
        """Take readings of a figure, in its unit."""
        if all(figure.key != key for figure in FIGURES):
            raise KeyError(f"no figure {key!r}")
        self._values[key] += values

    def of(self, key: str) -> Sequence[float]:
        """Return the readings of a figure, in the order in which they were taken."""
        return tuple(self._values[key])

    def median(self, key: str) -> float | None:
        """Return the median of a figure, None if it was not measured."""
        if self._values[key]:
            return statistics.median(self._values[key])
        return None if self._common is None else self._common.median(key)

    def floor(self, figure: Figure) -> float | None:
        """Return the floor of a figure, None if it has none or it was not measured."""
        floors = [self.median(key) for key in figure.aim(self.middleware).floors]
        known = [floor for floor in floors if floor is not None]
        return sum(known) if floors and len(known) == len(floors) else None
