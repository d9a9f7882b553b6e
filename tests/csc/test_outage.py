# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A middleware that takes nothing for a while, or refuses: the queue and its scripts see it through."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from lsst.ts.scriptqueue.bus import BusError, Message, TopicSpec
from lsst.ts.scriptqueue.sal import ScriptProcessState, ScriptState
from lsst.ts.scriptqueue.testing import pass_time

from .stage import Stage

pytestmark = pytest.mark.virtual_time

DONE = (ScriptProcessState.DONE, ScriptState.DONE)
Send = Callable[[TopicSpec, Message], Awaitable[None]]


def intercept(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, before: Callable[[TopicSpec], Awaitable[None]]
) -> None:
    """Have something happen before anything the queue writes, to clients and to scripts."""
    for endpoint in (stage.csc, stage.csc._scripts):
        send: Send = endpoint.send

        async def later(topic: TopicSpec, message: Message, send: Send = send) -> None:
            await before(topic)
            await send(topic, message)

        monkeypatch.setattr(endpoint, "send", later)


def how(last: Any) -> tuple[int, int]:
    """How a script ended."""
    return last.processState, last.scriptState


@pytest.mark.parametrize("begins_at", ["at once", "configured"])
async def test_limits_stand_still_while_nothing_can_be_said(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, begins_at: str
) -> None:
    is_there = asyncio.Event()
    is_there.set()

    async def wait(_: TopicSpec) -> None:
        await is_there.wait()

    intercept(stage, monkeypatch, wait)
    # The heartbeat by which the queue knows that it is heard.
    await stage.queue.evt_heartbeat.next(flush=True, timeout=10)
    index = await stage.add("quick.py")
    if begins_at == "configured":
        await stage.reached(index, ScriptState.CONFIGURED)
    is_there.clear()
    await pass_time(200.0)
    is_there.set()
    assert how(await stage.gone(index)) == DONE, stage.model.story(index)


async def test_a_command_to_a_script_that_is_refused_ends_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    refused: list[str] = []

    async def refuse_one(topic: TopicSpec) -> None:
        if topic.name == "command_setGroupId" and not refused:
            refused.append(topic.name)
            raise BusError("the message was given up")

    intercept(stage, monkeypatch, refuse_one)
    index = await stage.add("quick.py")
    assert how(await stage.gone(index)) == DONE, stage.model.story(index)
    assert refused
    assert f"script {index}: the command setGroupId was not sent: the message was given up" in caplog.text
