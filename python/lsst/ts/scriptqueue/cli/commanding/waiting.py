# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Following a script that was added, until it has come as far as was wanted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ...sal.enums import ScriptProcessState, ScriptState, State
from ...sal.records import Record
from .client import Client
from .feed import Event
from .goals import Verdict, verdict
from .kinds import Goal
from .outcomes import Exit, ScriptOutcome
from .wording import one_line, states_in_words

__all__ = ["wait_for"]

#: How long a script's own last words may come after the queue's (seconds).
LAST_WORDS_S = 0.5

#: After how long without a sign of life a queue is taken for gone (seconds).
GONE_S = 15.0


async def wait_for(
    client: Client,
    index: int,
    goal: Goal,
    timeout_s: float | None,
    events: asyncio.Queue[Event],
    say: Callable[[str], None],
) -> tuple[Exit, ScriptOutcome]:
    """Wait until a script has come so far, or never will.

    Parameters
    ----------
    client
        The connection.
    index
        SAL index of the script.
    goal
        How far it must come.
    timeout_s
        Time limit (seconds); None for none.
    events
        What was heard since before the script was added.
    say
        Told of its states, in a line each.
    """
    last: Record | None = None
    hindrance, reason = "", ""
    try:
        async with asyncio.timeout(timeout_s):
            while True:
                if goal is not Goal.CONFIGURED and hindrance != (hindrance := _hindrance(client)):
                    say(hindrance or f"ScriptQueue:{client.index} goes on")
                event = await _next_of_queue(events)
                if event is None or _is_offline(event):
                    gone = f"has been silent for {GONE_S:g} s" if event is None else "has gone OFFLINE"
                    return _missed(Exit.WAIT_TIMEOUT, goal, index, last, f"ScriptQueue:{client.index} {gone}")
                if event.name != "script" or event.data.scriptSalIndex != index:
                    continue
                record = event.data
                if last is None or record.scriptState != last.scriptState:
                    say(f"script {index} is {states_in_words(record.scriptState, record.processState)}")
                if goal is not Goal.CONFIGURED and reason != (reason := _reason(client, record)) and reason:
                    say(f"script {index} waits: {reason}")
                last = record
                judged = verdict(goal, record.scriptState, record.processState)
                if judged is Verdict.REACHED:
                    return Exit.COMPLETE, ScriptOutcome(
                        index, goal, True, record.scriptState, record.processState
                    )
                if judged is Verdict.MISSED:
                    reason = await _last_words(client, record, events)
                    return _missed(Exit.SCRIPT_ENDED, goal, index, record, reason)
    except TimeoutError:
        return _missed(Exit.WAIT_TIMEOUT, goal, index, last, f"the time limit of {timeout_s:g} s is over")


def _reason(client: Client, script: Record) -> str:
    """Return why the queue does not start a script that is ready; "" if it does, or does not tell."""
    board = client.feed.board
    if not board.has_slots or script.scriptState != ScriptState.CONFIGURED:
        return ""
    is_admitted = any(script.scriptSalIndex in slot.active for slot in board.slots)
    return "" if is_admitted else one_line(script.waitingFor)


def _hindrance(client: Client) -> str:
    """Return why the queue starts no script at all, if it does not."""
    queue = client.feed.board.latest.get("queue")
    # Where there are other slots, the script's own reason says more than whether main is paused.
    if queue is None or client.feed.board.has_slots or (queue.enabled and queue.running):
        return ""
    if not queue.enabled:
        return f"ScriptQueue:{client.index} is not enabled; it starts no script before it is"
    return f"ScriptQueue:{client.index} is paused; it starts no script before resume"


async def _next_of_queue(events: asyncio.Queue[Event]) -> Event | None:
    """Return the next event of the queue itself, whose heartbeat is one; None if it is silent."""
    try:
        async with asyncio.timeout(GONE_S):
            while (event := await events.get()).component != "ScriptQueue":
                pass
    except TimeoutError:
        return None
    return event


def _is_offline(event: Event) -> bool:
    return event.name == "summaryState" and bool(event.data.summaryState == State.OFFLINE)


def _missed(
    code: Exit, goal: Goal, index: int, last: Record | None, reason: str
) -> tuple[Exit, ScriptOutcome]:
    script_state, process_state = (0, 0) if last is None else (last.scriptState, last.processState)
    return code, ScriptOutcome(index, goal, False, script_state, process_state, reason)


async def _last_words(client: Client, ended: Record, events: asyncio.Queue[Event]) -> str:
    """Return the reason a script gave itself, which can come after the queue's event."""
    if ended.exitReason:
        return one_line(ended.exitReason)
    # An older queue tells no reasons.
    index, reports = ended.scriptSalIndex, client.feed.board.reports
    # A state the script has not reported is the queue's own finding: nothing more will come.
    if ended.scriptState in (ScriptState.FAILED, ScriptState.CONFIGURE_FAILED, ScriptState.STOPPED):
        try:
            async with asyncio.timeout(LAST_WORDS_S):
                while index not in reports or reports[index].state != ended.scriptState:
                    await events.get()
        except TimeoutError:
            return "its process ended by itself; the queue's log says how"
        return str(reports[index].reason)
    if ended.processState == ScriptProcessState.LOADFAILED:
        return "it could not be loaded; the queue's log says why"
    if ended.processState == ScriptProcessState.TERMINATED:
        return "it was ended on request"
    return ""
