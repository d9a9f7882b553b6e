# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The readings as a table for people, and as JSON for programs."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
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


def table(readings: Readings, where: Mapping[str, Any], *, quick: bool) -> str:
    """Return the table as text."""
    rows = [_HEAD, *(_row(figure, readings) for figure in FIGURES if readings.of(figure.key))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = [_line(row, widths) for row in rows]
    lines.insert(1, "-" * len(lines[0]))
    lines += [
        "",
        "floor: what the same takes without us, measured in this run; ratio: of the medians",
        "target: for two cores; deployed: today's ScriptQueue and scripts, on Kafka",
        f"{where['cores']} cores, Python {where['python']}, {where['system']},"
        f" load when this began {where['load_at_start']}",
    ]
    if quick:
        lines.append("quick: few readings, a short idle time; no figures to quote")
    return "\n".join(lines)


def as_json(readings: Readings, where: Mapping[str, Any], *, quick: bool) -> str:
    """Return all readings."""
    figures = {
        figure.key: {
            "title": figure.title,
            "unit": figure.unit,
            "readings": readings.of(figure.key),
            "median": readings.median(figure.key),
            "floor": readings.floor(figure),
            "floors": figure.floors,
            "target": figure.target,
            "deployed": figure.deployed,
        }
        for figure in FIGURES
        if readings.of(figure.key)
    }
    return json.dumps({"machine": dict(where), "quick": quick, "figures": figures}, indent=1)


def _row(figure: Figure, readings: Readings) -> tuple[str, ...]:
    values = readings.of(figure.key)
    median = readings.median(figure.key) or 0.0
    floor = readings.floor(figure)
    verdict = ""
    if figure.target is not None:
        verdict = "met" if median <= figure.target else "above"
    return (
        figure.title,
        figure.unit,
        _number(median),
        _number(min(values)),
        _number(max(values)),
        str(len(values)),
        _number(floor),
        f"{median / floor:.1f}" if floor else "",
        "" if figure.target is None else f"{figure.target:g}",
        verdict,
        figure.deployed,
    )


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if value < 10 else f"{value:.1f}"


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    first, *others = row
    cells = [first.ljust(widths[0])]
    cells += [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
    return "  ".join(cells).rstrip()
