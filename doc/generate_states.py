# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes ``doc/states.rst`` from the tables of the core.

The page is committed, so that it can be read without building anything; a
test and the documentation's build compare it with the tables.

    .venv/bin/python doc/generate_states.py
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from lsst.ts.scriptqueue.core.limits import Limits
from lsst.ts.scriptqueue.core.phases import PLACE, PROCESS_STATE, TIMER, TRANSITIONS, Phase, Trigger

__all__ = ["PAGE", "REMEDY", "is_fresh", "states_page"]

PAGE = Path(__file__).with_name("states.rst")
REMEDY = "doc/states.rst differs from core/phases.py: run .venv/bin/python doc/generate_states.py"

#: What happens to a script that nothing happens to.
_USUAL = (
    Trigger.PROCESS_STARTED,
    Trigger.REPORTED_UNCONFIGURED,
    Trigger.REPORTED_CONFIGURED,
    Trigger.SETTLED,
    Trigger.NAME_SENT,
    Trigger.NAME_TAKEN,
    Trigger.ADMITTED,
    Trigger.REPORTED_ACTIVE,
    Trigger.REPORTED_ENDED_WELL,
    Trigger.PROCESS_GONE,
)

#: What happens only when the queue was torn away and is started again.
_OF_A_RESTART = frozenset({Trigger.PROCESS_LOST, Trigger.RELAUNCHED, Trigger.RUN_DOUBTED})

_INTRODUCTION = """\
.. Written by doc/generate_states.py from the tables in core/phases.py; change those.

The life of a script
====================

A script is in one phase at a time. The phase says in which list of the queue the script is, and which
time limit runs: entering the phase starts it, leaving the phase ends it. A phase without a process state of
its own leaves the last one on the wire, until the ending of the script decides it. The limits given are the
defaults.

"""

_AFTER_A_RESTART = """\
{phases} exist only after a restart: the queue was torn away, by a
crash or ``kill -9``, and started again. :doc:`restart` tells what is done then.

"""

_USUAL_WAY = """\
The usual way
-------------

A script that nothing happens to takes this way; on the right is what leads away from it. What leads away from
every phase of the same list, LAUNCHING aside, is told once, below them.

::

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
        + _AFTER_A_RESTART.format(phases=_listed(_only_after_a_restart()))
        + _USUAL_WAY
        + "".join(f"   {line}".rstrip() + "\n" for line in _usual_way())
        + "\n"
        + _TRANSITIONS
        + "\n".join(map(_transitions_of, Phase))
    )


def is_fresh() -> bool:
    """Tell whether the committed page is what the tables make."""
    return PAGE.exists() and PAGE.read_text() == states_page()


def _only_after_a_restart() -> list[Phase]:
    """The phases that no script reaches in a queue that is never torn away."""
    reached, before = {Phase.LAUNCHING}, set[Phase]()
    while reached != before:
        before = set(reached)
        reached |= {
            after
            for (phase, trigger), after in TRANSITIONS.items()
            if phase in before and trigger not in _OF_A_RESTART
        }
    return [phase for phase in Phase if phase not in reached]


def _listed(phases: Sequence[Phase]) -> str:
    names = [f"``{phase.name}``" for phase in phases]
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _usual_way() -> Iterator[str]:
    """Draw the phases of a script that nothing happens to."""
    phases = [Phase.LAUNCHING]
    for trigger in _USUAL:
        phases.append(TRANSITIONS[phases[-1], trigger])
    for place, group in itertools.groupby(
        zip(phases, [*_USUAL, None], strict=True), lambda step: PLACE[step[0]]
    ):
        steps = list(group)
        shared = set.intersection(*(_exits(phase, on) for phase, on in steps if phase is not Phase.LAUNCHING))
        for phase, on in steps:
            own = _described(_exits(phase, on) - shared)
            yield f"{place.value:9}{phase.name:13}{next(own, '')}"
            yield from (f"{'':22}{line}" for line in own)
            if on is not None:
                yield f"{'':9}  | {on.value}"
        if shared:
            lines = _described(shared)
            yield f"{'':9}{'each of them':13}{next(lines)}"
            yield from (f"{'':22}{line}" for line in lines)


def _exits(phase: Phase, usual: Trigger | None) -> set[tuple[Trigger, Phase]]:
    return {
        (trigger, after)
        for (before, trigger), after in TRANSITIONS.items()
        if before is phase and trigger is not usual
    }


def _described(exits: set[tuple[Trigger, Phase]]) -> Iterator[str]:
    """Tell where exits lead, and when; in the order of the enumerations."""
    for after in Phase:
        triggers = [trigger.value for trigger in Trigger if (trigger, after) in exits]
        if triggers:
            yield f"--> {after.name:13}{'; '.join(triggers)}"


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
