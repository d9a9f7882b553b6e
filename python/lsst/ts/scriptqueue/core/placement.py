# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which slot a script goes to.

Beside another script, to that one's slot; else to the slot that is named; a
block's, to the slot of the block. A rule's slot counts only where nobody
named one, and only if what the script needs is known and overlaps nothing
that runs or waits in main: clients that know of no slots rely on the order in
which they add. Everything else goes to main.
"""

from __future__ import annotations

from dataclasses import dataclass

from .commands import AddScript, Target
from .ledger import Ledger
from .needs import Needs
from .phases import Place
from .refusals import Refused
from .resources import Claim
from .scripts import Script
from .slots import Slot
from .states import Location

__all__ = ["Destination", "check_serial", "destination", "other_slot", "requeue_slot", "slot_beside"]


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a script goes.

    Attributes
    ----------
    slot
        The slot.
    is_routed
        Did a rule choose it, and not the client?
    """

    slot: Slot
    is_routed: bool = False


def destination(ledger: Ledger, wish: AddScript, needs: Needs) -> Destination:
    """Where an `add` puts its script, but for what its block wants.

    Raises
    ------
    Refused
        If there is no such slot, or the script is wanted in two.
    """
    beside = slot_beside(ledger, wish.target)
    if wish.slot:
        named = ledger.slot(wish.slot)
        if beside is not None and beside is not named:
            raise Refused(
                f"script {wish.target.relative_to} is in slot {beside.name}, not in {named.name}; "
                f"name {beside.name}, or no slot"
            )
        return Destination(named)
    if beside is not None:
        return Destination(beside)
    proposed = ledger.slots.get(wish.ruling.slot)
    if wish.block or proposed is None or proposed is ledger.main:
        return Destination(ledger.main)
    if needs.foreseen is None or not needs.is_certain or _is_in_main(ledger, needs.foreseen):
        return Destination(ledger.main)
    return Destination(proposed, is_routed=True)


def slot_beside(ledger: Ledger, target: Target) -> Slot | None:
    """The slot of the waiting script that a target is relative to; None if it is to none."""
    if target.location not in (Location.BEFORE, Location.AFTER):
        return None
    other = ledger.scripts.get(target.relative_to)
    return ledger.slot_of(other) if other is not None and other.place is Place.WAITING else None


def other_slot(ledger: Ledger, script: Script, target: Target, name: str) -> Slot:
    """The slot that a `move` leads to.

    Raises
    ------
    Refused
        If there is no such slot, or it is not said that the slot changes.
    """
    beside = slot_beside(ledger, target)
    slot = ledger.slot(name) if name else ledger.slot_of(script)
    if beside is not None and beside is not slot:
        raise Refused(
            f"script {target.relative_to} is in slot {beside.name}, "
            f"and {script.index} would be in slot {slot.name}; "
            f"name slot {beside.name} to move it there"
        )
    if slot.name != script.slot and script.membership is not None:
        raise Refused(
            f"script {script.index} belongs to {script.membership.block_id}, "
            f"and all scripts of a block run in one slot, here {script.slot}"
        )
    return slot


def requeue_slot(ledger: Ledger, original: Script, target: Target) -> str:
    """The slot that a `requeue` leads to which names none: that of the original.

    Returns
    -------
    str
        Its name; "" if it is gone since the queue was configured anew.

    Raises
    ------
    Refused
        If the target is in another one.
    """
    if original.slot not in ledger.slots:
        return ""
    beside = slot_beside(ledger, target)
    if beside is not None and beside.name != original.slot:
        raise Refused(
            f"script {target.relative_to} is in slot {beside.name}, "
            f"and without a slot script {original.index} is queued once more in its own, {original.slot}; "
            f"name slot {beside.name} to put it there"
        )
    return original.slot


def check_serial(ledger: Ledger, slot: Slot, block: str) -> None:
    """Raise `Refused` if a block cannot run in a slot."""
    if not slot.settings.is_serial:
        serial = [other.name for other in ledger.slots.values() if other.settings.is_serial]
        raise Refused(
            f"{block} cannot run in slot {slot.name}: the scripts of a block run one after another, "
            f"so it needs an ordered slot with a capacity of 1: {', '.join(serial)}"
        )


def _is_in_main(ledger: Ledger, claim: Claim) -> bool:
    """Does something that runs or waits in main need any of this?"""
    main = ledger.main
    return any(
        ledger.scripts[index].needs.expected.overlaps(claim) for index in (*main.current, *main.waiting)
    )
