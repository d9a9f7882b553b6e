# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Going on where an earlier service was torn away.

What it had written tells in which phase each script was; what it did last
may or may not have reached the script. `_ADOPTED` says for each phase what
is to be done so that the script goes on, and nothing happens twice. A script
goes on by what it reports: the middleware tells a new reader the last state
of each.

A process that was lost while the script waited is launched again, unless the
script says that it ended of its own accord. That is done head first, a few
at a time.
"""

from __future__ import annotations

from collections.abc import Callable

from .effects import LogLevel, RequestBlockId, TerminateProcess, WriteLog
from .events import Restarted
from .ledger import Ledger
from .life import advance, ask_again, wait_anew
from .phases import Phase, Trigger
from .scripts import Script
from .slots import Pause, PausedBy

__all__ = ["relaunch", "restarted"]

_WHY = "the queue was started again"

#: On the way from launch to configured: these take processor time.
_LOADING = frozenset({Phase.LAUNCHING, Phase.LOADING, Phase.CONFIGURING})


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
    left = sum(1 for _ in ledger.live())
    if left:
        ledger.emit(WriteLog(LogLevel.WARNING, f"{_WHY}: {left} scripts that waited or ran were taken over"))


def relaunch(ledger: Ledger) -> None:
    """Launch again what was lost, head first and a few at a time."""
    postponed = [script for script in ledger.live() if script.phase is Phase.POSTPONED]
    if not postponed or ledger.closing:
        return
    under_way = sum(script.phase in _LOADING for script in ledger.live())
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


def _advance(trigger: Trigger) -> Callable[[Ledger, Script], None]:
    return lambda ledger, script: advance(ledger, script, trigger, _WHY)


def _end(ledger: Ledger, script: Script) -> None:
    wait_anew(ledger, script)
    ledger.emit(TerminateProcess(script.index))


#: Phase that a script was in -> how it goes on. (GONE needs nothing.)
_ADOPTED: dict[Phase, Callable[[Ledger, Script], None]] = {
    Phase.LAUNCHING: _advance(Trigger.PROCESS_LOST),
    Phase.ABANDONED: _advance(Trigger.LAUNCH_FAILED),
    Phase.LOADING: _go_on,
    Phase.CONFIGURING: _wait_before_asking,
    Phase.SETTLING: _go_on,
    Phase.CONFIGURED: _go_on,
    Phase.NAMING: _ask,
    Phase.NAMED: _go_on,
    Phase.UNNAMING: _ask,
    Phase.ENTERING: _ask,
    Phase.STRAYING: _ask,
    Phase.DROPPING: _end,
    Phase.LOST_WAITING: _go_on,
    Phase.LOST_AWAY: _go_on,
    Phase.POSTPONED: _go_on,
    Phase.STARTING: _advance(Trigger.RUN_DOUBTED),
    Phase.DOUBTED: _ask,
    Phase.RUNNING: _go_on,
    Phase.STOPPING: _ask,
    Phase.KILLING: _end,
    Phase.BREAKING: _end,
    Phase.LOST_RUNNING: _go_on,
    Phase.LOST_STOPPING: _go_on,
    Phase.FAILED: _go_on,
    Phase.FAILED_GONE: _go_on,
    Phase.LEAVING: _go_on,
}
