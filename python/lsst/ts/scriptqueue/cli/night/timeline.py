# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ran beside what: a line for each script, slot by slot, against one time axis."""

from __future__ import annotations

from rich.text import Text

from .looks import MARKS
from .picture import Picture, ScriptPicture

__all__ = ["timeline"]

_WAITED, _RAN = "·", "█"
_SLOT_WIDTH = 12
_NAME_WIDTH = 25

#: Narrower than this it says nothing (columns).
_SHORTEST = 10


def timeline(picture: Picture, width: int) -> Text:
    """Draw the time in which the queue had slots.

    Parameters
    ----------
    picture
        What was seen.
    width
        Columns to fill.
    """
    ran = [script for script in picture.scripts if script.run_start_tai >= picture.slots_since_tai]
    ran = [script for script in ran if picture.slots_since_tai and script.run_start_tai and script.ended_tai]
    if not ran:
        return Text()
    order = [slot.name for slot in picture.slots]
    ran.sort(
        key=lambda script: (
            order.index(script.slot) if script.slot in order else len(order),
            script.run_start_tai,
        )
    )
    first = min(script.run_start_tai for script in ran)
    last = max(script.ended_tai for script in ran)
    columns = max(width - _SLOT_WIDTH - _NAME_WIDTH - 1, _SHORTEST)
    begin, end = (f"{at_tai - picture.start_tai:.1f} s" for at_tai in (first, last))
    text = Text(no_wrap=True)
    text.append(f"{'slot':<{_SLOT_WIDTH}}{'script':<{_NAME_WIDTH}}", "bold")
    text.append(f"{begin}{end:>{columns - len(begin)}}\n", "bright_black")
    slot = ""
    for script in ran:
        text.append(f"{'' if script.slot == slot else script.slot:<{_SLOT_WIDTH - 1}.{_SLOT_WIDTH - 1}} ")
        text.append(f"{script.title:<{_NAME_WIDTH - 1}.{_NAME_WIDTH - 1}} ", "bright_black")
        _append_bar(text, script, first, (last - first) / columns or 1.0)
        slot = script.slot
    text.append(f"{_RAN} ran  {_WAITED} was ready, and waited\n", "bright_black")
    return text


def _append_bar(text: Text, script: ScriptPicture, first_tai: float, column_s: float) -> None:
    start = int((script.run_start_tai - first_tai) / column_s)
    end = max(round((script.ended_tai - first_tai) / column_s), start + 1)
    ready = max(script.ready_tai - first_tai, 0.0) if script.ready_tai else script.run_start_tai - first_tai
    waited = start - min(int(ready / column_s), start)
    text.append(" " * (start - waited))
    text.append(_WAITED * waited, "bright_black")
    text.append(_RAN * (end - start), MARKS[script.outcome][1])
    text.append("\n")
