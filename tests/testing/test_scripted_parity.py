# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scripted script and a real one, told the same, say the same."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from lsst.ts.scriptqueue.sal import AckError, Remote, ScriptState
from lsst.ts.scriptqueue.sal.script_states import FINAL_STATES
from lsst.ts.scriptqueue.testing import pass_time, script_case
from lsst.ts.scriptqueue.testing.scripted import Checkpoint, Fail, Hang, Plan, Wait

from ..scripts.subject import Subject
from .paper import INDEX, paper

pytestmark = pytest.mark.virtual_time

_TOLD = (
    "state",
    "reason",
    "groupId",
    "lastCheckpoint",
    "numCheckpoints",
    "blockId",
    "dayObs",
    "blockExecution",
    "executionId",
)

_RUNNING = (Wait(10), Checkpoint("start"), Wait(10), Checkpoint("end"))


@dataclass
class Client:
    """Commands a script and writes down what it says, topic by topic."""

    remote: Remote
    config: str = ""
    states: list[tuple[Any, ...]] = field(default_factory=list)
    answers: list[tuple[Any, ...]] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def listen(self) -> None:
        self.remote.evt_state.callback = self.state_seen

    def state_seen(self, data: Any) -> None:
        self.states.append(tuple(getattr(data, name) for name in _TOLD))
        self.news.set()

    async def seen(self, *states: ScriptState) -> None:
        async with asyncio.timeout(1000):
            while not any(entry[0] in states for entry in self.states):
                self.news.clear()
                await self.news.wait()

    async def tell(self, command: str, **fields: Any) -> None:
        if command == "configure":
            fields["config"] = self.config
        try:
            ack = await self.remote.commands[command].set_start(salIndex=INDEX, timeout=1000, **fields)
        except AckError as error:
            ack = error.ackcmd
        self.answers.append((command, ack.ack, ack.error, ack.result))


async def run_it(client: Client) -> None:
    await client.tell("configure", blockId="BL3_O_20260101_000002", executionId="e")
    await client.tell("run")
    await client.tell("setGroupId", groupId="g")
    await client.tell("resume")
    await client.tell("run")


async def only_configure(client: Client) -> None:
    await client.tell("configure")


async def stop_at_once(client: Client) -> None:
    await client.tell("stop")


async def stop_configured(client: Client) -> None:
    await client.tell("configure")
    await client.tell("stop")


async def stop_running(client: Client) -> None:
    await client.tell("configure")
    await client.tell("setGroupId", groupId="g")
    async with asyncio.TaskGroup() as group:
        group.create_task(client.tell("run"))
        await client.seen(S.RUNNING)
        await client.tell("stop")


async def pause_and_resume(client: Client) -> None:
    await client.tell("configure", pauseCheckpoint="end")
    await client.tell("setGroupId", groupId="g")
    async with asyncio.TaskGroup() as group:
        group.create_task(client.tell("run"))
        await client.seen(S.PAUSED)
        await client.tell("setCheckpoints", pause="", stop="")
        await client.tell("resume")


async def pause_and_stop(client: Client) -> None:
    await client.tell("configure", pauseCheckpoint="start")
    await client.tell("setGroupId", groupId="g")
    async with asyncio.TaskGroup() as group:
        group.create_task(client.tell("run"))
        await client.seen(S.PAUSED)
        await client.tell("stop")


async def stop_while_configuring(client: Client) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(client.tell("configure"))
        # Both get their commands in this order.
        await pass_time(1)
        await client.tell("stop")


S = ScriptState


@pytest.mark.parametrize(
    ("plan", "config", "act"),
    [
        pytest.param(Plan(running=_RUNNING), "", run_it, id="does well"),
        pytest.param(Plan(), "", stop_at_once, id="stopped at once"),
        pytest.param(Plan(), "", stop_configured, id="stopped when configured"),
        pytest.param(Plan(running=_RUNNING), "", stop_running, id="stopped while running"),
        pytest.param(Plan(running=_RUNNING), "", pause_and_resume, id="paused and resumed"),
        pytest.param(Plan(running=_RUNNING), "", pause_and_stop, id="paused and stopped"),
        pytest.param(
            Plan(configuring=(Fail("configure failed: no configure today"),)),
            "fail: configure expectedly",
            only_configure,
            id="cannot be configured",
        ),
        pytest.param(
            Plan(running=(*_RUNNING, Fail("run failed: no run today"))),
            "fail: run expectedly",
            run_it,
            id="fails while running",
        ),
        pytest.param(
            Plan(running=_RUNNING, cleaning=(Fail("cleanup failed: ValueError: a mistake in cleanup"),)),
            "fail: cleanup",
            run_it,
            id="fails while cleaning up",
        ),
        pytest.param(
            Plan(configuring=(Hang(),)),
            "hang: configure",
            stop_while_configuring,
            id="stopped while configuring",
        ),
    ],
)
async def test_they_say_the_same(plan: Plan, config: str, act: Callable[[Client], Awaitable[None]]) -> None:
    async with paper(plan) as stage:
        scripted = Client(stage.remote)
        scripted.listen()
        await stage.launch()
        await scripted.seen(S.UNCONFIGURED)
        await act(scripted)
        await scripted.seen(*FINAL_STATES)
        exited = await stage.exit()

    async with script_case(Subject, index=INDEX) as case:
        real = Client(case.remote, config=config)
        real.state_seen(case.script.state)
        real.listen()
        await act(real)
        await real.seen(*FINAL_STATES)
        await asyncio.wait([case.script.done_task])
        assert real.states == scripted.states
        assert real.answers == scripted.answers
        assert exited.exit_code == case.script.exit_code
