# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a script waits, in words that an operator can use.

They say since when, never for how long, so that they change only when what
they speak of does. Times are UTC.
"""

from __future__ import annotations

from collections.abc import Sequence

from .holdings import Obstacle
from .ledger import Ledger
from .phases import FAILED_PHASES, READY_PHASES, Phase
from .refusals import listing
from .scripts import Full, Reason, Script
from .slots import Slot
from .stops import StopJob

__all__ = [
    "aside",
    "held_up",
    "not_ready",
    "paused",
    "rests",
    "still_to_come",
    "turn",
    "worded",
]

#: A script in whose way more names are is told of these and how many more.
_MAX_NAMES = 3

_NOT_READY = {
    Phase.LAUNCHING: "its process is being started since {since}",
    Phase.LOADING: "loading since {since}",
    Phase.CONFIGURING: "configuring since {since}",
    Phase.LOST_AWAY: "last words of its process, lost while no queue was there, awaited since {since}",
    Phase.POSTPONED: "to be launched again since {since}: its process was lost while no queue was there",
    Phase.SETTLING: "configured since {since}, but its description or metadata has not arrived yet",
}
_LEAVING = "being stopped since {since}"
_ADMITTED = "being given its group id since {since}, then it starts"


def not_ready(ledger: Ledger, script: Script) -> str:
    """It is still being prepared."""
    return _of_phase(ledger, script, _NOT_READY[script.phase])


def aside(ledger: Ledger, script: Script) -> str:
    """It is on its way out, or has been admitted."""
    return _of_phase(ledger, script, _ADMITTED if script.phase is Phase.ENTERING else _LEAVING)


def _of_phase(ledger: Ledger, script: Script, text: str) -> str:
    # Asked for again and again while the script is in its phase.
    if script.phase_account[0] is not script.phase:
        script.phase_account = (script.phase, text.format(since=ledger.clock(script.phase_since_tai)))
    return script.phase_account[1]


def rests(ledger: Ledger, slot: Slot) -> str:
    """Nothing starts in the slot; "" if that is not so."""
    if not ledger.enabled:
        return "the queue is not enabled"
    return f"slot {slot.name} is {paused(ledger, slot)}" if slot.pause is not None else ""


def paused(ledger: Ledger, slot: Slot) -> str:
    """Why and since when a slot is paused; "" if it is not."""
    if slot.pause is None:
        return ""
    return f"paused since {ledger.clock(slot.pause.since_tai)}, {slot.pause.text}"


def held_up(ledger: Ledger, slot: Slot, unbidden: int) -> str:
    """Nothing starts in the slot for a moment; "" if that is not so.

    ``unbidden`` is the index of a waiting script of the slot that runs all
    the same; 0 if there is none.
    """
    if ledger.stops and any(_holds(ledger, job, slot) for job in ledger.stops):
        return f"slot {slot.name} starts nothing until what is being stopped has stopped"
    if unbidden:
        return f"{unbidden} runs in slot {slot.name} without having been told to, and is being stopped"
    return ""


def _holds(ledger: Ledger, job: StopJob, slot: Slot) -> bool:
    """Does a stop command hold a slot? What it waits for in others is no matter of this one."""
    return slot.name in job.held_slots and any(
        ledger.is_live(index) and ledger.scripts[index].slot == slot.name for index in job.remaining
    )


def turn(slot: Slot) -> str:
    """Others of its slot come first."""
    return f"its turn in slot {slot.name} has not come"


def still_to_come(script: Script, other: Script) -> str:
    """One that was added before, and put elsewhere by a rule, comes first."""
    both = script.needs.expected.shared_with(other.needs.expected)
    return f"{other.index} ({other.slot}) was added before and needs {both}, too; it has not ended yet"


def worded(ledger: Ledger, reason: Reason) -> str:
    """A reason in words, which not all are yet."""
    if isinstance(reason, str):
        return reason
    return _full(ledger, reason) if isinstance(reason, Full) else _obstructed(ledger, reason)


def _full(ledger: Ledger, reason: Full) -> str:
    """Its slot has no place left."""
    if len(reason.taken) == 1:
        return f"slot {reason.slot} is taken by {_who(ledger, reason.taken[0])}"
    return f"slot {reason.slot} is full: {listing(reason.taken)}"


def _obstructed(ledger: Ledger, things: Sequence[Obstacle]) -> str:
    """Others hold or have reserved what it needs."""
    names: dict[tuple[int, bool], list[str]] = {}
    for obstacle in things:
        found = names.setdefault((obstacle.holder, obstacle.is_reserved), [])
        name = str(obstacle.resource or "everything")
        if name not in found:
            found.append(name)
    return "; ".join(
        _reserved(ledger, holder, found) if is_reserved else _held(ledger, holder, found)
        for (holder, is_reserved), found in names.items()
    )


def _held(ledger: Ledger, holder: int, names: list[str]) -> str:
    script = ledger.scripts[holder]
    verb = "is" if len(names) == 1 else "are"
    if not script.admitted_tai:
        return (
            f"{_few(names)} {verb} used by {holder} ({script.slot}), which runs without having been told to"
        )
    text = f"{_few(names)} {verb} held by {holder} ({script.slot}) since {ledger.clock(script.admitted_tai)}"
    return f"{text}, which has failed" if script.phase in FAILED_PHASES else text


def _reserved(ledger: Ledger, holder: int, names: list[str]) -> str:
    verb = "is" if len(names) == 1 else "are"
    return f"{_few(names)} {verb} reserved for {holder} ({ledger.scripts[holder].slot})"


def _few(names: list[str]) -> str:
    more = len(names) - _MAX_NAMES
    text = ", ".join(names[:_MAX_NAMES])
    return f"{text} and {more} more" if more > 0 else text


def _who(ledger: Ledger, index: int) -> str:
    script = ledger.scripts[index]
    if script.phase in FAILED_PHASES:
        return f"{index}, which failed at {ledger.clock(script.phase_since_tai)}"
    if script.phase in READY_PHASES:
        return f"{index}, which is {script.phase.value}"
    return f"{index} since {ledger.clock(script.admitted_tai)}"
