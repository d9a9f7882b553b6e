# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The readings as a table for people, and as JSON for programs."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from typing import Any

from figures import FIGURES, Figure, Readings

__all__ = ["as_json", "machine", "table"]

_HEAD = ("", "unit", "median", "min", "max", "n", "floor", "ratio", "target", "", "deployed")


def machine() -> Mapping[str, Any]:
    """Say where this was measured."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "load_at_start": round(os.getloadavg()[0], 2),
    }


def table(measured: Sequence[Readings], where: Mapping[str, Any], notes: Sequence[str]) -> str:
    """Return the tables as text, one for what needs no middleware and one for each."""
    deployed = next((readings for readings in measured if readings.middleware == "deployed"), Readings())
    measured = [readings for readings in measured if readings is not deployed]
    parts = [
        [_row(figure, readings, deployed) for figure in FIGURES if readings.of(figure.key)]
        for readings in measured
    ]
    all_rows = [_HEAD, *(row for rows in parts for row in rows)]
    widths = [max(len(row[column]) for row in all_rows) for column in range(len(_HEAD))]
    lines = []
    for readings, rows in zip(measured, parts, strict=True):
        title = {"": "without middleware", "dds": "DDS", "kafka": "Kafka"}[readings.middleware]
        head = _line((title, *_HEAD[1:]), widths)
        lines += [head, "-" * max(len(head), sum(widths)), *(_line(row, widths) for row in rows), ""]
    lines += [
        "floor: what the same takes without us, measured in this run; ratio: of the medians",
        "target: for two cores; deployed: today's ScriptQueue and scripts, on Kafka; *: on another day",
        f"{where['cores']} cores, Python {where['python']}, {where['system']},"
        f" load when this began {where['load_at_start']}",
        *notes,
    ]
    return "\n".join(lines)


def as_json(measured: Sequence[Readings], where: Mapping[str, Any], notes: Sequence[str]) -> str:
    """Return all readings."""
    return json.dumps(
        {
            "machine": dict(where),
            "notes": list(notes),
            **{readings.middleware or "common": _figures(readings) for readings in measured},
        },
        indent=1,
    )


def _figures(readings: Readings) -> Mapping[str, Any]:
    return {
        figure.key: {
            "title": figure.title,
            "unit": figure.unit,
            "readings": readings.of(figure.key),
            "median": readings.median(figure.key),
            "floor": readings.floor(figure),
            "floors": figure.aim(readings.middleware).floors,
            "target": figure.aim(readings.middleware).target,
            "deployed": figure.deployed,
        }
        for figure in FIGURES
        if readings.of(figure.key)
    }


def _row(figure: Figure, readings: Readings, deployed: Readings) -> tuple[str, ...]:
    values = readings.of(figure.key)
    median = readings.median(figure.key) or 0.0
    floor = readings.floor(figure)
    target = figure.aim(readings.middleware).target
    verdict = ""
    if target is not None:
        verdict = "met" if median <= target else "above"
    return (
        figure.title,
        figure.unit,
        _number(median),
        _number(min(values)),
        _number(max(values)),
        str(len(values)),
        _number(floor),
        f"{median / floor:.1f}" if floor else "",
        "" if target is None else f"{target:g}",
        verdict,
        _deployed(figure, deployed) if readings.middleware == "kafka" else "",
    )


def _deployed(figure: Figure, deployed: Readings) -> str:
    if deployed.of(figure.key):
        return _number(deployed.median(figure.key))
    return figure.deployed and f"{figure.deployed}*"


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if value < 10 else f"{value:.1f}"


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    first, *others = row
    cells = [first.ljust(widths[0])]
    cells += [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
    return "  ".join(cells).rstrip()
