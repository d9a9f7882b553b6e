# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The prompt, typed at through a pipe, on a screen that can be waited for.

What is printed goes through a thread, and Ctrl-C is a real signal: so this is in real time.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import re
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from prompt_toolkit.application import get_app_session
from prompt_toolkit.data_structures import Size
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output.vt100 import Vt100_Output

from lsst.ts.scriptqueue.cli.commanding.client import connect
from lsst.ts.scriptqueue.cli.commanding.interactive import history_path, kept_history, prompt_lines, toolbar
from lsst.ts.scriptqueue.cli.commanding.outcomes import Exit
from lsst.ts.scriptqueue.cli.commanding.session import Session
from lsst.ts.scriptqueue.sal.enums import State

from .stage import SCRIPT, PaperQueue, Stage

pytestmark = pytest.mark.system

#: Nothing here may take longer (seconds of the real clock).
SOON_S = 20.0

_TO_THE_RIGHT = r"\x1b\[[0-9]*C"
_STEERING = r"\x1b\[[0-9;?]*[A-Za-z]|\x1b.|\r"

CTRL_C, CTRL_D, TAB, UP = "\x03", "\x04", "\t", "\x1b[A"


class Screen(io.StringIO):
    """A terminal's screen; what was written to it can be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._written = asyncio.Event()

    def write(self, text: str) -> int:
        # What prints while no line is typed comes from a thread.
        self._loop.call_soon_threadsafe(self._written.set)
        return super().write(text)

    @property
    def text(self) -> str:
        """All that was written, without what steers the terminal; a move to the right is a space."""
        return re.sub(_STEERING, "", re.sub(_TO_THE_RIGHT, " ", self.getvalue()))

    async def shows(self, text: str, times: int = 1) -> None:
        """Wait until something has been written so many times."""
        async with asyncio.timeout(SOON_S):
            while self.text.count(text) < times:
                self._written.clear()
                await self._written.wait()


@dataclass
class Seat:
    """In front of the terminal."""

    keys: PipeInput
    screen: Screen
    queue: PaperQueue
    session: Session
    history: InMemoryHistory
    done: asyncio.Task[Exit]

    def type(self, text: str) -> None:
        self.keys.send_text(text)


def complain(line: str) -> None:
    sys.stderr.write(f"{line}\n")


@contextlib.asynccontextmanager
async def seated(stage: Stage, *, with_queue: bool = True) -> AsyncIterator[Seat]:
    """Start a prompt; leave it by Ctrl-D."""
    screen, history = Screen(), InMemoryHistory()
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(asyncio.timeout(SOON_S))
        queue = PaperQueue(stage.domain())
        if with_queue:
            await stack.enter_async_context(queue)
        client = await stack.enter_async_context(connect(stage.client()))
        keys = stack.enter_context(create_pipe_input())
        output = Vt100_Output(screen, lambda: Size(rows=40, columns=100), term="xterm")
        # Not `create_app_session`: the thread that prints would know nothing of it.
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(get_app_session(), "_input", keys)
        patch.setattr(get_app_session(), "_output", output)
        session = Session(client, print, complain)
        group = await stack.enter_async_context(asyncio.TaskGroup())
        done = group.create_task(prompt_lines(session, history))
        await screen.shows("Ctrl-D leaves")
        yield Seat(keys, screen, queue, session, history, done)
        keys.send_text(CTRL_D)
        assert await done is Exit.COMPLETE


async def test_a_line_is_carried_out_and_kept(stage: Stage) -> None:
    async with seated(stage) as seat:
        seat.type("pause\r")
        await seat.screen.shows("Done")
    assert [name for name, _ in seat.queue.seen] == ["pause"]
    assert list(seat.history.get_strings()) == ["pause"]


async def test_an_event_does_not_destroy_the_line(stage: Stage) -> None:
    async with seated(stage) as seat:
        seat.type("pau")
        await seat.screen.shows("> pau")
        await seat.queue.events["summaryState"].set_write(summaryState=State.DISABLED)
        await seat.screen.shows("summaryState: DISABLED")
        # The line is written again below the event.
        await seat.screen.shows("> pau", times=2)
        seat.type("se\r")
        await seat.screen.shows("Done")
    assert [name for name, _ in seat.queue.seen] == ["pause"]


async def test_tab_completes_from_what_the_queue_has_told(stage: Stage) -> None:
    async with seated(stage) as seat:
        for begun, completed in (("add st", "andard"), (" sl", "ew.py")):
            seat.type(f"{begun}{TAB}")
            await seat.screen.shows(completed)
        seat.type("\r")
        await seat.screen.shows(str(SCRIPT))
    ((_, data),) = seat.queue.seen
    assert (data.isStandard, data.path) == (True, "slew.py")


async def test_the_line_before_comes_back(stage: Stage) -> None:
    async with seated(stage) as seat:
        seat.type("pause\r")
        await seat.screen.shows("Done")
        seat.type(f"{UP}\r")
        await seat.screen.shows("Done", times=2)
    assert len(seat.queue.seen) == 2


async def test_ctrl_c_drops_the_line(stage: Stage) -> None:
    async with seated(stage) as seat:
        seat.type(f"exitControl{CTRL_C}")
        seat.type("pause\r")
        await seat.screen.shows("Done")
    assert [name for name, _ in seat.queue.seen] == ["pause"]


async def test_ctrl_c_stops_the_waiting(stage: Stage) -> None:
    async with seated(stage) as seat:
        seat.queue.life = seat.queue.life[:3]
        seat.type("add standard slew.py --wait done\r")
        await seat.screen.shows("is CONFIGURED")
        # While a command is carried out the terminal is in its usual mode: Ctrl-C is a signal.
        signal.raise_signal(signal.SIGINT)
        await seat.screen.shows("not waiting any longer")
        seat.type("pause\r")
        await seat.screen.shows("Done")


async def test_a_mistake_is_told_and_does_not_end_it(stage: Stage) -> None:
    async with seated(stage) as seat:
        seat.type("paus\r")
        await seat.screen.shows("did you mean pause?")
        seat.type("pause\r")
        await seat.screen.shows("Done")


async def test_quit_ends_it(stage: Stage) -> None:
    async with seated(stage) as seat:
        seat.type("quit\r")
        assert await seat.done is Exit.COMPLETE


async def test_no_queue_is_said_and_the_prompt_comes_all_the_same(stage: Stage) -> None:
    async with seated(stage, with_queue=False) as seat:
        await seat.screen.shows("no ScriptQueue:1 is heard from")


async def test_the_toolbar_tells_the_state(stage: Stage) -> None:
    async with stage.queue() as queue, connect(stage.client()) as client:
        board = client.feed.board
        assert toolbar(board) == "ENABLED | running | 0 waiting"
        await stage.do("add standard slew.py --wait done")
        assert toolbar(board) == "ENABLED | running | 1 waiting"
        assert queue.seen


def test_lines_are_kept_in_the_state_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    kept_history().append_string("pause")
    assert "+pause" in (tmp_path / "ts_scriptqueue" / "command_history").read_text()
    assert (history_path().stat().st_mode & 0o077) == 0


def test_a_state_directory_that_cannot_be_written_is_no_reason_to_give_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    assert isinstance(kept_history(), InMemoryHistory)
