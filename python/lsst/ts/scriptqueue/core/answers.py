# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is to be told what became of a command, also by the next service.

A command is open from when it is given until its last acknowledgement is known
to be sent. What was open when a service was torn away may not have reached its
client, so the next one tells it again. A client that knows it already takes no
more acknowledgements of that command.
"""

from __future__ import annotations

from .commands import ChangeState, Reconfigure
from .effects import AckCommand, AnswerAgain
from .events import AnswersSent, CommandGiven
from .ledger import Ledger
from .open_commands import OpenCommand

__all__ = ["answer_again", "answer_command", "answers_sent", "note_command"]

#: After so long nobody waits for an answer (seconds): deployed clients give up after an hour at most.
ANSWER_LIMIT_S = 3600.0

_TORN_AWAY = "the service was torn away in the middle of it and has started anew; look at its state"


def note_command(ledger: Ledger, event: CommandGiven) -> None:
    """Remember whom to answer."""
    ledger.last_command_id = max(ledger.last_command_id, event.command_id)
    for command_id, open_command in list(ledger.open_commands.items()):
        if not _is_too_old(ledger, open_command):
            break
        del ledger.open_commands[command_id]
    if event.origin:
        ledger.open_commands[event.command_id] = OpenCommand(
            event.name,
            event.cmd_id,
            event.identity,
            event.origin,
            event.at_tai,
            goes_on=isinstance(event.command, Reconfigure | ChangeState),
        )


def answer_command(ledger: Ledger, command_id: int, accepted: bool, result: str = "") -> None:
    """Answer a command for good."""
    ledger.emit(AckCommand(command_id, accepted, result))
    open_command = ledger.open_commands.get(command_id)
    if open_command is not None:
        open_command.answer = accepted, result
        if open_command.is_inherited:
            _tell(ledger, command_id, open_command)


def answers_sent(ledger: Ledger, event: AnswersSent) -> None:
    """Forget commands whose clients need not be told again."""
    for command_id in event.command_ids:
        ledger.open_commands.pop(command_id, None)


def answer_again(ledger: Ledger) -> None:
    """Answer what an earlier service has perhaps not; what is under way is answered when it is done."""
    for command_id, open_command in list(ledger.open_commands.items()):
        open_command.is_inherited = True
        if _is_too_old(ledger, open_command):
            del ledger.open_commands[command_id]
        elif open_command.answer is not None:
            _tell(ledger, command_id, open_command)


def _tell(ledger: Ledger, command_id: int, command: OpenCommand) -> None:
    accepted, result = command.answer or (False, "")
    if accepted and command.goes_on:
        accepted, result = False, _TORN_AWAY
    ledger.emit(
        AnswerAgain(
            command_id, command.name, command.cmd_id, command.identity, command.origin, accepted, result
        )
    )


def _is_too_old(ledger: Ledger, command: OpenCommand) -> bool:
    return ledger.now_tai - command.given_tai > ANSWER_LIMIT_S
