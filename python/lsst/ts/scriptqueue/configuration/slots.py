# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The slots that a configuration describes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..core.layout import MAIN, MAX_SLOTS, SlotSettings
from ..core.resources import EVERYTHING
from .documents import Key
from .faults import Fault
from .merging import Merged
from .names import Names

__all__ = ["slots_of"]


def slots_of(merged: Merged, names: Names, report: Callable[[Fault], None]) -> tuple[SlotSettings, ...]:
    """Read the slots; what is wrong is reported, and left out.

    Returns
    -------
    tuple
        The slots, the main one first.
    """
    slots: list[SlotSettings] = []
    first_key: dict[str, Key] = {}
    for place, entry in enumerate(merged.data.get("slots", ())):
        key: Key = ("slots", place)
        slot = _slot(entry, names, key)
        # Two that differ only in capital letters would be taken for each other.
        folded = slot.name.casefold()
        if folded in first_key:
            other = merged.fault(first_key[folded], "")
            report(merged.fault((*key, "name"), f"there is a slot {slot.name} already, in line {other.line}"))
            continue
        first_key[folded] = (*key, "name")
        if slot.name == MAIN:
            for fault in _faults_of_main(merged, entry, place):
                report(fault)
        slots.append(slot)
    if MAIN not in {slot.name for slot in slots}:
        if MAIN in first_key:
            report(merged.fault(first_key[MAIN], f"the main slot is written {MAIN}"))
        slots.insert(0, SlotSettings(announces_visits=True))
    if len(slots) > MAX_SLOTS:
        report(merged.fault(("slots",), f"with {MAIN} there are {len(slots)} slots; {MAX_SLOTS} can be"))
    return tuple(slots)


def _slot(entry: Mapping[str, Any], names: Names, key: Key) -> SlotSettings:
    assumed = EVERYTHING
    if "assumed_resources" in entry:
        assumed = names.claim(entry["assumed_resources"], (*key, "assumed_resources"))
    return SlotSettings(
        name=entry["name"],
        capacity=int(entry.get("capacity", 1)),
        is_eager=entry.get("order") == "eager",
        keeps_failed=entry.get("on_failure", "pause") == "pause",
        assumed=assumed,
        patience_s=entry.get("patience_s"),
        announces_visits=entry.get("next_visit", entry["name"] == MAIN),
    )


def _faults_of_main(merged: Merged, entry: Mapping[str, Any], place: int) -> list[Fault]:
    faults = []
    key: Key = ("slots", place)
    if place:
        faults.append(
            merged.fault((*key, "name"), f"{MAIN} must be the first slot; the order is the priority")
        )
    if entry.get("capacity", 1) != 1:
        faults.append(
            merged.fault((*key, "capacity"), f"{MAIN} has a capacity of 1, not {entry['capacity']}")
        )
    if entry.get("order") == "eager":
        faults.append(merged.fault((*key, "order"), f"{MAIN} is ordered, not eager"))
    return faults
