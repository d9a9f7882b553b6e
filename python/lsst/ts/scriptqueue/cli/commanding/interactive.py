# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The prompt: lines typed in a terminal, with history and completion, events above the line.

Whatever prints while a line is typed appears above it. Ctrl-C drops the line,
or stops waiting for the command under way, which goes on by itself; Ctrl-D
ends.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterable
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.patch_stdout import patch_stdout

from ...sal.enums import State
from .client import NoQueueError
from .completion import suggestions
from .feed import Board
from .kinds import Loudness
from .outcomes import Exit
from .session import Session
from .wording import name_of, slot_state, states_in_words

__all__ = ["history_path", "kept_history", "prompt_lines", "toolbar"]


class _TableCompleter(Completer):
    def __init__(self, board: Board) -> None:
        self._board = board

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        for found in suggestions(document.text_before_cursor, self._board):
            yield Completion(found.word, start_position=-found.replaces, display_meta=found.about)


async def prompt_lines(session: Session, history: History | None = None) -> Exit:
    """Ask for lines and carry them out until the end is asked for.

    Parameters
    ----------
    session
        What carries them out.
    history
        Lines typed earlier; by default those kept in a file.
    """
    client = session.client
    board = client.feed.board
    prompt: PromptSession[str] = PromptSession(
        f"ScriptQueue:{client.index}> ",
        history=history or kept_history(),
        completer=_TableCompleter(board),
        complete_while_typing=False,
        bottom_toolbar=lambda: toolbar(board),
    )
    with patch_stdout(raw=True), client.feed.telling(lambda event: prompt.app.invalidate()):
        print("help lists the commands, Tab completes, Ctrl-D leaves.")
        try:
            await client.hear()
        except NoQueueError as error:
            print(error)
        session.loudness = Loudness.BRIEF
        with session.showing_events():
            while not session.has_ended:
                try:
                    line = await prompt.prompt_async()
                except KeyboardInterrupt:
                    continue
                except EOFError:
                    break
                await _interruptible(session, line)
    return Exit.COMPLETE


def toolbar(board: Board) -> str:
    """Return the state of the queue in a few words."""
    queue, state = board.latest.get("queue"), board.latest.get("summaryState")
    words = ["no state yet" if state is None else name_of(State, state.summaryState)]
    if board.has_slots:
        # Where the line is cut off, those that need somebody are still seen.
        slots = sorted(board.slots, key=lambda slot: slot.is_running)
        words += [f"{slot.name} {slot_state(slot)}" for slot in slots]
    elif queue is not None:
        words.append("running" if queue.running else "paused")
        current = board.scripts.get(queue.currentSalIndex)
        if current is not None:
            states = states_in_words(current.scriptState, current.processState)
            words.append(f"{queue.currentSalIndex} {current.path} {states}")
        elif queue.currentSalIndex:
            words.append(str(queue.currentSalIndex))
        words.append(f"{queue.length} waiting")
    return " | ".join(words)


def history_path() -> Path:
    """Return the file that typed lines are kept in."""
    home = os.environ.get("XDG_STATE_HOME", "")
    # A relative path in this variable is to be ignored, says the standard.
    root = Path(home) if home.startswith("/") else Path.home() / ".local" / "state"
    return root / "ts_scriptqueue" / "command_history"


def kept_history() -> History:
    """Return the lines typed earlier; in memory only if the file cannot be written."""
    path = history_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        with path.open("a"):
            pass
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(path))


async def _interruptible(session: Session, line: str) -> None:
    """Carry out a line; Ctrl-C stops waiting for it."""
    loop = asyncio.get_running_loop()
    work = loop.create_task(session.run_line(line), name=f"line {line!r}")
    loop.add_signal_handler(signal.SIGINT, work.cancel)
    try:
        await asyncio.wait([work])
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        work.cancel()
        await asyncio.wait([work])
    if work.cancelled():
        print("not waiting any longer; the command itself goes on")
    else:
        work.result()
