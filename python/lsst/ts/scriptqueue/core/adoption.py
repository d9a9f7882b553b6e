# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Going on where an earlier service was torn away.

What it had written tells in which phase each script was; what it did last
may or may not have reached the script. `_ADOPTED` says for each phase what
is to be done so that the script goes on, and nothing happens twice. A script
goes on by what it reports: the middleware tells a new reader the last state
of each.

Nothing starts by itself, so whoever has a group id, or is about to have one,
gives it back; its visit is cancelled, and it gets another when its turn comes.

A process that was lost while the script waited is launched again, unless the
script says that it ended of its own accord or had run. That is done head
first, a few at a time. A launch of which nobody knows whether it happened is
asked for again at once, by the same name, so that none is left without an
owner.
"""

from __future__ import annotations

from collections.abc import Callable

from .answers import answer_again
from .effects import LogLevel, RequestBlockId, TerminateProcess, WriteLog
from .events import Restarted
from .ledger import Ledger
from .life import advance, ask_again, launch_again, wait_anew
from .phases import LOADING_PHASES, Phase, Trigger
from .scripts import Script
from .slots import Pause, PausedBy

__all__ = ["relaunch", "restarted"]

_WHY = "the queue was started again"


def restarted(ledger: Ledger, event: Restarted) -> None:
    """Take over every script, and publish everything.

    All slots are paused, unless the earlier service had ended all scripts, as was planned.
    """
    was_planned = ledger.finished
    ledger.enabled = False
    ledger.closing = ""
    ledger.finished = False
    ledger.timers.clear()
    ledger.alarm = None
    ledger.shown_queue = ledger.shown_slots = None
    ledger.shown_scripts.clear()
    ledger.queue_asked = True
    for slot in ledger.slots.values():
        if was_planned:
            slot.pause = None
        elif slot.pause is None and not event.resumes:
            slot.pause = Pause(PausedBy.ALL, ledger.now_tai, f"because {_WHY}")
    for opening in ledger.blocks.openings.values():
        ledger.emit(RequestBlockId(opening.number, opening.wish.block))
    for script in list(ledger.scripts.values()):
        ledger.changed[script.index] = None
        if script.phase is not Phase.GONE:
            script.story.note(ledger.now_tai, _WHY)
            _ADOPTED[script.phase](ledger, script)
    answer_again(ledger)
    left = sum(1 for _ in ledger.live())
    if left:
        whom = "1 script that waited or ran was" if left == 1 else f"{left} scripts that waited or ran were"
        ledger.emit(WriteLog(LogLevel.WARNING, f"{_WHY}: {whom} taken over"))


def relaunch(ledger: Ledger) -> None:
    """Launch again what was lost, head first and a few at a time."""
    postponed = [script for script in ledger.live() if script.phase is Phase.POSTPONED]
    if not postponed or ledger.closing:
        return
    under_way = sum(script.phase in LOADING_PHASES for script in ledger.live())
    for script in postponed[: max(0, ledger.limits.relaunches - under_way)]:
        advance(ledger, script, Trigger.RELAUNCHED)


def _go_on(ledger: Ledger, script: Script) -> None:
    """Nothing is outstanding but what the script says."""
    wait_anew(ledger, script)


def _ask(ledger: Ledger, script: Script) -> None:
    """What was asked may not have arrived, and can be asked twice."""
    script.tries = 0
    ask_again(ledger, script, _WHY)


def _wait_before_asking(ledger: Ledger, script: Script) -> None:
    """What was asked may not have arrived, and must not be asked twice while it may be being done."""
    script.tries = 0
    wait_anew(ledger, script)


def _launch(ledger: Ledger, script: Script) -> None:
    """Its process may be there; the same launch finds it."""
    wait_anew(ledger, script)
    launch_again(ledger, script)


def _advance(trigger: Trigger) -> Callable[[Ledger, Script], None]:
    return lambda ledger, script: advance(ledger, script, trigger, _WHY)


def _end(ledger: Ledger, script: Script) -> None:
    wait_anew(ledger, script)
    ledger.emit(TerminateProcess(script.index))


#: Phase that a script was in -> how it goes on. (GONE needs nothing.)
_ADOPTED: dict[Phase, Callable[[Ledger, Script], None]] = {
    Phase.LAUNCHING: _launch,
    Phase.ABANDONED: _launch,
    Phase.LOADING: _go_on,
    Phase.CONFIGURING: _wait_before_asking,
    Phase.SETTLING: _go_on,
    Phase.CONFIGURED: _go_on,
    Phase.NAMING: _advance(Trigger.NAME_WITHDRAWN),
    Phase.NAMED: _advance(Trigger.NAME_WITHDRAWN),
    Phase.UNNAMING: _ask,
    Phase.ENTERING: _advance(Trigger.NAME_WITHDRAWN),
    Phase.STRAYING: _ask,
    Phase.DROPPING: _end,
    Phase.LOST_WAITING: _go_on,
    Phase.LOST_AWAY: _go_on,
    Phase.POSTPONED: _go_on,
    Phase.STARTING: _advance(Trigger.RUN_DOUBTED),
    Phase.DOUBTED: _ask,
    Phase.RUNNING: _go_on,
    Phase.RECALLED: _ask,
    Phase.STOPPING: _ask,
    Phase.KILLING: _end,
    Phase.BREAKING: _end,
    Phase.GIVING_UP: _end,
    Phase.LOST_RUNNING: _go_on,
    Phase.LOST_STOPPING: _go_on,
    Phase.FAILED: _go_on,
    Phase.FAILED_GONE: _go_on,
    Phase.LEAVING: _go_on,
}
