# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""SAL commands become commands of the core, as far as that needs no queue.

What cannot be understood is refused here, with what would be right.
"""

from __future__ import annotations

from typing import Any

import yaml

from ..core.commands import AddScript, MoveScript, RequeueScript, StopScripts, Target
from ..core.limits import MAX_LISTED
from ..core.refusals import Refused
from ..core.states import Location

__all__ = ["add_script", "check_config", "move_script", "requeue_script", "stop_scripts"]


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
    )


def move_script(data: Any) -> MoveScript:
    """The order in a ``move`` command."""
    return MoveScript(data.scriptSalIndex, _target(data))


def requeue_script(data: Any) -> RequeueScript:
    """The order in a ``requeue`` command."""
    return RequeueScript(data.scriptSalIndex, _target(data))


def stop_scripts(data: Any) -> StopScripts:
    """The order in a ``stopScripts`` command."""
    if not 1 <= data.length <= MAX_LISTED:
        raise Refused(f"length must be 1 to {MAX_LISTED}, not {data.length}")
    return StopScripts(tuple(data.salIndices[: data.length]), data.terminate)


def check_config(config: str) -> None:
    """Refuse a configuration that is not a YAML mapping.

    Raises
    ------
    Refused
        With line and column, where YAML knows them.
    """
    if not config.strip():
        return
    try:
        _check_depth(config)
        data = yaml.load(config, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise Refused(f"config is not YAML: {place}{error.problem}") from None
    except yaml.YAMLError as error:
        raise Refused(f"config is not YAML: {error}") from None
    if data is not None and not isinstance(data, dict):
        raise Refused(f"config must be a mapping such as 'az: 10', not a {type(data).__name__}")


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

#: No script needs more levels; the fast loader recurses in C, where too many end the process.
_MAX_DEPTH = 100


def _check_depth(config: str) -> None:
    depth = 0
    for event in yaml.parse(config, Loader=_LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _MAX_DEPTH:
            raise Refused(f"config is nested more than {_MAX_DEPTH} levels deep; make it flatter")


def _target(data: Any) -> Target:
    try:
        location = Location(data.location)
    except ValueError:
        valid = ", ".join(f"{item.name} {item.value}" for item in Location)
        raise Refused(f"location {data.location} is none of {valid}") from None
    return Target(location, data.locationSalIndex)
