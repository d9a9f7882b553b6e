# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes out begins in order; what must not be seen too early waits for all before."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from lsst.ts.scriptqueue.bus import BusError
from lsst.ts.scriptqueue.runtime import Outbox

from ..sal.world import settled


class Writes:
    """Writes whose confirmations the test gives."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.confirmed: dict[str, asyncio.Future[None]] = {}

    def of(self, name: str) -> Callable[[], Awaitable[None]]:
        self.confirmed[name] = asyncio.get_running_loop().create_future()

        async def send() -> None:
            self.begun.append(name)
            await self.confirmed[name]

        return send

    def confirm(self, name: str) -> None:
        self.confirmed[name].set_result(None)


@pytest.fixture
async def outbox() -> AsyncIterator[Outbox]:
    outbox = Outbox(logging.getLogger("test"))
    running = asyncio.create_task(outbox.run())
    yield outbox
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


async def test_writes_begin_in_order_and_wait_for_no_confirmation(outbox: Outbox) -> None:
    writes = Writes()
    for name in "abc":
        outbox.put(writes.of(name))
    await settled()
    assert writes.begun == ["a", "b", "c"]
    for name in "cab":
        writes.confirm(name)
    await outbox.flush()


async def test_what_must_be_last_waits_for_all_before(outbox: Outbox) -> None:
    writes = Writes()
    outbox.put(writes.of("a"))
    outbox.put(writes.of("b"))
    outbox.put(writes.of("last"), after_all=True)
    outbox.put(writes.of("later"))
    await settled()
    writes.confirm("b")
    await settled()
    assert writes.begun == ["a", "b"]
    writes.confirm("a")
    await settled()
    assert writes.begun == ["a", "b", "last", "later"]
    writes.confirm("last")
    writes.confirm("later")
    await outbox.flush()


async def test_a_refused_write_is_told_and_keeps_nobody(
    outbox: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    writes = Writes()
    outbox.put(writes.of("a"))
    outbox.put(writes.of("last"), after_all=True)
    writes.confirmed["a"].set_exception(BusError("the broker is full"))
    writes.confirm("last")
    await outbox.flush()
    assert writes.begun == ["a", "last"]
    assert "the broker is full" in caplog.text


async def test_flush_waits_for_confirmations(outbox: Outbox) -> None:
    writes = Writes()
    outbox.put(writes.of("a"))
    flushing = asyncio.create_task(outbox.flush())
    await settled()
    assert not flushing.done()
    writes.confirm("a")
    await flushing


async def test_what_waited_for_others_when_it_ended_keeps_nobody() -> None:
    outbox, writes = Outbox(logging.getLogger("test")), Writes()
    running = asyncio.create_task(outbox.run())
    outbox.put(writes.of("a"))
    outbox.put(writes.of("last"), after_all=True)
    await settled()
    flushing = asyncio.create_task(outbox.flush())
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    outbox.drop()
    await flushing
    assert writes.begun == ["a"]
