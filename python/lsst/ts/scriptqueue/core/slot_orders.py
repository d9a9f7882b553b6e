# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What operators do with whole slots: pause, resume, another layout.

A slot that was paused by its name or by a failure goes on when its name, or
``*``, is given: whoever resumes the queue as clients do that know of no slots
must not set free a calibration that somebody has halted.
"""

from __future__ import annotations

from . import reasons
from .layout import Layout
from .ledger import Ledger
from .life import advance, end_failed_blocks
from .phases import FAILED_PHASES, Trigger
from .refusals import Refused, listing
from .slots import Pause, PausedBy, Slot

__all__ = ["ALL_SLOTS", "pause", "reconfigure", "resume"]

#: What `resume` is given to let every slot go on.
ALL_SLOTS = "*"


def pause(ledger: Ledger, name: str, identity: str) -> None:
    """Pause a slot, or all if no name is given.

    Raises
    ------
    Refused
        If there is no such slot, or it is paused by its name already.
    """
    who = f" by {identity}" if identity else ""
    if not name:
        for slot in ledger.slots.values():
            if slot.pause is None:
                slot.pause = Pause(PausedBy.ALL, ledger.now_tai, f"with all slots{who}")
        return
    slot = ledger.slot(name)
    if slot.pause is not None and slot.pause.by is not PausedBy.ALL:
        raise Refused(f"slot {name} is already {reasons.paused(ledger, slot)}")
    slot.pause = Pause(PausedBy.NAME, ledger.now_tai, f"on request{who}")


def resume(ledger: Ledger, name: str) -> str:
    """Let a slot go on; "" is main and what was paused with all slots, ``*`` is all.

    Returns
    -------
    str
        What stays paused and why; "" if nothing does.

    Raises
    ------
    Refused
        If there is no such slot.
    """
    for slot in [ledger.slot(name)] if name not in ("", ALL_SLOTS) else ledger.slots.values():
        if name or slot is ledger.main or (slot.pause is not None and slot.pause.by is PausedBy.ALL):
            _resume_slot(ledger, slot)
    still = [
        f"slot {slot.name} {reasons.paused(ledger, slot)}" for slot in ledger.slots.values() if slot.pause
    ]
    return f"Done; still paused: {'; '.join(still)}" if still else ""


def reconfigure(ledger: Ledger, layout: Layout) -> None:
    """Take another layout; scripts keep their places, and what they need as it was settled.

    Raises
    ------
    Refused
        If a slot that it lacks has scripts, or cannot run the blocks it has.
    """
    settings = {slot.name: slot for slot in layout.slots}
    for slot in ledger.slots.values():
        live = [*slot.current, *slot.waiting]
        if live and slot.name not in settings:
            raise Refused(
                f"slot {slot.name} is not in the new configuration, but has scripts: {listing(live)}; "
                f"stop or move them first"
            )
        of_blocks = [index for index in live if ledger.scripts[index].membership is not None]
        if of_blocks and not settings[slot.name].is_serial:
            raise Refused(
                f"slot {slot.name} would not be an ordered slot with a capacity of 1 any more, "
                f"but has scripts of blocks: {listing(of_blocks)}; stop them first"
            )
    known = ledger.slots
    ledger.slots = {}
    for name, chosen in settings.items():
        slot = ledger.slots[name] = known.get(name) or Slot(chosen)
        slot.settings = chosen
    ledger.layout = layout
    ledger.configured_tai = ledger.now_tai


def _resume_slot(ledger: Ledger, slot: Slot) -> None:
    if slot.pause is None:
        return
    slot.pause = None
    for index in list(slot.current):
        script = ledger.scripts[index]
        if script.phase in FAILED_PHASES:
            advance(ledger, script, Trigger.RELEASED)
    end_failed_blocks(ledger, slot)
