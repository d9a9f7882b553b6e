# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured, each next to its floor, where it should be, and what deployed systems need.

The floors are figures like the others. A ratio is that of two medians of one
run. Targets are for two cores; the deployed figures are those of today's
ScriptQueue and its scripts, on Kafka.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["FIGURES", "Figure", "Readings"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table.

    Attributes
    ----------
    key
        Name in the program and in JSON.
    title
        What it is.
    unit
        Unit of all its values.
    floors
        Keys of the figures whose sum is its floor.
    target
        Where it should be, or None.
    deployed
        What deployed systems need, "" if that is not known.
    """

    key: str
    title: str
    unit: str
    floors: tuple[str, ...] = ()
    target: float | None = None
    deployed: str = ""


FIGURES: Sequence[Figure] = (
    Figure("interpreter", "bare interpreter, start to exit", "s"),
    Figure("asyncio", "the same with asyncio", "s"),
    Figure("asyncio_cpu", "the same with asyncio, CPU", "s"),
    Figure("asyncio_20", "20 of them at once", "s"),
    Figure("asyncio_100", "100 of them at once", "s"),
    Figure("spawn", "starting a process, until it is executed", "ms"),
    Figure("round_trip", "round trip, plain DDS, process to process", "ms"),
    Figure("rested_trip", "the same after a rest of 0.1 s", "ms"),
    Figure("bare_1", "bare participant heard, 1", "s", ("asyncio",)),
    Figure("bare_20", "bare participants heard, 20 at once", "s", ("asyncio_20",)),
    Figure("bare_cpu", "bare participant, CPU", "s", ("asyncio_cpu",)),
    Figure("bare_rss", "bare participant, RSS", "MB"),
    Figure("bare_pss", "bare participant, PSS, of 20", "MB"),
    Figure("bare_idle", "bare participant with a heartbeat, CPU", "%"),
    Figure("listening", "time for which a CSC listens for another one", "s"),
    Figure("ready_1", "script UNCONFIGURED after its start, 1", "s", ("asyncio",), 0.2, "1.24"),
    Figure("ready_20", "scripts UNCONFIGURED, 20 at once", "s", ("asyncio_20",), 1.8, "15"),
    Figure("ready_100", "scripts UNCONFIGURED, 100 at once", "s", ("asyncio_100",)),
    Figure("ready_cpu", "script, CPU if ended when UNCONFIGURED", "s", ("asyncio_cpu",)),
    Figure("ack", "add to its acknowledgement", "ms", ("rested_trip", "spawn"), 5.0),
    Figure("configured_1", "add to CONFIGURED, 1", "s", ("asyncio",)),
    Figure("configured_20", "adds to all CONFIGURED, 20 at once", "s", ("asyncio_20",)),
    Figure("configured_100", "adds to all CONFIGURED, 100 at once", "s", ("asyncio_100",)),
    Figure("handover", "DONE to the next script's RUNNING", "ms", ("rested_trip",), 2.0, "18-30"),
    Figure("script_cpu", "script, CPU of its whole life, of 20", "s", ("asyncio_cpu",), 0.2, "1.4-1.7"),
    Figure("script_rss", "script, RSS when CONFIGURED", "MB", ("bare_rss",), 35.0, "124"),
    Figure("script_pss", "script, PSS when CONFIGURED, of 20", "MB", ("bare_pss",)),
    Figure("queue_enabled", "queue ENABLED after its start", "s", ("asyncio", "listening"), 2.5, "5.5"),
    Figure("queue_start_cpu", "queue, CPU until ENABLED", "s", ("asyncio_cpu",)),
    Figure("queue_rss", "queue, RSS after 20 at once", "MB", ("bare_rss",), 50.0, "131"),
    Figure("queue_pss", "queue, PSS after 20 at once", "MB", ("bare_pss",)),
    Figure("queue_rss_100", "queue, RSS after 100 at once", "MB", ("bare_rss",)),
    Figure("queue_idle", "queue, idle CPU", "%", ("bare_idle",), 0.3, "1.8"),
    Figure("queue_cpu", "queue, CPU for each script", "ms"),
)


class Readings:
    """What was measured in one run."""

    def __init__(self) -> None:
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
        return statistics.median(self._values[key]) if self._values[key] else None

    def floor(self, figure: Figure) -> float | None:
        """Return the floor of a figure, None if it has none or it was not measured."""
        floors = [self.median(key) for key in figure.floors]
        known = [floor for floor in floors if floor is not None]
        return sum(known) if floors and len(known) == len(floors) else None
