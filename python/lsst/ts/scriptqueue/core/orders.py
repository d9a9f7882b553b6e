# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What clients ask: each command checked, then carried out or refused.

A refused command has changed nothing: everything is checked before anything
is touched.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from typing import Any

from .answers import answer_command, note_command
from .blocks import Execution, Opening, check_block
from .commands import (
    AddScript,
    ChangeState,
    Command,
    MoveScript,
    Pause,
    Reconfigure,
    RequeueScript,
    Resume,
    ShowQueue,
    ShowScript,
    StopScripts,
)
from .effects import (
    LaunchProcess,
    LogLevel,
    PublishScript,
    ReportInProgress,
    RequestBlockId,
    TerminateProcess,
    WriteLog,
)
from .events import CommandGiven, ShutdownRequested
from .ledger import Ledger
from .life import advance, can
from .limits import MAX_LISTED
from .needs import Needs, needs_at_add
from .phases import FAILED_PHASES, TIMER, Phase, Place, Timer, Trigger
from .placement import Destination, check_serial, destination, other_slot, requeue_slot, slot_beside
from .refusals import Refused
from .scripts import Membership, Script
from .slot_orders import pause, reconfigure, resume
from .states import Location
from .stops import StopJob

__all__ = ["command_given", "finish_stops", "open_block", "refuse_opening", "shutdown_requested"]

#: A stop command may take this much longer than its scripts (seconds).
_STOP_MARGIN_S = 1.0

#: A refusal quotes no more of what it refuses (characters).
_MAX_SHOWN = 100


def command_given(ledger: Ledger, event: CommandGiven) -> None:
    """Carry a command out, or refuse it."""
    note_command(ledger, event)
    try:
        if ledger.closing:
            raise Refused(f"the queue is shutting down: {ledger.closing}")
        _ORDERS[type(event.command)](ledger, event, event.command)
    except Refused as refusal:
        answer_command(ledger, event.command_id, False, str(refusal))


def shutdown_requested(ledger: Ledger, event: ShutdownRequested) -> None:
    """End every script and accept nothing more."""
    ledger.closing = event.why
    ledger.enabled = False
    for opening in ledger.blocks.openings.values():
        refuse_opening(ledger, opening, f"the queue is shutting down: {event.why}")
    ledger.blocks.openings.clear()
    for script in list(ledger.scripts.values()):
        if can(script, Trigger.END_ASKED):
            advance(ledger, script, Trigger.END_ASKED, f"the queue is shutting down: {event.why}")
        if script.phase is Phase.LEAVING:
            ledger.emit(TerminateProcess(script.index))


def open_block(ledger: Ledger, opening: Opening, block_id: str) -> None:
    """Open an execution whose id has come, and let in those who wait for it."""
    wish = opening.wish
    try:
        goes_to = _checked_destination(ledger, wish)
        check_serial(ledger, goes_to.slot, wish.block)
        first_index = ledger.indices.give(wish.block_size)
    except Refused as refusal:
        refuse_opening(ledger, opening, str(refusal))
        return
    execution = Execution(
        opening.number, wish.block, block_id, wish.block_size, first_index, goes_to.slot.name
    )
    ledger.blocks.open(execution)
    for event, joining in ((opening.first, wish), *opening.joining):
        try:
            _join(ledger, event, joining, execution)
        except Refused as refusal:
            answer_command(ledger, event.command_id, False, str(refusal))


def refuse_opening(ledger: Ledger, opening: Opening, reason: str) -> None:
    """Refuse all that wait for an execution that cannot be opened."""
    for event, _ in ((opening.first, opening.wish), *opening.joining):
        answer_command(ledger, event.command_id, False, reason)


def finish_stops(ledger: Ledger) -> None:
    """Answer the stop commands of which all scripts are down."""
    for job in list(ledger.stops):
        job.remaining = {index for index in job.remaining if ledger.is_live(index)}
        if not job.remaining:
            ledger.stops.remove(job)
            # Deployed clients take the first queue event after the command for its outcome.
            ledger.queue_asked = True
            answer_command(ledger, job.command_id, True)


def _add(ledger: Ledger, event: CommandGiven, wish: AddScript) -> None:
    _check_expression("pauseCheckpoint", wish.pause_checkpoint)
    _check_expression("stopCheckpoint", wish.stop_checkpoint)
    if not wish.block:
        goes_to = _checked_destination(ledger, wish)
        _insert(ledger, event, wish, ledger.indices.give(), None, goes_to)
        return
    check_block(wish)
    if wish.start_block:
        check_serial(ledger, _checked_destination(ledger, wish).slot, wish.block)
        request = ledger.new_request()
        ledger.blocks.openings[request] = Opening(request, event, wish)
        ledger.emit(RequestBlockId(request, wish.block))
        return
    opening = ledger.blocks.opening_of(wish.block)
    if opening is not None:
        opening.joining.append((event, wish))
        return
    _join(ledger, event, wish, ledger.blocks.execution_of(wish.block))


def _join(ledger: Ledger, event: CommandGiven, wish: AddScript, execution: Execution) -> None:
    named = wish.slot or ("" if slot_beside(ledger, wish.target) else execution.slot)
    goes_to = _checked_destination(ledger, dataclasses.replace(wish, slot=named))
    if goes_to.slot.name != execution.slot:
        raise Refused(
            f"the scripts of {execution.block_id} run in slot {execution.slot}, where its first one is, "
            f"not in {goes_to.slot.name}"
        )
    # It may have been configured anew since the block was opened.
    check_serial(ledger, goes_to.slot, execution.block_id)
    index, membership = execution.next_member()
    if index in ledger.scripts or ledger.blocks.reserves(index, besides=execution):
        raise Refused(
            f"{execution.block_id} has ended and its indices are in use again; "
            f"open a new execution of {wish.block} with startBlock true"
        )
    execution.added += 1
    _insert(ledger, event, wish, index, membership, goes_to)


def _requeue(ledger: Ledger, event: CommandGiven, order: RequeueScript) -> None:
    original = ledger.script(order.index)
    if original.membership is not None:
        raise Refused(
            f"script {order.index} belongs to {original.membership.block_id}, "
            "and a script of a block cannot be requeued; add it with a new execution of the block"
        )
    wish = dataclasses.replace(
        original.wish, target=order.target, slot=order.slot or original.wish.slot, ruling=order.ruling
    )
    slot = order.slot or requeue_slot(ledger, original, order.target)
    goes_to = _checked_destination(ledger, dataclasses.replace(wish, slot=slot))
    if not order.slot and original.is_routed:
        goes_to = dataclasses.replace(goes_to, is_routed=goes_to.slot is not ledger.main)
    _insert(ledger, event, wish, ledger.indices.give(), None, goes_to)


def _insert(
    ledger: Ledger,
    event: CommandGiven,
    wish: AddScript,
    index: int,
    membership: Membership | None,
    goes_to: Destination,
) -> None:
    slot = goes_to.slot
    slot.insert(index, wish.target)
    script = Script(
        index,
        wish,
        slot.name,
        event.command_id,
        event.cmd_id,
        ledger.now_tai,
        membership,
        added_by=event.identity,
        needs=_needs(ledger, wish),
        order=ledger.added,
        is_routed=goes_to.is_routed,
        phase_since_tai=ledger.now_tai,
        launched_tai=ledger.now_tai,
    )
    ledger.added += 1
    ledger.scripts[index] = script
    ledger.changed[index] = None
    member = (
        f", {membership.position + 1} of {membership.size} of {membership.block_id}" if membership else ""
    )
    where = f", to slot {slot.name}" if slot is not ledger.main else ""
    where += f" by {wish.ruling.rule}" if goes_to.is_routed else ""
    script.story.note(ledger.now_tai, f"added: {wish.path} {wish.description}".rstrip() + member + where)
    if wish.ruling.warning:
        ledger.emit(WriteLog(LogLevel.WARNING, f"script {index} ({wish.path}): {wish.ruling.warning}"))
    ledger.emit(LaunchProcess(index, wish.is_standard, wish.path, script.launch_id))


def _needs(ledger: Ledger, wish: AddScript) -> Needs:
    return needs_at_add(wish.resources, wish.ruling, ledger.layout.catalogue)


def _move(ledger: Ledger, event: CommandGiven, order: MoveScript) -> None:
    script = ledger.script(order.index)
    if script.place is not Place.WAITING:
        raise Refused(f"script {order.index} is {script.phase.value}; only a waiting script can be moved")
    if script.phase is Phase.ENTERING:
        raise Refused(f"script {order.index} is {script.phase.value}; it starts now and cannot be moved")
    target = order.target
    slot = other_slot(ledger, script, target, order.slot)
    beside = target.relative_to if target.location in (Location.BEFORE, Location.AFTER) else 0
    # Deployed panels may drop a script on itself; it stays where it is then.
    if beside != order.index:
        slot.insert(order.index, target)
    where = ""
    if slot.name != script.slot:
        where = f" in slot {slot.name}"
        ledger.slot_of(script).remove(order.index)
        script.slot = slot.name
        ledger.changed[order.index] = None
    script.story.note(ledger.now_tai, f"moved {target.location.name} {beside or ''}".rstrip() + where)
    ledger.queue_asked = True
    answer_command(ledger, event.command_id, True)


def _stop(ledger: Ledger, event: CommandGiven, order: StopScripts) -> None:
    if len(order.indices) > MAX_LISTED:
        raise Refused(f"at most {MAX_LISTED} scripts can be stopped at once, not {len(order.indices)}")
    named = [ledger.scripts[index] for index in dict.fromkeys(order.indices) if ledger.is_live(index)]
    held = frozenset(
        script.slot for script in named if script.place is Place.CURRENT and script.phase not in FAILED_PHASES
    )
    for script in named:
        gently = not order.terminate and can(script, Trigger.STOP_ASKED)
        trigger = Trigger.STOP_ASKED if gently else Trigger.END_ASKED
        if can(script, trigger):
            advance(ledger, script, trigger, "stopped on request")
        if order.terminate and script.phase is Phase.LEAVING:
            ledger.emit(TerminateProcess(script.index))
    remaining = [script for script in named if script.place is not Place.HISTORY]
    if remaining:
        limit_s = ledger.limits.kill_s + _STOP_MARGIN_S
        if any(TIMER.get(script.phase) is Timer.STOP for script in remaining):
            limit_s += ledger.limits.stop_s
        ledger.emit(ReportInProgress(event.command_id, limit_s, "Stopping scripts"))
    ledger.stops.append(StopJob(event.command_id, {script.index for script in remaining}, held))


def _pause(ledger: Ledger, event: CommandGiven, order: Pause) -> None:
    pause(ledger, order.slot, event.identity)
    ledger.queue_asked = True
    answer_command(ledger, event.command_id, True)


def _resume(ledger: Ledger, event: CommandGiven, order: Resume) -> None:
    still_paused = resume(ledger, order.slot)
    ledger.queue_asked = True
    answer_command(ledger, event.command_id, True, still_paused)


def _reconfigure(ledger: Ledger, event: CommandGiven, order: Reconfigure) -> None:
    reconfigure(ledger, order.layout)
    answer_command(ledger, event.command_id, True)


def _change_state(ledger: Ledger, event: CommandGiven, order: ChangeState) -> None:
    answer_command(ledger, event.command_id, True)


def _show_queue(ledger: Ledger, event: CommandGiven, order: ShowQueue) -> None:
    ledger.queue_asked = True
    answer_command(ledger, event.command_id, True)


def _show_script(ledger: Ledger, event: CommandGiven, order: ShowScript) -> None:
    ledger.emit(PublishScript(ledger.script(order.index).view(), force=True))
    answer_command(ledger, event.command_id, True)


def _check_expression(field: str, text: str) -> None:
    try:
        re.compile(text)
    except (re.error, OverflowError) as error:
        raise Refused(f"{field} {_shown(text)} is not a regular expression: {error}") from None
    except RecursionError:
        raise Refused(f"{field} {_shown(text)} is not a regular expression: nested too deeply") from None


def _shown(text: str) -> str:
    return repr(text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "...")


def _checked_destination(ledger: Ledger, wish: AddScript) -> Destination:
    """Where an ``add`` puts its script, or raise `Refused`."""
    live = sum(1 for _ in ledger.live())
    if live >= MAX_LISTED:
        raise Refused(f"the queue is full: {live} scripts wait or run, and {MAX_LISTED} is the most")
    goes_to = destination(ledger, wish, _needs(ledger, wish))
    goes_to.slot.check(wish.target)
    return goes_to


_ORDERS: dict[type[Command], Callable[[Ledger, CommandGiven, Any], None]] = {
    AddScript: _add,
    MoveScript: _move,
    RequeueScript: _requeue,
    StopScripts: _stop,
    Pause: _pause,
    Resume: _resume,
    ShowQueue: _show_queue,
    ShowScript: _show_script,
    Reconfigure: _reconfigure,
    ChangeState: _change_state,
}
