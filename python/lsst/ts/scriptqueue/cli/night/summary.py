# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is printed when the night is over: a table of the scripts, and whether all was as it should be."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from .looks import outcome_text, seconds_text
from .picture import Picture

__all__ = ["summary"]


def summary(picture: Picture) -> RenderableType:
    """Draw the summary of a night."""
    table = Table(
        box=SIMPLE_HEAD, title="The night", title_justify="left", title_style="bold", pad_edge=False
    )
    table.add_column("index", style="bright_black")
    table.add_column("script", overflow="ellipsis", no_wrap=True)
    table.add_column("outcome", no_wrap=True)
    table.add_column("group id", style="bright_black", no_wrap=True)
    table.add_column("wait", justify="right", no_wrap=True)
    table.add_column("run", justify="right", no_wrap=True)
    for script in picture.scripts:
        table.add_row(
            str(script.index),
            script.path,
            outcome_text(script.outcome),
            script.group_id or "-",
            seconds_text(script.wait_s),
            seconds_text(script.run_s),
        )
    return Group(table, _verdict(picture))


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
