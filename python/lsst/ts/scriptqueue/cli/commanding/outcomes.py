# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What came of an order: for the exit status, for people and for programs."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

from ...sal.enums import SalRetCode, ScriptProcessState, ScriptState
from ...sal.errors import ack_name
from ...sal.records import Record
from .arguments import Order
from .feed import Event
from .kinds import Goal
from .wording import data_of, name_of, states_in_words

__all__ = ["Exit", "Outcome", "ScriptOutcome"]


class Exit(enum.IntEnum):
    """Exit statuses of ``command_script_queue``."""

    COMPLETE = 0
    REFUSED = 1
    USAGE = 2
    NO_ANSWER = 3
    SCRIPT_ENDED = 4
    WAIT_TIMEOUT = 5
    NO_BUS = 6
    INTERRUPTED = 130
    TERMINATED = 143


EXIT_HELP = """exit status:
  0    the command is complete, and what was waited for has come
  1    the command was refused or failed; the reason is on stderr
  2    the command line cannot be understood
  3    no queue is heard from, or it did not acknowledge in time
  4    --wait: the script has ended without coming so far
  5    --wait: it has not come so far in time, or the queue has gone silent
  6    the middleware cannot be used
  130  interrupted (143: terminated); a script that was added goes on"""


@dataclass(frozen=True, slots=True)
class ScriptOutcome:
    """How far a script that was waited for has come.

    Attributes
    ----------
    index
        Its SAL index.
    goal
        What was waited for.
    is_reached
        Has it come so far?
    script_state, process_state
        As the queue last told; 0 if it did not.
    reason
        What the script said about it, or what else is known.
    """

    index: int
    goal: Goal
    is_reached: bool
    script_state: int = 0
    process_state: int = 0
    reason: str = ""

    def __str__(self) -> str:
        """Say why it has not come so far."""
        where = states_in_words(self.script_state, self.process_state)
        why = f": {self.reason}" if self.reason else ""
        return f"script {self.index} did not become {self.goal.name}; it is {where}{why}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an order.

    Attributes
    ----------
    order
        The order.
    exit
        Exit status.
    result
        What the acknowledgement said, or what went wrong; for people.
    ack
        The last acknowledgement; None if there was none.
    event
        The event that answered.
    script
        How far the script has come that was waited for.
    """

    order: Order
    exit: Exit
    result: str = ""
    ack: Record | None = None
    event: Event | None = None
    script: ScriptOutcome | None = None

    def as_data(self) -> dict[str, Any]:
        """Return it as a program wants it; without an acknowledgement its code is CMD_NOACK."""
        code: int = SalRetCode.CMD_NOACK if self.ack is None else self.ack.ack
        data: dict[str, Any] = {
            "command": self.order.form.command,
            "component": self.order.form.component,
            "exit": int(self.exit),
            "ack": int(code),
            "ackName": ack_name(code),
            "error": 0 if self.ack is None else self.ack.error,
            "result": self.result,
        }
        if self.event is not None:
            data["event"] = {"topic": self.event.topic.name, "data": data_of(self.event.data)}
        if self.script is not None:
            data["outcome"] = {
                "scriptSalIndex": self.script.index,
                "goal": self.script.goal.value,
                "reached": self.script.is_reached,
                "scriptState": name_of(ScriptState, self.script.script_state),
                "processState": name_of(ScriptProcessState, self.script.process_state),
                "reason": self.script.reason,
            }
        return data
