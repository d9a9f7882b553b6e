# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of a script as two tables: what happens, and what may be asked.

`TRANSITIONS` says which state follows when something happens; what is missing
cannot happen. `COMMANDS` says in which states each command is taken. A script
passes through ENDING, STOPPING or FAILING while it cleans up, and each of
those has one good end; only cleaning up that fails leads to FAILED instead.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

from .enums import ScriptState

__all__ = [
    "COMMANDS",
    "FINAL_STATES",
    "GOOD_ENDS",
    "TRANSITIONS",
    "IllegalScriptTransition",
    "On",
    "next_state",
    "refusal",
]


class On(enum.Enum):
    """What happens to a script."""

    LOADED = "its process is ready for commands"
    CONFIGURED = "its configuration was accepted"
    CONFIGURE_FAILED = "its configuration was refused"
    RUN = "it was told to run"
    PAUSED = "it came to a checkpoint where it shall pause"
    RESUMED = "it was told to go on"
    RETURNED = "run() returned"
    STOPPED = "it was stopped, by command or at a checkpoint"
    RAISED = "run() raised"
    CLEANED_UP = "cleanup() returned"
    CLEANUP_FAILED = "cleanup() raised"


_S = ScriptState

TRANSITIONS: Mapping[tuple[ScriptState, On], ScriptState] = {
    (_S.UNKNOWN, On.LOADED): _S.UNCONFIGURED,
    (_S.UNCONFIGURED, On.CONFIGURED): _S.CONFIGURED,
    (_S.UNCONFIGURED, On.CONFIGURE_FAILED): _S.CONFIGURE_FAILED,
    (_S.UNCONFIGURED, On.STOPPED): _S.STOPPING,
    (_S.CONFIGURED, On.RUN): _S.RUNNING,
    (_S.CONFIGURED, On.STOPPED): _S.STOPPING,
    (_S.RUNNING, On.PAUSED): _S.PAUSED,
    (_S.RUNNING, On.RETURNED): _S.ENDING,
    (_S.RUNNING, On.STOPPED): _S.STOPPING,
    (_S.RUNNING, On.RAISED): _S.FAILING,
    (_S.PAUSED, On.RESUMED): _S.RUNNING,
    # One part of run() may pause while another one ends it.
    (_S.PAUSED, On.RETURNED): _S.ENDING,
    (_S.PAUSED, On.STOPPED): _S.STOPPING,
    (_S.PAUSED, On.RAISED): _S.FAILING,
    (_S.ENDING, On.CLEANED_UP): _S.DONE,
    (_S.ENDING, On.CLEANUP_FAILED): _S.FAILED,
    (_S.STOPPING, On.CLEANED_UP): _S.STOPPED,
    (_S.STOPPING, On.CLEANUP_FAILED): _S.FAILED,
    (_S.FAILING, On.CLEANED_UP): _S.FAILED,
    (_S.FAILING, On.CLEANUP_FAILED): _S.FAILED,
}

#: The states in which each command is taken, in the order a refusal names them.
COMMANDS: Mapping[str, tuple[ScriptState, ...]] = {
    "configure": (_S.UNCONFIGURED,),
    "setGroupId": (_S.CONFIGURED,),
    "setCheckpoints": (_S.UNCONFIGURED, _S.CONFIGURED, _S.RUNNING, _S.PAUSED),
    "run": (_S.CONFIGURED,),
    "resume": (_S.PAUSED,),
    "stop": tuple(_S),
    "setLogLevel": tuple(_S),
}

#: The states a script ends in.
FINAL_STATES = frozenset({_S.DONE, _S.STOPPED, _S.FAILED, _S.CONFIGURE_FAILED})

#: The final states with exit code 0; all others have 1.
GOOD_ENDS = frozenset({_S.DONE, _S.STOPPED})


class IllegalScriptTransition(RuntimeError):
    """Something happened to a script that cannot happen in its state."""


def next_state(state: ScriptState, event: On) -> ScriptState:
    """Return the state that follows.

    Raises
    ------
    IllegalScriptTransition
        If this cannot happen in this state.
    """
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise IllegalScriptTransition(f"{event.value}, in state {state.name}") from None


def refusal(command: str, state: ScriptState) -> str:
    """Return why a command is not taken in a state; "" if it is."""
    allowed = COMMANDS[command]
    if state in allowed:
        return ""
    return f"Cannot {command}: state={state.name} instead of {', '.join(s.name for s in allowed)}"
