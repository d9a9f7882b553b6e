# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The states of a CSC and the commands that change them, as one table.

What is not in the table is refused. A fault is no command: it leads from any
state to FAULT.
"""

from __future__ import annotations

from collections.abc import Mapping

from .enums import State
from .errors import ExpectedError

__all__ = ["TRANSITIONS", "path_to", "target_state"]

#: State and command -> the state after it.
TRANSITIONS: Mapping[tuple[State, str], State] = {
    (State.STANDBY, "start"): State.DISABLED,
    (State.DISABLED, "enable"): State.ENABLED,
    (State.ENABLED, "disable"): State.DISABLED,
    (State.DISABLED, "standby"): State.STANDBY,
    (State.FAULT, "standby"): State.STANDBY,
    (State.STANDBY, "exitControl"): State.OFFLINE,
}


def target_state(state: State, command: str) -> State:
    """Return the state a command leads to.

    Raises
    ------
    ExpectedError
        If the command is not allowed in this state.
    """
    try:
        return TRANSITIONS[state, command]
    except KeyError:
        raise ExpectedError(f"{command} not allowed in state {state!r}") from None


def path_to(goal: State) -> tuple[str, ...]:
    """Return the commands that lead from STANDBY to a state a CSC can begin in.

    Raises
    ------
    ValueError
        If it is no such state.
    """
    paths: dict[State, tuple[str, ...]] = {State.STANDBY: ()}
    for (state, command), target in TRANSITIONS.items():
        if state in paths and target not in paths and target is not State.OFFLINE:
            paths[target] = (*paths[state], command)
    if goal not in paths:
        raise ValueError(f"a CSC can begin in {', '.join(state.name for state in paths)}, not in {goal.name}")
    return paths[goal]
