# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The marks and colours of things, the same on the screen, in lines and in the summary."""

from __future__ import annotations

import logging

from rich.text import Text

from .outcomes import Outcome
from .picture import CHECK, OPERATOR, Happening

__all__ = ["MARKS", "happening_line", "outcome_text", "seconds_text"]

#: Mark and style of each outcome.
MARKS: dict[Outcome, tuple[str, str]] = {
    Outcome.LOADING: ("·", "bright_black"),
    Outcome.CONFIGURING: ("·", "bright_black"),
    Outcome.READY: ("○", "cyan"),
    Outcome.RUNNING: ("▸", "bold green"),
    Outcome.PAUSED: ("‖", "bold yellow"),
    Outcome.ENDING: ("▸", "green"),
    Outcome.STOPPING: ("▸", "yellow"),
    Outcome.FAILING: ("▸", "red"),
    Outcome.DONE: ("✓", "green"),
    Outcome.STOPPED: ("■", "yellow"),
    Outcome.FAILED: ("✗", "bold red"),
    Outcome.NOT_CONFIGURED: ("✗", "magenta"),
    Outcome.NOT_LOADED: ("✗", "magenta"),
}

#: Width of the column that says who a line is about.
_WHO_WIDTH = 8


def outcome_text(outcome: Outcome) -> Text:
    """Return an outcome with its mark, in its colour."""
    mark, style = MARKS[outcome]
    return Text(f"{mark} {outcome.value}", style)


def seconds_text(seconds: float | None) -> str:
    """Return a time for a column; a dash if there is none."""
    return "-" if seconds is None else f"{seconds:.1f} s"


def happening_line(happening: Happening, start_tai: float) -> Text:
    """Return a happening as one line: when, who, what."""
    style = ""
    if happening.level >= logging.ERROR:
        style = "red"
    elif happening.level >= logging.WARNING:
        style = "yellow"
    elif happening.who == OPERATOR:
        style = "bold cyan"
    elif happening.who == CHECK:
        style = "green"
    elif happening.text.startswith("log: "):
        style = "bright_black"
    return Text.assemble(
        (f"{max(0.0, happening.at_tai - start_tai):5.1f} s  ", "bright_black"),
        (f"{happening.who:<{_WHO_WIDTH}}  ", style or "default"),
        (happening.text, style),
        no_wrap=True,
        overflow="ellipsis",
    )
