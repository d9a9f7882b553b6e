# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Log records become logMessage events, and neither flood nor recurse."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

from lsst.ts.scriptqueue.bus import BusError
from lsst.ts.scriptqueue.sal import Controller, Remote
from lsst.ts.scriptqueue.sal.log_relay import BURST, RATE_PER_S

from .world import INDEX, SOON_S, World, settled, time_passes


@pytest.fixture
async def remote(world: World) -> AsyncIterator[Remote]:
    async with Remote(world.domain(), "Script", INDEX) as remote:
        yield remote


@pytest.fixture
async def script(world: World) -> AsyncIterator[Controller]:
    async with Controller(world.domain(), "Script", INDEX) as script:
        yield script


async def test_record_becomes_an_event(world: World, script: Controller, remote: Remote) -> None:
    script.log.info("slewed to %d", 10)
    data = await remote.evt_logMessage.next(flush=False, timeout=SOON_S)
    assert (data.message, data.level, data.name) == ("slewed to 10", logging.INFO, f"Script.{INDEX}")
    assert data.filePath == __file__
    assert data.functionName == "test_record_becomes_an_event"
    assert (data.traceback, data.process, data.timestamp) == ("", os.getpid(), world.clock.tai())
    assert data.lineNumber > 0


async def test_traceback_goes_along(script: Controller, remote: Remote) -> None:
    try:
        raise ZeroDivisionError("oh")
    except ZeroDivisionError:
        script.log.exception("failed")
    data = await remote.evt_logMessage.next(flush=False, timeout=SOON_S)
    assert data.message == "failed"
    assert data.traceback.startswith("Traceback (most recent call last):")
    assert data.traceback.endswith("ZeroDivisionError: oh")


async def test_children_of_the_logger_are_relayed_and_debug_is_not(
    script: Controller, remote: Remote
) -> None:
    script.log.setLevel(logging.DEBUG)
    script.log.debug("too much")
    script.log.getChild("part").warning("attention")
    data = await remote.evt_logMessage.next(flush=False, timeout=SOON_S)
    assert (data.name, data.message) == (f"Script.{INDEX}.part", "attention")
    script.log.setLevel(logging.INFO)


async def test_what_the_wire_cannot_hold_is_replaced(script: Controller, remote: Remote) -> None:
    hand_to_relay(script, "a\0b\udc80%s", "x" * 100_000)
    data = await remote.evt_logMessage.next(flush=False, timeout=SOON_S)
    assert data.message.startswith("a\N{REPLACEMENT CHARACTER}b?xxx")
    assert len(data.message) < 31_000


def hand_to_relay(script: Controller, text: str, *arguments: object) -> None:
    """Log for the relay only: other handlers may choke on it, such as that of a parallel test run."""
    script.log.handlers[0].handle(logging.LogRecord("x", logging.INFO, __file__, 1, text, arguments, None))


async def test_same_message_twice_is_sent_twice(script: Controller, remote: Remote) -> None:
    script.log.info("again")
    script.log.info("again")
    await settled()
    assert remote.evt_logMessage.nqueued == 2


async def test_record_of_another_thread_is_relayed(script: Controller, remote: Remote) -> None:
    thread = threading.Thread(target=script.log.info, args=("from afar",))
    thread.start()
    thread.join()
    data = await remote.evt_logMessage.next(flush=False, timeout=SOON_S)
    assert data.message == "from afar"


async def test_flood_is_cut_and_the_cut_is_told(script: Controller, remote: Remote) -> None:
    messages: list[Any] = []
    remote.evt_logMessage.callback = messages.append
    for number in range(3 * BURST):
        script.log.info("message %d", number)
    loop = asyncio.get_running_loop()
    began = loop.time()
    while not any("were not sent" in data.message for data in messages):
        await time_passes(1.0)
        assert loop.time() - began < 60
    texts = [data.message for data in messages]
    assert texts[0] == "message 0"
    assert len(texts) == BURST + 1
    assert (
        texts[-1]
        == f"{2 * BURST} log messages were not sent: they came faster than {RATE_PER_S:.0f} a second"
    )


async def test_steady_stream_is_held_to_the_rate(script: Controller, remote: Remote) -> None:
    messages: list[Any] = []
    remote.evt_logMessage.callback = messages.append
    for number in range(10):
        for _ in range(BURST // 2):
            script.log.info("message %d", number)
        await time_passes(0.5)
    assert len(messages) <= BURST + 5.0 * RATE_PER_S + 1
    await time_passes(30.0)
    assert sum("were not sent" in data.message for data in messages) >= 1


async def test_what_was_logged_last_is_sent_before_the_end(world: World, remote: Remote) -> None:
    async with Controller(world.domain(), "Script", INDEX) as script:
        for number in range(BURST + 20):
            script.log.info("message %d", number)
            await asyncio.sleep(0)
        script.log.info("good bye")
    await settled()
    assert remote.evt_logMessage.get().message in ("good bye", "1 log messages were not sent")
    assert script.log.handlers == []
    script.log.info("nobody hears this")
    await settled()


async def test_failure_to_write_is_told_elsewhere_and_not_relayed(
    script: Controller, remote: Remote, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def refuse(*_: Any) -> None:
        raise BusError("not now")

    await settled()
    with monkeypatch.context() as patch:
        patch.setattr(script, "send", refuse)
        script.log.info("lost")
        await settled()
    assert [record.getMessage() for record in caplog.records] == [
        "lost",
        "a log message could not be written",
    ]
    script.log.info("found")
    data = await remote.evt_logMessage.next(flush=True, timeout=SOON_S)
    assert data.message == "found"


async def test_arguments_that_do_not_fit_do_not_raise(
    script: Controller, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    hand_to_relay(script, "%d apples", "many")
    script.log.info("after")
    data = await remote.evt_logMessage.next(flush=False, timeout=SOON_S)
    assert data.message == "after"
