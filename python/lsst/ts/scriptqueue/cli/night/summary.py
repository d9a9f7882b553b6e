# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is printed when the night is over: the scripts, what ran beside what, and whether all was well."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Group, JustifyMethod, RenderableType
from rich.table import Table
from rich.text import Text

from .looks import outcome_text
from .picture import Picture
from .timeline import timeline

__all__ = ["summary"]

#: Title, width and justification of what follows the script; it is the script that is cut off.
_COLUMNS: tuple[tuple[str, int, JustifyMethod], ...] = (
    ("outcome", 16, "left"),
    ("group id", 23, "left"),
    ("wait s", 6, "right"),
    ("run s", 5, "right"),
)


def summary(picture: Picture, width: int) -> RenderableType:
    """Draw the summary of a night, so many columns wide."""
    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=0)
    table.add_column("index", style="bright_black", min_width=6, no_wrap=True)
    table.add_column("script", overflow="ellipsis", no_wrap=True)
    for title, min_width, justify in _COLUMNS:
        table.add_column(title, min_width=min_width, justify=justify, no_wrap=True)
    for script in picture.scripts:
        table.add_row(
            str(script.index),
            script.name,
            outcome_text(script.outcome),
            Text(script.group_id or "-", "bright_black"),
            _seconds(script.wait_s),
            _seconds(script.run_s),
        )
    ran = [timeline(picture, width)] if picture.slots_since_tai else []
    return Group(Text(), table, Text(), *ran, _verdict(picture))


def _seconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.1f}"


def _verdict(picture: Picture) -> Text:
    broken = [claim for claim in picture.claims if not claim.held]
    if not picture.claims:
        return Text("Nothing was seen of the night.", "bold red")
    if not broken:
        return Text(f"All {len(picture.claims)} things looked at were as they should be.", "bold green")
    text = Text(f"{len(broken)} of {len(picture.claims)} things were not as they should be:", "bold red")
    for claim in broken:
        text.append(f"\n  ✗ {claim.text}", "red")
    return text
