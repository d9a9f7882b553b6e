# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""SAL commands become commands of the core, as far as that needs no queue.

What cannot be understood is refused here, with what would be right.
"""

from __future__ import annotations

from typing import Any

from ..core.commands import AddScript, MoveScript, Pause, RequeueScript, Resume, StopScripts, Target
from ..core.limits import MAX_LISTED
from ..core.refusals import Refused
from ..core.states import Location

__all__ = ["add_script", "move_script", "pause", "requeue_script", "resume", "stop_scripts"]


def add_script(data: Any) -> AddScript:
    """The wish in an ``add`` command."""
    return AddScript(
        is_standard=data.isStandard,
        path=data.path,
        config=data.config,
        description=data.descr,
        target=_target(data),
        log_level=data.logLevel,
        pause_checkpoint=data.pauseCheckpoint,
        stop_checkpoint=data.stopCheckpoint,
        block=data.block,
        block_size=data.blockSize,
        start_block=data.startBlock,
        execution_id=data.executionId,
        slot=data.slot,
        resources=data.resources,
    )


def move_script(data: Any) -> MoveScript:
    """The order in a ``move`` command."""
    return MoveScript(data.scriptSalIndex, _target(data), data.slot)


def requeue_script(data: Any) -> RequeueScript:
    """The order in a ``requeue`` command."""
    return RequeueScript(data.scriptSalIndex, _target(data), data.slot)


def pause(data: Any) -> Pause:
    """The order in a ``pause`` command."""
    return Pause(data.slot)


def resume(data: Any) -> Resume:
    """The order in a ``resume`` command."""
    return Resume(data.slot)


def stop_scripts(data: Any) -> StopScripts:
    """The order in a ``stopScripts`` command."""
    if not 1 <= data.length <= MAX_LISTED:
        raise Refused(f"length must be 1 to {MAX_LISTED}, not {data.length}")
    return StopScripts(tuple(data.salIndices[: data.length]), data.terminate)


def _target(data: Any) -> Target:
    try:
        location = Location(data.location)
    except ValueError:
        valid = ", ".join(f"{item.name} {item.value}" for item in Location)
        raise Refused(f"location {data.location} is none of {valid}") from None
    return Target(location, data.locationSalIndex)
