# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A slot: a lane of execution, with those that wait for it and those in it."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field

from .commands import Target
from .refusals import Refused, listing
from .states import Location

__all__ = ["MAIN", "Pause", "PausedBy", "Slot", "SlotSettings"]

#: The slot that always exists, comes first, and is strictly serial.
MAIN = "main"


class PausedBy(enum.Enum):
    """Who paused a slot."""

    COMMAND = "a command"
    FAILURE = "a failed script"


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause, with its reason.

    Attributes
    ----------
    by
        Who paused.
    since_tai
        When (TAI, unix seconds).
    text
        Why, in words.
    """

    by: PausedBy
    since_tai: float
    text: str


@dataclass(frozen=True, slots=True)
class SlotSettings:
    """What is configured of a slot.

    Attributes
    ----------
    name
        Its name.
    capacity
        How many scripts may be in it at a time.
    """

    name: str = MAIN
    capacity: int = 1


@dataclass(slots=True)
class Slot:
    """A slot at work.

    Attributes
    ----------
    settings
        What is configured.
    waiting
        SAL indices that wait, the next one first.
    current
        SAL indices in the slot's places: what runs, or has failed and stays.
    pause
        Why nothing is started; None if the slot runs.
    """

    settings: SlotSettings
    waiting: list[int] = field(default_factory=list)
    current: list[int] = field(default_factory=list)
    pause: Pause | None = None

    @property
    def name(self) -> str:
        return self.settings.name

    @property
    def has_room(self) -> bool:
        return len(self.current) < self.settings.capacity

    def insert(self, index: int, target: Target) -> None:
        """Put a script where it is wanted; if it waits already, move it.

        Raises
        ------
        Refused
            If there is no such place; nothing has changed then.
        """
        others = [waiting for waiting in self.waiting if waiting != index]
        others.insert(_POSITION[target.location](others, target.relative_to), index)
        self.waiting = others

    def check(self, target: Target) -> None:
        """Raise `Refused` if there is no such place."""
        _POSITION[target.location](self.waiting, target.relative_to)


def _before(waiting: list[int], relative_to: int) -> int:
    try:
        return waiting.index(relative_to)
    except ValueError:
        raise Refused(
            f"script {relative_to} is not waiting, so nothing can be put before or after it; "
            f"waiting are: {listing(waiting)}"
        ) from None


_POSITION: dict[Location, Callable[[list[int], int], int]] = {
    Location.FIRST: lambda waiting, relative_to: 0,
    Location.LAST: lambda waiting, relative_to: len(waiting),
    Location.BEFORE: _before,
    Location.AFTER: lambda waiting, relative_to: _before(waiting, relative_to) + 1,
}
