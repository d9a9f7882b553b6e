# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The night on a terminal: a pure function of the picture, the time and the size.

From top to bottom: how the queue stands and what the operator does; the
current script; what waits beside what has ended; the latest happenings. Where
there are several slots, these take the middle: what is paused, what runs, what
waits and why. What does not fit is left out from the far end, never by scrolling, and nothing
moves unless something happened.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import ROUNDED
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ...sal.enums import State
from .looks import MARKS, happening_line, outcome_text, seconds_text
from .outcomes import Outcome
from .picture import Picture, ScriptPicture

__all__ = ["SMALLEST", "draw"]

#: Columns and rows below which the screen is not used.
SMALLEST = (60, 20)

_QUIET = "bright_black"
_TITLE = "bold"
_CURRENT_ROWS = 5
_HEAD_ROWS = 2
_FRAME_ROWS = 2

_STATE_STYLES = {State.ENABLED: "bold green", State.FAULT: "bold red"}


def draw(picture: Picture, now_tai: float, width: int, height: int) -> RenderableType:
    """Draw the night.

    Parameters
    ----------
    picture
        What was seen.
    now_tai
        The time now (TAI unix seconds), for clocks and progress.
    width, height
        Columns and rows to fill.
    """
    rest = height - _HEAD_ROWS - _CURRENT_ROWS
    lists = min(rest // 2 + 1, _FRAME_ROWS + 14)
    if picture.has_slots:
        middle: Sequence[RenderableType] = [_slots(picture, now_tai, _CURRENT_ROWS + lists)]
    else:
        middle = [_current(picture, now_tai), _lists(picture, now_tai, lists, width)]
    return Group(_head(picture, now_tai, width), _deed(picture), *middle, _happenings(picture, rest - lists))


def _head(picture: Picture, now_tai: float, width: int) -> RenderableType:
    state = picture.state.name if picture.state else "not there yet"
    flow = ("running", "green") if picture.running else ("paused", "bold yellow")
    paused = [slot.name for slot in picture.slots if not slot.is_running]
    if picture.has_slots and paused:
        flow = (f"paused: {', '.join(paused)}", "bold yellow")
    left = Text.assemble(
        (" ScriptQueue:1  ", _TITLE),
        (state, _STATE_STYLES.get(picture.state, "yellow") if picture.state else _QUIET),
        ("  ", ""),
        flow if picture.state is State.ENABLED else ("", ""),
    )
    right = Text(f"{len(picture.past)} ended   {max(0.0, now_tai - picture.start_tai):4.0f} s ", _QUIET)
    return _ends(left, right)


def _deed(picture: Picture) -> RenderableType:
    return Text.assemble(
        (" operator  ", "bold cyan"), (picture.deed, "cyan"), no_wrap=True, overflow="ellipsis"
    )


def _current(picture: Picture, now_tai: float) -> RenderableType:
    if not picture.current:
        lines: Sequence[RenderableType] = [Text(_idle(picture), _QUIET)]
    else:
        script = picture.script(picture.current)
        lines = [
            _ends(_title(script), outcome_text(script.outcome)),
            _progress(script, now_tai),
            _ends(
                Text(_checkpoint(script), no_wrap=True, overflow="ellipsis"), Text(script.group_id, _QUIET)
            ),
        ]
    return _panel(Group(*lines), "now", _CURRENT_ROWS)


def _idle(picture: Picture) -> str:
    if picture.state is not State.ENABLED:
        return "The queue starts scripts when it is ENABLED."
    if not picture.running:
        return "The queue is paused: nothing is started."
    return "The next script is not ready yet." if picture.waiting else "Nothing waits."


def _title(script: ScriptPicture) -> Text:
    return Text.assemble(
        (str(script.index), _QUIET), "  ", (script.path, _TITLE), no_wrap=True, overflow="ellipsis"
    )


def _checkpoint(script: ScriptPicture) -> str:
    if script.outcome is Outcome.FAILED and script.reason:
        return script.reason.strip().splitlines()[0]
    if not script.checkpoint:
        return "no checkpoint yet"
    of_all = f" of {script.checkpoints}" if script.checkpoints else ""
    return f"checkpoint {script.checkpoints_passed}{of_all}: {script.checkpoint}"


def _progress(script: ScriptPicture, now_tai: float) -> RenderableType:
    worked_s = script.progress_s(now_tai)
    expected_s = script.duration_s
    style = MARKS[script.outcome][1]
    # A script may take longer than it expected; only its end fills the bar.
    part = min(worked_s / expected_s, 0.99) if expected_s > 0 else 0.0
    if script.outcome is Outcome.DONE:
        part = 1.0
    bar = ProgressBar(total=1.0, completed=part, style=_QUIET, complete_style=style, finished_style=style)
    label = Text(f"{worked_s:.1f} of {expected_s:.1f} s" if expected_s else f"{worked_s:.1f} s", _QUIET)
    grid = Table.grid(expand=True, padding=(0, 2, 0, 0))
    grid.add_column(ratio=1)
    grid.add_column(justify="right", width=14, no_wrap=True)
    grid.add_row(bar, label)
    return grid


def _slots(picture: Picture, now_tai: float, height: int) -> RenderableType:
    rows: list[RenderableType] = []
    for slot in picture.slots:
        taken = Text(f"{len(slot.active)} of {slot.capacity}", _QUIET)
        if slot.is_running:
            rows.append(_ends(Text(slot.name, _TITLE), taken))
        else:
            why = Text.assemble((slot.name, _TITLE), "  ", (slot.pause_reason, "bold yellow"))
            rows.append(_ends(why, taken))
        rows += [_active_row(picture.script(index), now_tai) for index in slot.active]
        rows += [_held_row(picture.script(index)) for index in slot.waiting]
    return _panel(_rows(rows, height - _FRAME_ROWS, "no slots"), "slots", height)


def _active_row(script: ScriptPicture, now_tai: float) -> RenderableType:
    mark, style = MARKS[script.outcome]
    worked_s = script.progress_s(now_tai)
    expected = f" of {script.duration_s:.1f}" if script.duration_s else ""
    right = Text.assemble((f"{script.outcome.value} ", style), (f"{worked_s:4.1f}{expected} s", _QUIET))
    return _ends(_which(script, f"  {mark}", style), right)


def _held_row(script: ScriptPicture) -> RenderableType:
    mark, style = MARKS[script.outcome]
    return _ends(
        Text.assemble(_which(script, f"  {mark}", style), ("  " + script.waiting_for, "yellow")),
        Text(seconds_text(script.duration_s or None), _QUIET),
    )


def _lists(picture: Picture, now_tai: float, height: int, width: int) -> RenderableType:
    rows = height - _FRAME_ROWS
    grid = Table.grid(expand=True)
    grid.add_column(ratio=1)
    grid.add_column(ratio=1)
    waiting = [_waiting_row(picture.script(index)) for index in picture.waiting]
    past = [_past_row(picture.script(index)) for index in picture.past]
    grid.add_row(
        _panel(_rows(waiting, rows, "nothing waits"), f"queue · {len(waiting)}", height),
        _panel(_rows(past, rows, "nothing has ended"), f"history · {len(past)}", height),
    )
    return grid


def _waiting_row(script: ScriptPicture) -> RenderableType:
    mark, style = MARKS[script.outcome]
    right = Text(script.outcome.value, _QUIET)
    if script.outcome is Outcome.READY:
        right = Text(seconds_text(script.duration_s or None), _QUIET)
        if script.group_id:
            style = "bold cyan"
            right = Text("next  ", style).append_text(right)
    return _ends(_which(script, mark, style), right)


def _past_row(script: ScriptPicture) -> RenderableType:
    mark, style = MARKS[script.outcome]
    if script.outcome is Outcome.DONE:
        right = Text(seconds_text(script.run_s), _QUIET)
    else:
        right = Text(script.outcome.value, style)
    return _ends(_which(script, mark, style), right)


def _which(script: ScriptPicture, mark: str, style: str) -> Text:
    return Text.assemble(
        (f"{mark} ", style), (f"{script.index} ", _QUIET), script.name, no_wrap=True, overflow="ellipsis"
    )


def _rows(entries: Sequence[RenderableType], rows: int, nothing: str) -> RenderableType:
    if not entries:
        return Text(nothing, _QUIET)
    if len(entries) <= rows:
        return Group(*entries)
    rest = Text(f"and {len(entries) - rows + 1} more", _QUIET)
    return Group(*entries[: rows - 1], rest)


def _happenings(picture: Picture, height: int) -> RenderableType:
    latest = list(picture.happenings)[-(height - _FRAME_ROWS) :]
    lines = [happening_line(happening, picture.start_tai) for happening in latest]
    return _panel(Group(*lines), "what happened", height)


def _panel(content: RenderableType, title: str, height: int) -> Panel:
    return Panel(
        content,
        title=Text(f" {title} ", _TITLE),
        title_align="left",
        border_style=_QUIET,
        box=ROUNDED,
        height=height,
        padding=(0, 1),
    )


def _ends(left: Text, right: Text) -> Table:
    """Set one text to the left and one to the right of a line."""
    grid = Table.grid(expand=True, padding=(0, 1, 0, 0), pad_edge=False)
    grid.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    grid.add_column(justify="right", no_wrap=True)
    grid.add_row(left, right)
    return grid
