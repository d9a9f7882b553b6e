# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who has commanded a queue that is closed just then is told what becomes of that."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

import pytest

from lsst.ts.scriptqueue.core.events import Event
from lsst.ts.scriptqueue.csc.fate import farewell
from lsst.ts.scriptqueue.runtime import NoBook
from lsst.ts.scriptqueue.sal import AckError, Location, SalRetCode, State

from .stage import Stage

pytestmark = pytest.mark.virtual_time


class SlowBook(NoBook):
    """Writes nothing until it may."""

    def __init__(self, may_write: asyncio.Event) -> None:
        self.is_asked = asyncio.Event()
        self.may_write = may_write

    def jot(self) -> bool:
        return False

    def keep(self, events: Sequence[Event], *, are_handled: bool) -> asyncio.Future[str]:
        self.is_asked.set()
        return asyncio.ensure_future(self._written())

    async def _written(self) -> str:
        await self.may_write.wait()
        return ""


@pytest.fixture
def book(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> SlowBook:
    """What the queue of the stage waits for before it does anything: its own closing."""
    book = SlowBook(stage.csc._closing)
    monkeypatch.setattr(stage.csc._runtime, "_book", book)
    return book


async def told(stage: Stage, book: SlowBook, command: Coroutine[Any, Any, Any], leaves: bool = True) -> Any:
    """Close the queue as soon as it has been given a command; return what its client is told."""

    async def close() -> None:
        await book.is_asked.wait()
        await stage.csc.end("the service was told to end by SIGTERM", leaves_scripts=leaves)

    return (await asyncio.gather(command, close(), return_exceptions=True))[0]


@pytest.mark.parametrize("leaves", [False, True], ids=["planned stop", "upgrade"])
async def test_an_add_under_way_is_done_and_answered(stage: Stage, book: SlowBook, leaves: bool) -> None:
    index = await told(stage, book, stage.add("quick.py"), leaves)
    assert stage.model.wish(index).path == "quick.py"


async def test_a_move_that_is_refused_is_told_why(stage: Stage, book: SlowBook) -> None:
    refusal = await told(stage, book, stage.command("move", scriptSalIndex=99, location=Location.LAST))
    assert isinstance(refusal, AckError)
    assert "there is no script 99" in refusal.ackcmd.result


async def test_a_book_that_never_answers_keeps_no_upgrade(stage: Stage, book: SlowBook) -> None:
    book.may_write = asyncio.Event()
    loop = asyncio.get_running_loop()
    began = loop.time()
    refusal = await told(stage, book, stage.add("quick.py"))
    assert "Aborted: the service ends before this is done" in refusal.ackcmd.result
    # A second for the last answers, and what the queue has to settle.
    assert loop.time() - began == pytest.approx(9.0, abs=0.1)
    book.may_write.set()


async def test_a_book_that_never_answers_keeps_no_change_of_state(
    stage: Stage, book: SlowBook, caplog: pytest.LogCaptureFixture
) -> None:
    book.may_write = asyncio.Event()
    loop = asyncio.get_running_loop()
    for command, state in (("disable", State.DISABLED), ("enable", State.ENABLED)):
        began = loop.time()
        await stage.command(command)
        assert loop.time() - began == pytest.approx(8.0, abs=0.1)
        assert stage.csc.summary_state is state
        assert f"The queue is {state.name}, but within 8 s this could not be written down" in caplog.text
    book.may_write.set()


async def test_what_takes_longer_is_left_to_the_next_service(stage: Stage, book: SlowBook) -> None:
    book.may_write = asyncio.Event()
    book.may_write.set()
    index = await stage.add("stubborn.py")
    await stage.current(index)
    book.is_asked.clear()
    refusal = await told(stage, book, stage.stop([index]))
    assert isinstance(refusal, AckError)
    assert refusal.ackcmd.ack == SalRetCode.CMD_ABORTED
    assert refusal.ackcmd.result == (
        "Aborted: the service ends before this is done; look at the next one before you repeat it"
    )


WHY = "the service was told to end by SIGTERM"


@pytest.mark.parametrize(
    ("scripts", "are_left", "said"),
    [
        ((), False, "; there are no scripts"),
        ((), True, "; there are no scripts"),
        ((100_001,), False, "; script 100001 is ended"),
        ((100_001,), True, "; script 100001 goes on, and the next service takes it over"),
        ((100_001, 100_002), False, "; its 2 scripts are ended: 100001, 100002"),
        (
            (100_001, 100_002),
            True,
            "; its 2 scripts go on, and the next service takes them over: 100001, 100002",
        ),
        (range(1, 13), False, "; its 12 scripts are ended: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 2 more"),
    ],
)
def test_the_end_says_what_becomes_of_scripts(scripts: Sequence[int], are_left: bool, said: str) -> None:
    assert farewell(WHY, scripts, are_left=are_left) == f"T{WHY[1:]}{said}"


async def test_clients_are_told_why_it_closes_and_not_that_it_is_enabled(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    index = await stage.add("stubborn.py")
    await stage.current(index)
    closing = asyncio.create_task(stage.csc.end(WHY))
    await stage.csc._closing.wait()
    with pytest.raises(AckError) as refusal:
        await stage.command("move", scriptSalIndex=index, location=Location.LAST)
    assert refusal.value.ackcmd.result == f"Failed: ScriptQueue:1 is closing: {WHY}"
    await closing
    assert stage.shown[index].exitReason == f"the queue is shutting down: {WHY}"
    assert f"T{WHY[1:]}; script {index} is ended" in caplog.messages
    assert stage.queue.evt_summaryState.get().summaryState == State.OFFLINE
