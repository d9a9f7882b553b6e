# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Orders carried out: the command is sent, its answer collected, its script waited for."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable

from ...bus.contract import BusError
from ...sal.enums import SalRetCode
from ...sal.errors import AckError, AckTimeoutError, FieldError
from .arguments import Order
from .client import Client, Interest, NoQueueError
from .feed import Event
from .forms import Answer
from .outcomes import Exit, Outcome
from .waiting import wait_for

__all__ = ["carry_out", "interest_of"]

#: How long the event that answers a command may come after its acknowledgement (seconds).
ANSWER_S = 5.0

#: How many scripts' details are asked for, to show the queue to people.
DETAILED = 50

#: Fields that mean something only to a queue that has slots.
_SLOT_FIELDS = ("slot", "resources")

#: What components put before the reason of a failure.
_PREFIX = "Failed: "


def interest_of(order: Order) -> Interest:
    """Return what to listen to for one order alone: setting up topics takes time."""
    events = {"heartbeat", "summaryState"}
    follows = order.goal is not None
    if any(order.fields.get(name) for name in _SLOT_FIELDS):
        events |= {"queue", "slots"}
    if order.form.answer is not None:
        events |= {order.form.answer.event, "script"}
        follows = order.form.answer.event in ("queue", "script")
    if follows:
        events |= {"queue", "script", "slots"}
    return Interest(
        queue=tuple(sorted(events)),
        scripts=("state",) if follows else (),
        talks_to_scripts=order.form.component == "Script",
    )


async def carry_out(client: Client, order: Order, say: Callable[[str], None]) -> Outcome:
    """Carry out an order for a SAL command.

    Parameters
    ----------
    client
        The connection, open.
    order
        What to do.
    say
        Told, in a line each, how the script that is waited for gets on.
    """
    try:
        await client.hear()
    except NoQueueError as error:
        return Outcome(order, Exit.NO_ANSWER, str(error))
    told = " and ".join(name for name in _SLOT_FIELDS if order.fields.get(name))
    if told and not client.feed.board.slots:
        # An older queue would take the command for all of it.
        text = f"ScriptQueue:{client.index} tells of no slots, it is an older one; leave out {told}"
        return Outcome(order, Exit.USAGE, text)
    with client.feed.listening() as events:
        outcome = await _send(client, order)
        if outcome.exit is not Exit.COMPLETE or outcome.ack is None:
            return outcome
        if order.form.answer is not None:
            return await _with_answer(client, outcome, order.form.answer, events)
        if order.goal is not None:
            if not outcome.ack.result.isdecimal():
                text = f"acknowledged with {outcome.ack.result!r}, which is no index: nothing to wait for"
                return dataclasses.replace(outcome, exit=Exit.NO_ANSWER, result=text)
            code, script = await wait_for(
                client, int(outcome.ack.result), order.goal, order.wait_timeout_s, events, say
            )
            return dataclasses.replace(outcome, exit=code, script=script)
    return outcome


async def _send(client: Client, order: Order) -> Outcome:
    remote, fields = client.queue, dict(order.fields)
    if order.form.component == "Script":
        if client.scripts is None:
            raise RuntimeError("a client that talks to no scripts was given an order for one")
        remote = client.scripts
        fields["salIndex"] = order.values["script"]
    try:
        ack = await remote.commands[str(order.form.command)].set_start(timeout=order.timeout_s, **fields)
    except AckTimeoutError as error:
        return Outcome(order, Exit.NO_ANSWER, _no_answer(client, order), error.ackcmd)
    except AckError as error:
        is_late = error.ackcmd.ack in (SalRetCode.CMD_NOACK, SalRetCode.CMD_TIMEOUT)
        code = Exit.NO_ANSWER if is_late else Exit.REFUSED
        return Outcome(order, code, error.ackcmd.result.removeprefix(_PREFIX), error.ackcmd)
    except FieldError as error:
        return Outcome(order, Exit.USAGE, str(error))
    except BusError as error:
        return Outcome(order, Exit.NO_BUS, str(error))
    return Outcome(order, Exit.COMPLETE, ack.result, ack)


def _no_answer(client: Client, order: Order) -> str:
    if order.form.component == "Script":
        whom = f"Script:{order.values['script']}"
        return (
            f"{whom} did not answer within {order.timeout_s:g} s; "
            "a script that has ended, or is not of this queue, answers nothing"
        )
    alive = "it is alive" if client.is_heard else "and it has gone silent"
    return (
        f"ScriptQueue:{client.index} did not answer within {order.timeout_s:g} s ({alive}); "
        "--timeout gives it longer"
    )


async def _with_answer(
    client: Client, outcome: Outcome, answer: Answer, events: asyncio.Queue[Event]
) -> Outcome:
    """Add the event that answers the command."""
    order, board = outcome.order, client.feed.board
    topics = client.queue.spec.events
    # With the queue its slots are written, too, unless it is an older one.
    missing = {"slots"} if answer.event == "queue" and board.slots else set()
    event: Event | None = None
    try:
        async with asyncio.timeout(ANSWER_S):
            while event is None or missing:
                heard = await events.get()
                if heard.topic is topics[answer.event] and all(
                    getattr(heard.data, name) == order.fields[name] for name in answer.same
                ):
                    event = heard
                missing -= {heard.name}
    except TimeoutError:
        pass
    if event is None:
        text = f"acknowledged, but the event {answer.event} did not come within {ANSWER_S:g} s"
        return dataclasses.replace(outcome, exit=Exit.NO_ANSWER, result=text)
    if answer.event == "queue":
        await _ask_details(client, order.timeout_s, anew=order.as_json)
    return dataclasses.replace(outcome, event=event)


async def _ask_details(client: Client, timeout_s: float, *, anew: bool) -> None:
    """Ask for the scripts of the queue, so that they can be shown by path.

    Those that are known are asked for again if what they use now matters, unless they have ended.
    """
    board, show = client.feed.board, client.queue.commands["showScript"]
    # Of more than can be asked for, those that run and those that are stuck matter most.
    first = [index for slot in board.slots for index in (*slot.active, *slot.held_up)]
    listed = dict.fromkeys((*first, *board.live, *board.past))
    living = frozenset(board.live) if anew else frozenset[int]()
    unknown = [index for index in listed if index not in board.scripts or index in living]
    with client.feed.listening() as events:
        for index in unknown[: max(DETAILED, len(living))]:
            before = board.scripts.get(index)
            try:
                await show.set_start(timeout=timeout_s, scriptSalIndex=index)
                async with asyncio.timeout(ANSWER_S):
                    while board.scripts.get(index) is before:
                        await events.get()
            except (AckError, TimeoutError):
                # It may have left the history by now; the queue is shown all the same.
                continue
