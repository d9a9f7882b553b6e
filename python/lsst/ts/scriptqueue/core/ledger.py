# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything the queue knows, and the effects of the event being handled.

Only data and look-ups: what happens to a script is in `life`, what clients
ask in `orders`, what comes back from the world in `reports`, what may
start in `admission`, what is published in `publishing`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .blocks import Blocks
from .effects import Effect
from .group_ids import GroupIds
from .indices import Indices
from .layout import Layout
from .limits import Limits
from .open_commands import OpenCommand
from .phases import Phase, Place
from .refusals import Refused, listing
from .scripts import Script
from .slots import Slot
from .stops import StopJob
from .stories import iso_clock
from .views import QueueView, ScriptView, SlotsView

__all__ = ["WITHOUT_PROCESS", "Alarm", "Ledger"]


@dataclass(frozen=True, slots=True)
class Alarm:
    """A time limit of the queue's own.

    Attributes
    ----------
    request
        Its number.
    at_tai
        When it ends (TAI, unix seconds).
    """

    request: int
    at_tai: float


class Ledger:
    """The state of the queue.

    Parameters
    ----------
    sal_index
        SAL index of the ScriptQueue.
    limits
        Limits in force.
    layout
        The slots and what they share.
    tai_minus_utc_s
        For times that people read (seconds).

    Attributes
    ----------
    slots
        The slots by name, in order of priority; the first is the main one.
    now_tai
        Time of the event being handled (TAI, unix seconds).
    scripts
        Every script not forgotten, by index.
    history
        Indices of ended scripts, the latest first.
    enabled
        Is the component enabled?
    closing
        Why the service is ending; "" if it is not.
    finished
        Has the service been told that it may end?
    effects
        What the event being handled wants done, but for what is published.
    changed
        Indices of scripts that may look different now.
    queue_asked
        Is the queue to be published even if it looks the same?
    stirred
        Has the event being handled changed anything by which it is decided
        who may start, or which the queue or the slots show?
    timers
        Time limits that run: request number to script index.
    alarm
        The time limit that makes the walk begin anew when a head has waited
        long enough; None if none runs.
    configured_tai
        When it was given its layout (TAI, unix seconds); 0 for the first one.
    added
        How many scripts have been added.
    last_command_id
        The largest number of a command.
    open_commands
        Commands whose clients may not have been told what became of them, by
        number, the oldest first.
    last_request
        The last number that was given out.
    shown_queue, shown_slots, shown_scripts
        What was published last.
    """

    def __init__(self, sal_index: int, limits: Limits, layout: Layout, tai_minus_utc_s: float) -> None:
        self.limits = limits
        self.layout = layout
        self.tai_minus_utc_s = tai_minus_utc_s
        self.slots = {settings.name: Slot(settings) for settings in layout.slots}
        self.scripts: dict[int, Script] = {}
        self.history: list[int] = []
        self.enabled = False
        self.closing = ""
        self.finished = False
        self.stops: list[StopJob] = []
        self.blocks = Blocks(self._has_live_member)
        self.indices = Indices(sal_index, self._is_taken)
        self.group_ids = GroupIds()
        self.now_tai = 0.0
        self.effects: list[Effect] = []
        self.changed: dict[int, None] = {}
        self.queue_asked = False
        self.stirred = True
        self.timers: dict[int, int] = {}
        self.alarm: Alarm | None = None
        self.configured_tai = 0.0
        self.added = 0
        self.shown_queue: QueueView | None = None
        self.shown_slots: SlotsView | None = None
        self.shown_scripts: dict[int, ScriptView] = {}
        self.last_command_id = 0
        self.open_commands: dict[int, OpenCommand] = {}
        self.last_request = 0

    def emit(self, effect: Effect) -> None:
        """Want something done."""
        self.effects.append(effect)

    def new_request(self) -> int:
        """A number for an effect that something is to answer."""
        self.last_request += 1
        return self.last_request

    def script(self, index: int) -> Script:
        """The script of that index, or raise `Refused`."""
        script = self.scripts.get(index)
        if script is None or index in self.unlisted:
            live = [script.index for script in self.live()]
            raise Refused(f"there is no script {index}; waiting or running are: {listing(live)}")
        return script

    def slot_of(self, script: Script) -> Slot:
        return self.slots[script.slot]

    def slot(self, name: str) -> Slot:
        """The slot of that name, or raise `Refused`."""
        slot = self.slots.get(name)
        if slot is None:
            raise Refused(f"there is no slot {name!r}; there are {', '.join(self.slots)}")
        return slot

    @property
    def main(self) -> Slot:
        return next(iter(self.slots.values()))

    @property
    def is_serial(self) -> bool:
        """Is there only the main slot?"""
        return len(self.slots) == 1

    def clock(self, tai: float) -> str:
        """A time of the night for people (UTC, hours, minutes, seconds)."""
        return iso_clock(tai - self.tai_minus_utc_s)

    def live(self) -> Iterator[Script]:
        """The scripts that wait or have a place, slot by slot."""
        for slot in self.slots.values():
            for index in (*slot.current, *slot.waiting):
                yield self.scripts[index]

    def is_live(self, index: int) -> bool:
        script = self.scripts.get(index)
        return script is not None and script.place is not Place.HISTORY

    @property
    def unlisted(self) -> list[int]:
        """The scripts that the history has no room for but whose process has not gone."""
        return self.history[self.limits.history :]

    @property
    def has_processes(self) -> bool:
        """Is a process of any script left, or about to be?"""
        return any(script.phase not in WITHOUT_PROCESS for script in self.scripts.values())

    def _has_live_member(self, block_id: str, index: int) -> bool:
        member = self.scripts[index].membership if self.is_live(index) else None
        return member is not None and member.block_id == block_id

    def _is_taken(self, index: int) -> bool:
        return index in self.scripts or self.blocks.reserves(index)


#: Phases of scripts that have no process.
WITHOUT_PROCESS = frozenset(
    {
        Phase.LOST_AWAY,
        Phase.POSTPONED,
        Phase.LOST_WAITING,
        Phase.LOST_RUNNING,
        Phase.LOST_STOPPING,
        Phase.FAILED_GONE,
        Phase.GONE,
    }
)
