# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a script said or printed last, cut down to what fits on a panel.

Of a traceback the line that names the exception counts, wherever in the text
it is; of other output the last line. The whole is in the log, and in the
script's story.
"""

from __future__ import annotations

import re

__all__ = ["MAX_GIST", "exit_reason", "gist", "last_line"]

#: No more of one text is shown (characters).
MAX_GIST = 300

#: A line of a traceback that says where; its beginning may have been cut off.
_FRAME = re.compile(r'\s+File "[^"]*", line \d+')
#: What stands before each line of a traceback of several exceptions.
_MARGIN = re.compile(r" *\| ")


def exit_reason(reason: str, output_tail: str) -> str:
    """Why a script ended and what it printed last, on a line each can read."""
    if not output_tail.strip():
        return gist(reason)
    return f"{gist(reason) or 'it ended'}; it printed last: {last_line(output_tail)}"


def gist(text: str) -> str:
    """A reason on one line: of a traceback the exception, of anything else the whole, as far as it fits."""
    return _bounded(_exception(text) or " ".join(text.split()))


def last_line(text: str) -> str:
    """Of a traceback the exception, of other output the last line."""
    lines = text.split("\n")
    return _bounded(_exception(text) or next((line.strip() for line in reversed(lines) if line.strip()), ""))


def _exception(text: str) -> str:
    """The line behind the last traceback of a text; "" if there is none."""
    lines = [_MARGIN.sub("", line, count=1) if _MARGIN.match(line) else line for line in text.splitlines()]
    frames = [number for number, line in enumerate(lines) if _FRAME.match(line)]
    for line in lines[frames[-1] + 1 :] if frames else ():
        if line.strip() and not line[0].isspace():
            return line.strip()
    return ""


def _bounded(text: str) -> str:
    return text if len(text) <= MAX_GIST else f"{text[: MAX_GIST - 3]}..."
