# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A slot: a lane of execution, with those that wait for it and those in it."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field

from .commands import Target
from .layout import SlotSettings
from .refusals import Refused, listing
from .states import Location

__all__ = ["Pause", "PausedBy", "ReadyHead", "Slot"]


class PausedBy(enum.Enum):
    """What paused a slot, which decides what lets it go on."""

    ALL = "a command to all slots"
    NAME = "a command to this slot"
    FAILURE = "a failed script"


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause, with its reason.

    Attributes
    ----------
    by
        What paused it.
    since_tai
        When (TAI, unix seconds).
    text
        Why, in words that go on after "paused since ...".
    """

    by: PausedBy
    since_tai: float
    text: str


@dataclass(frozen=True, slots=True)
class ReadyHead:
    """The first waiting script of a slot, since it could start but for room and resources.

    Attributes
    ----------
    index
        SAL index.
    since_tai
        Since when (TAI, unix seconds).
    is_overdue
        Has it waited for longer than the slot's patience?
    """

    index: int
    since_tai: float
    is_overdue: bool = False


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
    ready_head
        Its head, if it is ready.
    """

    settings: SlotSettings
    waiting: list[int] = field(default_factory=list)
    current: list[int] = field(default_factory=list)
    pause: Pause | None = None
    ready_head: ReadyHead | None = None

    @property
    def name(self) -> str:
        return self.settings.name

    def remove(self, index: int) -> None:
        """Take a waiting script out."""
        self.waiting.remove(index)

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
