# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes ``doc/states.rst`` from the tables of the core.

The page is committed, so that it can be read without building anything; a
test and the documentation's build compare it with the tables.

    .venv/bin/python doc/generate_states.py
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from lsst.ts.scriptqueue.core.limits import Limits
from lsst.ts.scriptqueue.core.phases import PLACE, PROCESS_STATE, TIMER, TRANSITIONS, Phase

__all__ = ["PAGE", "REMEDY", "is_fresh", "states_page"]

PAGE = Path(__file__).with_name("states.rst")
REMEDY = "doc/states.rst differs from core/phases.py: run .venv/bin/python doc/generate_states.py"

_INTRODUCTION = """\
.. Written by doc/generate_states.py from the tables in core/phases.py; change those.

The life of a script
====================

A script is in one phase at a time. The phase says in which list of the queue the script is, and which
time limit runs: entering the phase starts it, leaving the phase ends it. A phase without a process state of
its own leaves the last one on the wire, until the ending of the script decides it. The limits given are the
defaults.

"""

_TRANSITIONS = """\
What leads where
----------------

For each phase, what can happen in it and the phase that follows. What is not listed cannot happen there: a
late or repeated report of a script is noted in its story and changes nothing; anything else is an error.

"""


def states_page() -> str:
    """Make the text of the page."""
    return (
        _INTRODUCTION
        + _table(("phase", "meaning", "list", "process state", "time limit"), map(_phase_row, Phase))
        + "\n"
        + _TRANSITIONS
        + "\n".join(map(_transitions_of, Phase))
    )


def is_fresh() -> bool:
    """Tell whether the committed page is what the tables make."""
    return PAGE.exists() and PAGE.read_text() == states_page()


def _phase_row(phase: Phase) -> tuple[str, ...]:
    state, timer = PROCESS_STATE.get(phase), TIMER.get(phase)
    limit = f"``{timer.value}``: {getattr(Limits(), timer.value):g} s" if timer else ""
    return (f"``{phase.name}``", phase.value, PLACE[phase].value, state.name if state else "", limit)


def _transitions_of(phase: Phase) -> str:
    rows = [
        (trigger.value, f"``{after.name}``")
        for (before, trigger), after in TRANSITIONS.items()
        if before is phase
    ]
    title = f"{phase.name}: {phase.value}"
    body = _table(("when", "then"), rows) if rows else "Nothing follows.\n"
    return f"{title}\n{'~' * len(title)}\n\n{body}"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for row in (heads, *rows):
        for position, cell in enumerate(row):
            lines.append(f"   {'* -' if position == 0 else '  -'} {cell}".rstrip())
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(states_page())
