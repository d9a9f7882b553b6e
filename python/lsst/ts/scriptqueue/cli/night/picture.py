# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The night as it was seen: a model that is fed sightings and draws conclusions.

* Different topics may arrive in either order, so nothing is concluded from the
  order of two of them; a script is known from whichever speaks of it first.
* Each sighting gives back the happenings that are news, for who tells them;
  what only repeats is no news.
* Time comes with the sightings.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ...sal.enums import ScriptProcessState, ScriptState, State
from ..commanding.slots import Slot
from .outcomes import Outcome, outcome
from .sightings import (
    ClaimSeen,
    DeedSeen,
    GroupIdSeen,
    LogSeen,
    MetadataSeen,
    QueueSeen,
    ScriptSeen,
    Sighting,
    SlotsSeen,
    StateSeen,
    SummaryStateSeen,
)

__all__ = ["CHECK", "OPERATOR", "QUEUE", "Happening", "Picture", "ScriptPicture"]

#: Who a happening is about, if not a script's index.
CHECK = "check"
OPERATOR = "operator"
QUEUE = "queue"

#: How many happenings are kept for the screen.
_KEPT = 200


@dataclass(frozen=True, slots=True)
class Happening:
    """Something worth a line.

    Attributes
    ----------
    at_tai
        When (TAI unix seconds).
    who
        `CHECK`, `OPERATOR`, `QUEUE` or a script's index.
    text
        What happened.
    level
        How much it matters, as in `logging`.
    """

    at_tai: float
    who: str
    text: str
    level: int = logging.INFO


@dataclass(frozen=True, slots=True)
class ScriptPicture:
    """One script, as far as it was seen. Times are TAI unix seconds, 0 if not yet.

    Attributes
    ----------
    index
        SAL index.
    path
        Path below its script directory.
    outcome
        How it stands.
    reason
        Why, in the script's words.
    group_id
        Its group id, "" for none.
    checkpoint, checkpoints_passed, checkpoints
        Name of the last checkpoint, how many were passed, how many are expected (0: not told).
    duration_s
        How long it expects to run (seconds).
    added_tai, ready_tai, run_start_tai, ended_tai
        Start of its process, when it could run, start of its run, and its end.
    busy_s, busy_since_tai
        How long it ran without being paused until `busy_since_tai`, from when it runs; 0 if it does not.
    slot, resources, waiting_for
        Where it is, what it needs, and why it waits, in the queue's words.
    process_state, told, reported
        What the queue says of its process and of its state, and what it says itself.
    """

    index: int
    path: str = ""
    outcome: Outcome = Outcome.LOADING
    reason: str = ""
    group_id: str = ""
    checkpoint: str = ""
    checkpoints_passed: int = 0
    checkpoints: int = 0
    duration_s: float = 0.0
    added_tai: float = 0.0
    ready_tai: float = 0.0
    run_start_tai: float = 0.0
    ended_tai: float = 0.0
    busy_s: float = 0.0
    busy_since_tai: float = 0.0
    slot: str = ""
    resources: str = ""
    waiting_for: str = ""
    process_state: ScriptProcessState = ScriptProcessState.UNKNOWN
    told: ScriptState = ScriptState.UNKNOWN
    reported: ScriptState = ScriptState.UNKNOWN

    @property
    def name(self) -> str:
        """The file name without its suffix."""
        return self.path.rpartition("/")[2].removesuffix(".py")

    @property
    def title(self) -> str:
        """Index and name."""
        return f"{self.index} {self.name}".rstrip()

    @property
    def wait_s(self) -> float | None:
        """Seconds from its process's start to its run; None if it never ran."""
        return self.run_start_tai - self.added_tai if self.run_start_tai and self.added_tai else None

    @property
    def run_s(self) -> float | None:
        """Seconds from its run's start to its end; None if it never ran or has not ended."""
        return self.ended_tai - self.run_start_tai if self.run_start_tai and self.ended_tai else None

    def progress_s(self, now_tai: float) -> float:
        """Seconds it has worked, without the time it was paused."""
        return self.busy_s + (max(0.0, now_tai - self.busy_since_tai) if self.busy_since_tai else 0.0)


class Picture:
    """What was seen of a queue and its scripts since the night began.

    Parameters
    ----------
    start_tai
        When the night began (TAI unix seconds).

    Attributes
    ----------
    state
        Summary state, or None before it is known.
    running
        Does the queue start scripts? False while it is paused.
    current, waiting, past
        Indices, as in the SAL event ``queue``.
    slots, slots_since_tai
        The slots, and since when there are others than main (TAI unix seconds; 0 if there are none).
    happenings
        The latest of them, the newest last.
    deed
        What the operator does now.
    claims
        All that was looked at so far, whether it held or not.
    """

    def __init__(self, start_tai: float) -> None:
        self.start_tai = start_tai
        self.state: State | None = None
        self.running = True
        self.current = 0
        self.waiting: tuple[int, ...] = ()
        self.past: tuple[int, ...] = ()
        self.slots: tuple[Slot, ...] = ()
        self.slots_since_tai = 0.0
        self.happenings: deque[Happening] = deque(maxlen=_KEPT)
        self.deed = ""
        self.claims: list[ClaimSeen] = []
        self._reasons: dict[int, list[str]] = {}
        self._scripts: dict[int, ScriptPicture] = {}

    @property
    def scripts(self) -> tuple[ScriptPicture, ...]:
        """All scripts ever seen, by index."""
        return tuple(self._scripts[index] for index in sorted(self._scripts))

    @property
    def has_slots(self) -> bool:
        """Are there others than main?"""
        return len(self.slots) > 1

    def slot(self, name: str) -> Slot:
        """Return a slot; one that was not seen yet has no place and does not run."""
        found = (slot for slot in self.slots if slot.name == name)
        return next(found, Slot(name, capacity=0, is_running=False))

    def reasons(self, index: int) -> tuple[str, ...]:
        """Return why a script has waited so far, in the queue's words."""
        return tuple(self._reasons.get(index, ()))

    def script(self, index: int) -> ScriptPicture:
        """Return a script; one that was not seen yet is loading."""
        return self._scripts.get(index) or ScriptPicture(index)

    def see(self, sighting: Sighting) -> tuple[Happening, ...]:
        """Take a sighting in; return what is news."""
        news = tuple(self._conclude(sighting))
        self.happenings.extend(news)
        return news

    def _conclude(self, sighting: Sighting) -> Iterator[Happening]:
        match sighting:
            case SummaryStateSeen():
                return self._see_summary_state(sighting)
            case QueueSeen():
                return self._see_queue(sighting)
            case ScriptSeen():
                return self._see_script(sighting)
            case SlotsSeen():
                return self._see_slots(sighting)
            case StateSeen():
                return self._see_state(sighting)
            case MetadataSeen():
                return self._see_metadata(sighting)
            case GroupIdSeen():
                return self._see_group_id(sighting)
            case LogSeen():
                return self._see_log(sighting)
            case DeedSeen():
                return self._see_deed(sighting)
            case ClaimSeen():
                return self._see_claim(sighting)

    def _see_summary_state(self, seen: SummaryStateSeen) -> Iterator[Happening]:
        if seen.state is not self.state:
            self.state = seen.state
            level = logging.ERROR if seen.state is State.FAULT else logging.INFO
            yield Happening(seen.at_tai, QUEUE, f"is {seen.state.name}", level)

    def _see_queue(self, seen: QueueSeen) -> Iterator[Happening]:
        stayed = [index for index in self.waiting if index in seen.waiting]
        moved = stayed != [index for index in seen.waiting if index in stayed]
        was_running = self.running
        self.running, self.current = seen.running, seen.current
        self.waiting, self.past = seen.waiting, seen.past
        for index in (seen.current, *seen.waiting, *seen.past):
            if index:
                self._scripts.setdefault(index, ScriptPicture(index))
        if self.has_slots:
            # The slots tell it.
            return
        if seen.running != was_running:
            text = "goes on" if seen.running else "is paused"
            yield Happening(seen.at_tai, QUEUE, text, logging.INFO if seen.running else logging.WARNING)
        if moved:
            order = ", ".join(map(str, seen.waiting))
            yield Happening(seen.at_tai, QUEUE, f"has a new order: {order}")

    def _see_slots(self, seen: SlotsSeen) -> Iterator[Happening]:
        before = {slot.name: slot for slot in self.slots}
        if len(seen.slots) > 1 and not self.has_slots:
            self.slots_since_tai = seen.at_tai
            names = ", ".join(slot.name for slot in seen.slots)
            yield Happening(seen.at_tai, QUEUE, f"has {len(seen.slots)} slots: {names}")
        self.slots = seen.slots
        for slot in seen.slots if self.has_slots else ():
            known = before.get(slot.name)
            if known is None or slot.pause_reason == known.pause_reason:
                continue
            if slot.is_running:
                yield Happening(seen.at_tai, QUEUE, f"slot {slot.name} goes on")
            else:
                text = f"slot {slot.name} is {slot.pause_reason}"
                yield Happening(seen.at_tai, QUEUE, text, logging.WARNING)

    def _see_script(self, seen: ScriptSeen) -> Iterator[Happening]:
        before = self.script(seen.index)
        after = replace(
            before,
            path=seen.path,
            process_state=seen.process_state,
            told=seen.script_state,
            added_tai=seen.process_start_tai or before.added_tai,
            run_start_tai=seen.run_start_tai or before.run_start_tai,
            slot=seen.slot,
            resources=seen.resources,
            waiting_for=seen.waiting_for,
        )
        yield from self._update(seen.at_tai, before, after)
        is_admitted = any(seen.index in slot.active for slot in self.slots)
        is_ready = self.script(seen.index).outcome is Outcome.READY and not is_admitted
        if self.has_slots and is_ready and seen.waiting_for not in ("", before.waiting_for):
            self._reasons.setdefault(seen.index, []).append(seen.waiting_for)
            yield Happening(seen.at_tai, str(seen.index), f"waits: {seen.waiting_for}")

    def _see_state(self, seen: StateSeen) -> Iterator[Happening]:
        before = self.script(seen.index)
        if seen.checkpoint and seen.checkpoints_passed > before.checkpoints_passed:
            of_all = f" of {before.checkpoints}" if before.checkpoints else ""
            text = f"checkpoint {seen.checkpoints_passed}{of_all}: {seen.checkpoint}"
            yield Happening(seen.at_tai, str(seen.index), text)
        after = replace(
            before,
            reported=seen.state,
            reason=seen.reason or before.reason,
            group_id=seen.group_id,
            checkpoint=seen.checkpoint or before.checkpoint,
            checkpoints_passed=seen.checkpoints_passed,
        )
        yield from self._update(seen.at_tai, before, after)

    def _see_metadata(self, seen: MetadataSeen) -> Iterator[Happening]:
        before = self.script(seen.index)
        self._scripts[seen.index] = replace(before, duration_s=seen.duration_s, checkpoints=seen.checkpoints)
        return iter(())

    def _see_group_id(self, seen: GroupIdSeen) -> Iterator[Happening]:
        text = "is not next any more, and loses" if seen.canceled else "is next, with"
        text = f"{text} group id {seen.group_id}"
        yield Happening(seen.at_tai, str(seen.index), text)

    def _see_log(self, seen: LogSeen) -> Iterator[Happening]:
        first, *others = seen.message.strip().splitlines() or [""]
        who = str(seen.index) if seen.index else QUEUE
        yield Happening(seen.at_tai, who, f"log: {first}{' …' if others else ''}", seen.level)

    def _see_deed(self, seen: DeedSeen) -> Iterator[Happening]:
        self.deed = seen.text
        yield Happening(seen.at_tai, OPERATOR, seen.text)

    def _see_claim(self, seen: ClaimSeen) -> Iterator[Happening]:
        self.claims.append(seen)
        if seen.held:
            yield Happening(seen.at_tai, CHECK, f"✓ {seen.text}")
        else:
            yield Happening(seen.at_tai, CHECK, f"✗ NOT SO: {seen.text}", logging.ERROR)

    def _update(self, at_tai: float, before: ScriptPicture, after: ScriptPicture) -> Iterator[Happening]:
        stands = outcome(after.process_state, after.told, after.reported)
        if stands is not before.outcome:
            after = _timed(at_tai, replace(after, outcome=stands))
            self._scripts[after.index] = after
            yield Happening(at_tai, str(after.index), _told(before, after), _level(after))
            return
        self._scripts[after.index] = after
        if after.path and not before.path and stands is Outcome.LOADING:
            yield Happening(at_tai, str(after.index), _told(before, after))


def _timed(at_tai: float, script: ScriptPicture) -> ScriptPicture:
    """Start and stop the clocks of a script that stands otherwise since now."""
    stands = script.outcome
    if stands is Outcome.READY:
        script = replace(script, ready_tai=script.ready_tai or at_tai)
    if stands is Outcome.RUNNING:
        script = replace(
            script,
            run_start_tai=script.run_start_tai or at_tai,
            busy_since_tai=script.busy_since_tai or at_tai,
        )
    if stands is Outcome.PAUSED or stands.final:
        script = replace(script, busy_s=script.progress_s(at_tai), busy_since_tai=0.0)
    return replace(script, ended_tai=at_tai) if stands.final else script


def _told(before: ScriptPicture, script: ScriptPicture) -> str:
    text = (
        "goes on"
        if before.outcome is Outcome.PAUSED and script.outcome is Outcome.RUNNING
        else script.outcome.value
    )
    if script.outcome is Outcome.PAUSED:
        text += f" at {script.checkpoint}" if script.checkpoint else ""
    elif script.outcome.final and not script.outcome.good and script.reason:
        text += f": {script.reason.strip().splitlines()[0]}"
    name = f"{script.name} " if script.name else ""
    return f"{name}{text}"


def _level(script: ScriptPicture) -> int:
    if not script.outcome.final or script.outcome.good:
        return logging.INFO
    return logging.ERROR
