# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A panel that remembers only what `queue` lists never hears of a script too early or too late."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from lsst.ts.scriptqueue.core.effects import Effect, PublishQueue, PublishScript
from lsst.ts.scriptqueue.core.model import QueueModel
from lsst.ts.scriptqueue.core.views import QueueView, ScriptView
from lsst.ts.scriptqueue.csc.publishing import Publishing
from lsst.ts.scriptqueue.runtime import Outbox

from ..core.driver import Driver
from ..sal.world import settled


class SlowBroker:
    """Confirms a write when the test says so."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self._under_way: dict[str, asyncio.Future[None]] = {}

    def event(self, name: str) -> Event:
        return Event(self, name)

    async def write(self, what: str) -> None:
        self.begun.append(what)
        self._under_way[what] = asyncio.get_running_loop().create_future()
        await self._under_way[what]

    async def confirm(self, what: str) -> None:
        self._under_way[what].set_result(None)
        await settled()


class Event:
    def __init__(self, broker: SlowBroker, name: str) -> None:
        self._broker = broker
        self._name = name

    async def set_write(self, *, force_output: bool = False, **fields: Any) -> None:
        await self._broker.write(f"{self._name} {fields.get('scriptSalIndex', '')}".strip())


class Edge:
    """The publishing edge with its outbox."""

    def __init__(self) -> None:
        self.broker = SlowBroker()
        self.outbox = Outbox(logging.getLogger("test"))
        self._publishing = Publishing(self.outbox, self.broker.event)

    async def publish(self, *effects: Effect) -> None:
        for effect in effects:
            self._publishing.effects[type(effect)](effect)
        await settled()


@pytest.fixture
async def edge() -> AsyncIterator[Edge]:
    edge = Edge()
    running = asyncio.create_task(edge.outbox.run())
    yield edge
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


def queue(*waiting: int, current: int = 0, past: tuple[int, ...] = ()) -> PublishQueue:
    return PublishQueue(QueueView(True, True, current, waiting, past))


def script(index: int) -> PublishScript:
    return PublishScript(view_of(index))


def view_of(index: int) -> ScriptView:
    driver = Driver()
    return dataclasses.replace(driver.model.script(driver.add()), index=index)


async def test_a_new_script_is_told_of_when_the_queue_has_listed_it(edge: Edge) -> None:
    await edge.publish(queue(100000), script(100000))
    assert edge.broker.begun == ["queue"]
    await edge.broker.confirm("queue")
    assert edge.broker.begun == ["queue", "script 100000"]


async def test_a_script_that_was_listed_before_waits_for_nothing(edge: Edge) -> None:
    await edge.publish(queue(100000, 100001))
    await edge.broker.confirm("queue")
    await edge.publish(queue(100001, current=100000), script(100000), script(100001))
    assert edge.broker.begun == ["queue", "queue", "script 100000", "script 100001"]


async def test_the_last_that_is_said_of_a_script_is_there_before_panels_forget_it(edge: Edge) -> None:
    old, latest = 100000, tuple(range(100001, 100011))
    await edge.publish(queue(past=(*latest[:9], old)))
    await edge.broker.confirm("queue")
    await edge.publish(script(old), queue(past=(*latest, old)))
    assert edge.broker.begun == ["queue", f"script {old}"]
    await edge.broker.confirm(f"script {old}")
    assert edge.broker.begun == ["queue", f"script {old}", "queue"]


def test_the_view_says_what_panels_remember() -> None:
    past = tuple(range(1, 15))
    assert QueueView(True, True, 20, (21, 22), past).remembered == {20, 21, 22, *range(1, 11)}
    assert QueueModel(1).queue.remembered == {0}
