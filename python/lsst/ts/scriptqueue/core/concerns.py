# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be wrong with a script that lives: causes for concern, as a table.

A concern arises and goes by what the edge observes, and goes in any case when
the script leaves the phases in which it means anything.
"""

from __future__ import annotations

import enum

from .phases import Phase

__all__ = ["CONCERN_PHASES", "DEAFENING", "EXPLAINED_BY", "REACTION", "SUPERVISED_PHASES", "Concern"]


class Concern(enum.Enum):
    """A cause for concern; the value says it in words.

    They say since when, never for how long, so that they are told once.
    """

    __hash__ = object.__hash__

    STOPPED = (
        "its process is stopped since {since}, by SIGSTOP or a debugger; it goes on after: kill -CONT {pid}"
    )
    SILENT = "silent since {since}: none of its heartbeats has come"
    OVERDUE = "overdue since {since}: it runs since {started} and expected to take {duration:g} s"


#: Phases in which a script is loaded or loads, and is not being ended by force.
SUPERVISED_PHASES = frozenset(
    {
        Phase.LOADING,
        Phase.CONFIGURING,
        Phase.SETTLING,
        Phase.CONFIGURED,
        Phase.NAMING,
        Phase.NAMED,
        Phase.UNNAMING,
        Phase.ENTERING,
        Phase.STRAYING,
        Phase.STARTING,
        Phase.DOUBTED,
        Phase.RUNNING,
        Phase.RECALLED,
        Phase.STOPPING,
    }
)

#: Concern -> the phases in which a script can give it.
CONCERN_PHASES: dict[Concern, frozenset[Phase]] = {
    Concern.STOPPED: SUPERVISED_PHASES,
    Concern.SILENT: SUPERVISED_PHASES,
    Concern.OVERDUE: frozenset({Phase.RUNNING}),
}

#: Concern -> the one that explains it, beside which it is not worth a word, and with which it is over.
EXPLAINED_BY: dict[Concern, Concern] = {Concern.SILENT: Concern.STOPPED}

#: A waiting script that gives one of these is not ready: it would not hear that it is to start.
DEAFENING = frozenset({Concern.STOPPED})

#: Concern -> the setting that says what is done about it: a field of `Supervision`.
REACTION: dict[Concern, str] = {Concern.SILENT: "on_silence", Concern.OVERDUE: "on_overtime"}
