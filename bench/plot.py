# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines over two logarithmic axes, as SVG: panels side by side, each line with its name at its end."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

__all__ = ["Panel", "svg"]

_WIDTH, _HEIGHT = 300, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 62, 34, 44
_COLOURS = ("#2a6fbb", "#c2571a", "#2f8f5b", "#8a4fa3", "#8c6d1f")


@dataclass(frozen=True, slots=True)
class Panel:
    """One plot.

    Attributes
    ----------
    title
        What it shows.
    lines
        By the name of each line its points, x and y, all positive.
    """

    title: str
    lines: Mapping[str, Sequence[tuple[float, float]]]


def svg(panels: Sequence[Panel], x_name: str, y_name: str, goal: float) -> str:
    """Return panels with the same axes, and a dashed line where y should be at most."""
    points = [point for panel in panels for line in panel.lines.values() for point in line]
    xs = sorted({x for x, _ in points})
    lowest = min(*(y for _, y in points), goal)
    decades = range(math.floor(math.log10(lowest)), math.ceil(math.log10(max(y for _, y in points))) + 1)
    step = _LEFT + _WIDTH + _RIGHT
    box = f"0 0 {step * len(panels)} {_TOP + _HEIGHT + _BOTTOM}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}"'
        ' font-family="sans-serif" font-size="11" fill="#333333">',
        '<rect width="100%" height="100%" fill="#ffffff"/>',
    ]
    for number, panel in enumerate(panels):
        parts.append(f'<g transform="translate({_LEFT + step * number},{_TOP})">')
        parts += _panel(panel, xs, decades, x_name, y_name, goal)
        parts.append("</g>")
    return "\n".join([*parts, "</svg>", ""])


def _panel(
    panel: Panel, xs: Sequence[float], decades: range, x_name: str, y_name: str, goal: float
) -> list[str]:
    def at_x(x: float) -> float:
        return _WIDTH * math.log(x / xs[0]) / math.log(xs[-1] / xs[0])

    def at_y(y: float) -> float:
        return _HEIGHT * (decades[-1] - math.log10(y)) / (decades[-1] - decades[0])

    parts = [_text(0, -14, panel.title, "start", ' font-weight="bold"')]
    for decade in decades:
        y = at_y(10.0**decade)
        parts.append(f'<path d="M0 {y:.1f}H{_WIDTH}" stroke="#dddddd"/>')
        parts.append(_text(-6, y + 4, f"{10.0**decade:g}", "end"))
    for x in xs:
        parts.append(f'<path d="M{at_x(x):.1f} {_HEIGHT}v4" stroke="#999999"/>')
        parts.append(_text(at_x(x), _HEIGHT + 16, f"{x:g}", "middle"))
    parts.append(_text(_WIDTH / 2, _HEIGHT + 34, x_name, "middle"))
    parts.append(_text(-_LEFT + 4, -14, y_name, "start"))
    parts.append(f'<path d="M0 {at_y(goal):.1f}H{_WIDTH}" stroke="#999999" stroke-dasharray="4 3"/>')
    label_y = math.inf
    for colour, (name, line) in zip(
        _COLOURS, sorted(panel.lines.items(), key=lambda item: item[1][-1][1]), strict=False
    ):
        path = "L".join(f"{at_x(x):.1f} {at_y(y):.1f}" for x, y in line)
        parts.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
        # From the lowest up: no name over another.
        label_y = min(at_y(line[-1][1]) + 4, label_y - 12)
        parts.append(_text(_WIDTH + 6, label_y, name, "start", f' style="fill:{colour}"'))
    return parts


def _text(x: float, y: float, text: str, anchor: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{escape(text)}</text>'
