# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every command in every state: taken, or refused in the words of the protocol."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from lsst.ts.scriptqueue.sal import AckError, ScriptState
from lsst.ts.scriptqueue.sal.script_states import COMMANDS, FINAL_STATES, TRANSITIONS, On, refusal
from lsst.ts.scriptqueue.testing import ScriptCase, script_case

from .subject import Subject

S = ScriptState

#: The states in which a script can be commanded from outside.
LASTING = (S.UNCONFIGURED, S.CONFIGURED, S.RUNNING, S.PAUSED, S.ENDING, S.STOPPING, S.FAILING)

#: The words of each refusal, written out: clients read them.
INSTEAD_OF = {
    "configure": "UNCONFIGURED",
    "setGroupId": "CONFIGURED",
    "setCheckpoints": "UNCONFIGURED, CONFIGURED, RUNNING, PAUSED",
    "run": "CONFIGURED",
    "resume": "PAUSED",
}

#: How each state ends that is on the way to an end.
ENDS = {S.ENDING: S.DONE, S.STOPPING: S.STOPPED, S.FAILING: S.FAILED}

FIELDS: dict[str, dict[str, Any]] = {"setGroupId": {"groupId": "another"}, "setLogLevel": {"level": 10}}


@contextlib.asynccontextmanager
async def script_in(state: ScriptState) -> AsyncIterator[ScriptCase[Subject]]:
    """Bring a script into a state, and see it to its end afterwards."""
    async with script_case(Subject) as case:
        if state is not S.UNCONFIGURED:
            fail = "run" if state is S.FAILING else ""
            hang = "cleanup" if state in (S.ENDING, S.STOPPING, S.FAILING) else ""
            pause = "start" if state in (S.PAUSED, S.STOPPING) else ""
            await case.configure({"fail": fail, "hang": hang}, pauseCheckpoint=pause)
        if state not in (S.UNCONFIGURED, S.CONFIGURED):
            await case.start_run()
        if state is S.STOPPING:
            await case.wait_for(S.PAUSED)
            await case.remote.cmd_stop.set_start(timeout=1)
        await case.wait_for(state)
        assert case.state is state
        yield case
        case.script.go_on.set()
        if state in ENDS:
            assert await case.end() is ENDS[state], "no command has disturbed its cleaning up"


@pytest.mark.virtual_time
@pytest.mark.parametrize("state", LASTING, ids=lambda state: state.name)
@pytest.mark.parametrize("command", sorted(COMMANDS))
async def test_every_command_in_every_state(command: str, state: ScriptState) -> None:
    async with script_in(state) as case:
        send = case.remote.commands[command].set_start(timeout=10, **FIELDS.get(command, {}))
        if command == "run" and state is S.CONFIGURED:
            with pytest.raises(
                AckError, match="Cannot run: the script has no group id; use setGroupId first"
            ):
                await send
        elif state in COMMANDS[command]:
            assert (await send).result == "Done"
        else:
            with pytest.raises(AckError) as refused:
                await send
            assert refused.value.ackcmd.result == (
                f"Failed: Cannot {command}: state={state.name} instead of {INSTEAD_OF[command]}"
            )
            assert case.state is state


@pytest.mark.virtual_time
async def test_a_second_run_is_refused_at_once() -> None:
    async with script_case(Subject) as case:
        await case.configure()
        await case.remote.cmd_setGroupId.set_start(groupId="g", timeout=1)
        first, second = await asyncio.gather(
            *(case.remote.cmd_run.start(timeout=1000) for _ in range(2)), return_exceptions=True
        )
        assert isinstance(second, AckError)
        assert "Cannot run: state=RUNNING instead of CONFIGURED" in str(second)
        assert not isinstance(first, BaseException)
        assert first.result == "Done"
        assert case.script.calls == ["configure", "run", "cleanup"]


@pytest.mark.virtual_time
async def test_the_group_id_is_given_and_taken() -> None:
    async with script_case(Subject) as case:
        await case.configure()
        await case.remote.cmd_setGroupId.set_start(groupId="g", timeout=1)
        assert case.script.next_supplemented_group_id() == "g#1"
        assert case.script.next_supplemented_group_id() == "g#2"
        await case.remote.cmd_setGroupId.set_start(groupId="", timeout=1)
        with pytest.raises(RuntimeError, match="no group id"):
            case.script.next_supplemented_group_id()
        with pytest.raises(AckError, match="no group id"):
            await case.remote.cmd_run.set_start(timeout=1)
        await case.remote.cmd_setGroupId.set_start(groupId="h", timeout=1)
        assert case.script.next_supplemented_group_id() == "h#1"


def test_refusals_name_the_states() -> None:
    assert refusal("run", S.CONFIGURED) == ""
    assert refusal("run", S.PAUSED) == "Cannot run: state=PAUSED instead of CONFIGURED"


def test_the_table_of_transitions_leads_somewhere() -> None:
    states = set(S)
    starts = {state for state, _ in TRANSITIONS}
    assert starts == states - FINAL_STATES, "all states but the final ones go on, those do not"
    assert set(TRANSITIONS.values()) == states - {S.UNKNOWN}, "every state is reached"
    assert {event for _, event in TRANSITIONS} == set(On), "everything that can happen does"
    endings = {S.ENDING, S.STOPPING, S.FAILING}
    for state in endings:
        assert {event for start, event in TRANSITIONS if start is state} == {On.CLEANED_UP, On.CLEANUP_FAILED}
