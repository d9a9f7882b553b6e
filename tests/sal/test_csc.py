# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""CSCs: states, faults, the initial state, and the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from lsst.ts.scriptqueue.sal import (
    AckError,
    BaseCsc,
    ExpectedError,
    Remote,
    SalRetCode,
    State,
)
from lsst.ts.scriptqueue.sal.endpoint import Phase
from lsst.ts.scriptqueue.sal.summary_states import TRANSITIONS, path_to, target_state

from .telling import Telling
from .world import SOON_S, World, settled, soon

COMMANDS = ("start", "enable", "disable", "standby", "exitControl")

#: The commands that lead from STANDBY to each state a test begins in.
WAYS = {State.STANDBY: (), State.DISABLED: ("start",), State.ENABLED: ("start", "enable"), State.FAULT: ()}


@pytest.fixture
async def csc(world: World) -> AsyncIterator[Telling]:
    async with Telling(world.domain()) as csc:
        yield csc


@pytest.fixture
async def remote(world: World, csc: Telling) -> AsyncIterator[Remote]:
    async with Remote(world.domain(), "ScriptQueue", 1) as remote:
        yield remote


async def go_to(remote: Remote, csc: BaseCsc, state: State) -> None:
    for command in WAYS[state]:
        await remote.commands[command].start(timeout=SOON_S)
    if state is State.FAULT:
        await csc.fault(5, "broken")
    await settled()
    assert csc.summary_state is state


@pytest.mark.parametrize("state", WAYS)
@pytest.mark.parametrize("command", COMMANDS)
async def test_command_changes_the_state_as_the_table_says(
    csc: Telling, remote: Remote, state: State, command: str
) -> None:
    await go_to(remote, csc, state)
    remote.evt_summaryState.flush()
    target = TRANSITIONS.get((state, command))
    if target is None:
        with pytest.raises(AckError) as caught:
            await remote.commands[command].start(timeout=SOON_S)
        assert caught.value.ackcmd.result == f"Failed: {command} not allowed in state {state!r}"
        assert csc.summary_state is state
        await settled()
        assert remote.evt_summaryState.get_oldest() is None
    else:
        await remote.commands[command].start(timeout=SOON_S)
        assert (await remote.evt_summaryState.next(flush=False, timeout=SOON_S)).summaryState == target


def test_refusal_reads_as_that_of_deployed_components() -> None:
    with pytest.raises(ExpectedError, match=r"^enable not allowed in state <State.ENABLED: 2>$"):
        target_state(State.ENABLED, "enable")


async def test_events_at_the_start_come_before_any_change(world: World) -> None:
    order: list[str] = []
    async with Remote(world.domain(), "ScriptQueue", 1) as remote:
        for name, event in remote.events.items():
            event.callback = lambda data, name=name: order.append(name)
        async with Telling(world.domain(), simulation_mode=3):
            await settled()
            assert [name for name in order if name != "heartbeat"] == [
                "logLevel",
                "softwareVersions",
                "simulationMode",
                "summaryState",
                "errorCode",
            ]
            assert remote.evt_simulationMode.get().mode == 3
            assert remote.evt_summaryState.get().summaryState == State.STANDBY
            assert remote.evt_errorCode.get().errorCode == 0
            assert "heartbeat" in order


async def test_hooks_are_called_in_order_and_see_the_right_state(csc: Telling, remote: Remote) -> None:
    csc.story.clear()
    await remote.cmd_start.set_start(configurationOverride="x.yaml", timeout=SOON_S)
    assert csc.story == ["begin_start x.yaml STANDBY", "handle DISABLED", "end_start DISABLED"]
    assert csc.disabled_or_enabled


@pytest.mark.parametrize("hook", ["begin_enable", "handle", "end_enable"])
async def test_hook_that_fails_takes_the_state_back(csc: Telling, remote: Remote, hook: str) -> None:
    await go_to(remote, csc, State.DISABLED)
    remote.evt_summaryState.flush()
    csc.failing = hook
    with pytest.raises(AckError, match=f"Failed: {hook} failed"):
        await remote.cmd_enable.start(timeout=SOON_S)
    await settled()
    assert csc.summary_state is State.DISABLED
    assert remote.evt_summaryState.get_oldest() is None
    csc.failing = None
    await remote.cmd_enable.start(timeout=SOON_S)


async def test_state_commands_do_not_run_into_each_other(csc: Telling, remote: Remote) -> None:
    await go_to(remote, csc, State.DISABLED)
    began, go_on = asyncio.Event(), asyncio.Event()

    async def begin_enable(data: Any) -> None:
        began.set()
        await go_on.wait()

    csc.begin_enable = begin_enable  # type: ignore[method-assign]
    async with asyncio.TaskGroup() as group:
        group.create_task(remote.cmd_enable.start(timeout=SOON_S))
        await soon(began)
        disable = group.create_task(remote.cmd_disable.start(timeout=SOON_S))
        await settled()
        assert not disable.done()
        go_on.set()
    assert csc.summary_state is State.DISABLED


async def test_fault_tells_the_error_before_the_state_and_standby_clears_it(
    csc: Telling, remote: Remote
) -> None:
    await go_to(remote, csc, State.ENABLED)
    order: list[tuple[str, int]] = []
    remote.evt_errorCode.callback = lambda data: order.append(("error", data.errorCode))
    remote.evt_summaryState.callback = lambda data: order.append(("state", data.summaryState))
    csc.story.clear()
    await csc.fault(7, "the disk is full", "line 5")
    await settled()
    assert order == [("error", 7), ("state", State.FAULT)]
    assert csc.story == ["handle FAULT"]
    error = remote.evt_errorCode.get()
    assert (error.errorReport, error.traceback) == ("the disk is full", "line 5")
    await remote.cmd_standby.start(timeout=SOON_S)
    await settled()
    assert order[2:] == [("state", State.STANDBY), ("error", 0)]


async def test_second_fault_is_told_too(csc: Telling, remote: Remote) -> None:
    await csc.fault(7, "first")
    await csc.fault(8, "second")
    await settled()
    assert remote.evt_errorCode.get().errorReport == "second"


async def test_fault_while_handling_a_fault_does_not_go_round(csc: Telling) -> None:
    async def handle() -> None:
        await csc.fault(2, "once more")

    csc.handle_summary_state = handle  # type: ignore[method-assign]
    await csc.fault(1, "first")
    assert csc.evt_errorCode.data.errorCode == 1


@pytest.mark.parametrize("hook", ["begin_enable", "end_enable"])
async def test_fault_during_a_change_wins(csc: Telling, remote: Remote, hook: str) -> None:
    await go_to(remote, csc, State.DISABLED)

    async def faulty(data: Any) -> None:
        await csc.fault(3, "on the way")

    setattr(csc, hook, faulty)
    with pytest.raises(AckError, match=r"enable was given up: now in state <State.FAULT: 3>"):
        await remote.cmd_enable.start(timeout=SOON_S)
    assert csc.summary_state is State.FAULT
    await settled()
    assert remote.evt_summaryState.get().summaryState == State.FAULT
    assert remote.evt_errorCode.get().errorCode == 3


async def test_assert_enabled(csc: Telling, remote: Remote) -> None:
    with pytest.raises(ExpectedError, match=r"^add not allowed in state <State.STANDBY: 5>$"):
        csc.assert_enabled("add")
    await csc.fault(3, "broken")
    with pytest.raises(ExpectedError, match=r"not allowed in state <State.FAULT: 3>: error 3, broken$"):
        csc.assert_enabled()
    await remote.cmd_standby.start(timeout=SOON_S)
    await go_to(remote, csc, State.ENABLED)
    csc.assert_enabled("add")


async def test_exit_control_is_acknowledged_and_then_all_ends(csc: Telling, remote: Remote) -> None:
    ack = await remote.cmd_exitControl.start(timeout=SOON_S)
    assert ack.ack == SalRetCode.CMD_COMPLETE
    await asyncio.wait_for(csc.done_task, SOON_S)
    assert csc.phase is Phase.CLOSED
    assert remote.evt_summaryState.get().summaryState == State.OFFLINE


@pytest.mark.parametrize("state", [State.STANDBY, State.DISABLED, State.ENABLED])
async def test_initial_state_is_reached_by_the_commands_that_lead_there(world: World, state: State) -> None:
    seen: list[int] = []
    async with Remote(world.domain(), "ScriptQueue", 1) as remote:
        remote.evt_summaryState.callback = lambda data: seen.append(data.summaryState)
        async with Telling(world.domain(), initial_state=state, override="night.yaml") as csc:
            await settled()
            assert csc.summary_state is state
    assert seen == [State.STANDBY, State.DISABLED, State.ENABLED][: len(seen)]
    assert seen[-1] == state
    assert ("begin_start night.yaml STANDBY" in csc.story) == (state is not State.STANDBY)


@pytest.mark.parametrize("state", [State.OFFLINE, State.FAULT])
async def test_initial_state_that_cannot_be_is_refused(world: World, state: State) -> None:
    with pytest.raises(ValueError, match=rf"can begin in STANDBY, DISABLED, ENABLED, not in {state.name}"):
        Telling(world.domain(), initial_state=state)
    with pytest.raises(ValueError, match="can begin in"):
        path_to(state)


async def test_initial_state_that_fails_leaves_the_csc_where_it_got(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    csc = Telling(world.domain(), initial_state=State.ENABLED)
    csc.failing = "begin_enable"
    async with csc:
        assert csc.summary_state is State.DISABLED
    assert "enable failed on the way to the initial state: begin_enable failed" in caplog.text


async def test_work_commands_go_on_beside_state_commands(world: World) -> None:
    class Working(Telling):
        async def do_add(self, data: Any) -> str:
            self.assert_enabled("add")
            began.set()
            await go_on.wait()
            return "100001"

        async def do_pause(self, data: Any) -> None: ...

    began, go_on = asyncio.Event(), asyncio.Event()
    async with (
        Working(world.domain(), initial_state=State.ENABLED),
        Remote(world.domain(), "ScriptQueue", 1) as remote,
        asyncio.TaskGroup() as group,
    ):
        add = group.create_task(remote.cmd_add.set_start(path="x", timeout=SOON_S))
        await soon(began)
        await remote.cmd_pause.start(timeout=SOON_S)
        go_on.set()
        assert (await add).result == "100001"
