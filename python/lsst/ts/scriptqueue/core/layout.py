# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is configured of a queue: its slots, and how resources are named and shared.

Values only, checked by whoever reads them from a file. Without a
configuration there is one slot, the main one, and the queue is serial.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from .resources import EVERYTHING, Catalogue, Claim

__all__ = ["MAIN", "MAX_SLOTS", "Layout", "LegacyQueue", "SlotSettings"]

#: The slot that always exists, comes first, and is strictly serial.
MAIN = "main"

#: Length of the arrays of the ``slots`` event.
MAX_SLOTS = 50


class LegacyQueue(enum.Enum):
    """What the ``queue`` event shows of the slots beside main, for clients that know of none."""

    YIELDING = "yielding"
    COMBINED = "combined"
    MAIN_ONLY = "main_only"


@dataclass(frozen=True, slots=True)
class SlotSettings:
    """What is configured of a slot.

    Attributes
    ----------
    name
        Its name.
    capacity
        How many scripts may be in it at a time.
    is_eager
        May a waiting script that is held up be overtaken?
    keeps_failed
        Does a failed script stay and pause the slot? Otherwise it goes to the
        history.
    assumed
        What a script needs about which nothing is known.
    patience_s
        A ready head that has waited longer goes before the heads of all
        slots, in seconds; None for never.
    announces_visits
        Is its head given its group id ahead, and announced as next visit?
    """

    name: str = MAIN
    capacity: int = 1
    is_eager: bool = False
    keeps_failed: bool = True
    assumed: Claim = EVERYTHING
    patience_s: float | None = None
    announces_visits: bool = False

    @property
    def is_serial(self) -> bool:
        """Do its scripts run one after another, in their order?"""
        return self.capacity == 1 and not self.is_eager


@dataclass(frozen=True, slots=True)
class Layout:
    """The slots of a queue, in order of priority, and what they share.

    Attributes
    ----------
    slots
        The slots; the first is the main one.
    catalogue
        Names of resources.
    legacy_queue
        What clients are shown that know of no slots.
    stops_failed_blocks
        When a failed script of a block is let go, is what is left of the
        block stopped?

    Raises
    ------
    ValueError
        If the first slot is not a main slot, or two have one name.
    """

    slots: tuple[SlotSettings, ...] = (SlotSettings(announces_visits=True),)
    catalogue: Catalogue = field(default_factory=Catalogue)
    legacy_queue: LegacyQueue = LegacyQueue.YIELDING
    stops_failed_blocks: bool = False

    def __post_init__(self) -> None:
        names = [slot.name for slot in self.slots]
        if not names or names[0] != MAIN or not self.slots[0].is_serial:
            raise ValueError(
                f"the first slot must be {MAIN!r}, ordered and with a capacity of 1, not {names[:1]}"
            )
        if len(set(names)) < len(names):
            raise ValueError(f"every slot needs a name of its own, not {', '.join(names)}")
        if len(names) > MAX_SLOTS:
            raise ValueError(f"at most {MAX_SLOTS} slots can be, not {len(names)}")
