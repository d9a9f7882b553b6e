# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge between the queue and those who watch it: views become events."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from ..core.effects import (
    Effect,
    PublishNextVisit,
    PublishNextVisitCanceled,
    PublishQueue,
    PublishScript,
    PublishSlots,
)
from ..core.layout import MAX_SLOTS
from ..core.limits import MAX_LISTED
from ..core.views import QueueView, ScriptView, SlotsView, VisitMetadata
from ..launch.contract import Launched, Vitals
from ..runtime import Outbox

__all__ = [
    "EventWriter",
    "Publishing",
    "process_fields",
    "queue_fields",
    "script_fields",
    "slots_fields",
    "use_fields",
    "visit_fields",
]

T = TypeVar("T")

#: Field of a script's view -> field of the SAL event ``script``.
_SCRIPT_FIELDS = {
    "index": "scriptSalIndex",
    "cmd_id": "cmdId",
    "is_standard": "isStandard",
    "path": "path",
    "process_start_tai": "timestampProcessStart",
    "configure_start_tai": "timestampConfigureStart",
    "configure_end_tai": "timestampConfigureEnd",
    "run_start_tai": "timestampRunStart",
    "process_end_tai": "timestampProcessEnd",
    "process_state": "processState",
    "script_state": "scriptState",
    "block_id": "blockId",
    "block_index": "scriptBlockIndex",
    "block_size": "blockSize",
    "execution_id": "executionId",
    "slot": "slot",
    "resources": "resources",
    "waiting_for": "waitingFor",
    "exit_reason": "exitReason",
    "concern": "concern",
}

#: Field of the metadata -> field of the SAL events ``metadata`` and ``nextVisit``.
METADATA_FIELDS = {
    "coordinate_system": "coordinateSystem",
    "position": "position",
    "rotation_system": "rotationSystem",
    "camera_angle": "cameraAngle",
    "filters": "filters",
    "dome": "dome",
    "duration": "duration",
    "nimages": "nimages",
    "instrument": "instrument",
    "survey": "survey",
    "total_checkpoints": "totalCheckpoints",
}


class EventWriter(Protocol):
    """What this edge needs of a SAL event."""

    async def set_write(self, *, force_output: bool = False, **fields: Any) -> Any:
        """Set fields and write."""
        ...


class Publishing:
    """Carries out the effects that publish.

    The core has already compared what is to be published with what was, so
    every event is written.

    Panels drop what they hear of a script that no ``queue`` event lets them
    remember. So a ``script`` event waits until the ``queue`` event that brings
    the script into mind is there, and a ``queue`` event waits for what is still
    to be said of a script that it lets them forget; nothing else waits.

    Parameters
    ----------
    outbox
        Where writes go.
    event
        Gives the writer of a SAL event by its name, such as ``queue``.
    use_of
        Tells what the process of a script was last seen to use; None if it has not been seen.
    process_of
        Tells which process that is, or was; None if it has had none.
    """

    def __init__(
        self,
        outbox: Outbox,
        event: Callable[[str], EventWriter],
        use_of: Callable[[int], Vitals | None] = lambda index: None,
        process_of: Callable[[int], Launched | None] = lambda index: None,
    ) -> None:
        self._outbox = outbox
        self._event = event
        self._use_of = use_of
        self._process_of = process_of
        self._remembered: frozenset[int] = frozenset()
        self._not_yet: set[int] = set()
        self._under_way: Counter[int] = Counter()

    @property
    def effects(self) -> Mapping[type[Effect], Callable[..., None]]:
        """What this edge carries out."""
        return {
            PublishQueue: self._queue,
            PublishSlots: lambda effect: self._write("slots", slots_fields(effect.view)),
            PublishScript: self._script,
            PublishNextVisit: self._next_visit,
            PublishNextVisitCanceled: self._next_visit_canceled,
        }

    def _next_visit(self, effect: PublishNextVisit) -> None:
        fields = visit_fields(effect.metadata)
        self._write("nextVisit", {"scriptSalIndex": effect.index, "groupId": effect.group_id, **fields})

    def _next_visit_canceled(self, effect: PublishNextVisitCanceled) -> None:
        self._write("nextVisitCanceled", {"scriptSalIndex": effect.index, "groupId": effect.group_id})

    def _queue(self, effect: PublishQueue) -> None:
        before, self._remembered = self._remembered, effect.view.remembered
        new = self._remembered - before
        self._not_yet |= new

        async def send() -> None:
            try:
                await self._event("queue").set_write(force_output=True, **queue_fields(effect.view))
            finally:
                self._not_yet -= new

        forgotten = before - self._remembered
        self._outbox.put(send, after_all=any(self._under_way[index] for index in forgotten))

    def _script(self, effect: PublishScript) -> None:
        index = effect.view.index
        self._under_way[index] += 1

        async def send() -> None:
            try:
                await self._event("script").set_write(
                    force_output=True,
                    **script_fields(effect.view),
                    **use_fields(self._use_of(index)),
                    **process_fields(self._process_of(index)),
                )
            finally:
                self._under_way -= Counter((index,))

        self._outbox.put(send, after_all=index in self._not_yet)

    def _write(self, name: str, fields: dict[str, Any]) -> None:
        writer = self._event(name)

        def send() -> Awaitable[Any]:
            return writer.set_write(force_output=True, **fields)

        self._outbox.put(send)


def queue_fields(view: QueueView) -> dict[str, Any]:
    """The fields of the SAL event ``queue``."""
    return {
        "enabled": view.enabled,
        "running": view.running,
        "currentSalIndex": view.current,
        "length": len(view.waiting),
        "salIndices": _padded(view.waiting),
        "pastLength": len(view.past),
        "pastSalIndices": _padded(view.past),
    }


def slots_fields(view: SlotsView) -> dict[str, Any]:
    """The fields of the SAL event ``slots``."""
    reasons = {slot.name: slot.pause_reason for slot in view.slots if not slot.running}
    return {
        "length": len(view.slots),
        "names": ":".join(slot.name for slot in view.slots),
        "capacity": _padded([slot.capacity for slot in view.slots], MAX_SLOTS),
        "eager": _padded([slot.is_eager for slot in view.slots], MAX_SLOTS, False),
        "running": _padded([slot.running for slot in view.slots], MAX_SLOTS, False),
        "pauseReasons": json.dumps(reasons) if reasons else "",
        "scripts": len(view.scripts),
        "salIndices": _padded([index for index, _, _ in view.scripts]),
        "slotIndex": _padded([slot for _, slot, _ in view.scripts]),
        "active": _padded([is_active for _, _, is_active in view.scripts], zero=False),
    }


def script_fields(view: ScriptView) -> dict[str, Any]:
    """The fields of the SAL event ``script``."""
    return {name: getattr(view, field) for field, name in _SCRIPT_FIELDS.items()}


def use_fields(seen: Vitals | None) -> dict[str, Any]:
    """The fields of the SAL event ``script`` that say what its process uses."""
    return (
        {"memory": seen.memory_bytes, "cpuTime": seen.cpu_s}
        if seen is not None
        else {"memory": 0, "cpuTime": 0.0}
    )


def process_fields(launched: Launched | None) -> dict[str, Any]:
    """The fields of the SAL event ``script`` that say where its process and its output are."""
    return (
        {"processId": launched.pid, "outputFile": launched.output_path}
        if launched is not None
        else {"processId": 0, "outputFile": ""}
    )


def visit_fields(metadata: VisitMetadata) -> dict[str, Any]:
    """The fields that the SAL events ``metadata`` and ``nextVisit`` share."""
    fields = dataclasses.asdict(metadata)
    fields["position"] = list(metadata.position)
    return {METADATA_FIELDS[field]: value for field, value in fields.items()}


def _padded(values: Sequence[T], length: int = MAX_LISTED, zero: Any = 0) -> list[T]:
    """Fill an array up."""
    return [*values, *[zero] * (length - len(values))]
