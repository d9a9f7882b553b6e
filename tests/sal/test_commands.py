# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands and their acknowledgements, from both ends."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from lsst.ts.scriptqueue.bus import BusError, IndexRange, Message, Reading
from lsst.ts.scriptqueue.sal import AckError, AckTimeoutError, ExpectedError, Remote, SalRetCode
from lsst.ts.scriptqueue.sal.definitions import component
from lsst.ts.scriptqueue.sal.errors import ComponentError, FieldError
from lsst.ts.scriptqueue.sal.sequence import sequence_range

from .world import INDEX, SOON_S, Obedient, World, settled, soon

SCRIPT = component("Script")


@pytest.fixture
async def script(world: World) -> AsyncIterator[Obedient]:
    async with Obedient(world.domain(origin=77)) as script:
        yield script


@pytest.fixture
async def remote(world: World, script: Obedient) -> AsyncIterator[Remote]:
    async with Remote(world.domain(origin=88, identity="me@here"), "Script", INDEX) as remote:
        yield remote


class Eavesdropper:
    """Hears all acknowledgements of a component."""

    def __init__(self) -> None:
        self.heard: list[Message] = []

    def codes(self) -> list[int]:
        return [message["ack"] for message in self.heard]


@pytest.fixture
async def acks(world: World) -> AsyncIterator[Eavesdropper]:
    eavesdropper = Eavesdropper()
    bus = world.bus()
    await bus.open(
        index=0, writes=[], reads=[Reading(SCRIPT.ackcmd, IndexRange.every(), eavesdropper.heard.append)]
    )
    yield eavesdropper
    await bus.aclose()


async def test_command_is_carried_out_and_acknowledged(
    script: Obedient, remote: Remote, acks: Eavesdropper
) -> None:
    ack = await remote.cmd_configure.set_start(config="az: 1", timeout=SOON_S)
    assert script.seen == ["az: 1"]
    assert (ack.ack, ack.error, ack.result) == (SalRetCode.CMD_COMPLETE, 0, "configured with az: 1")
    assert (ack.identity, ack.origin) == ("me@here", 88)
    assert (ack.private_identity, ack.private_origin) == (f"Script:{INDEX}", 77)
    assert ack.cmdtype == 1
    assert ack.salIndex == INDEX
    first, last = sequence_range(SCRIPT, "configure")
    assert first <= ack.private_seqNum <= last
    assert acks.codes() == [303]


async def test_command_that_returns_nothing_is_done(script: Obedient, remote: Remote) -> None:
    script.go_on.set()
    ack = await remote.cmd_run.start(timeout=SOON_S)
    assert (ack.ack, ack.result) == (SalRetCode.CMD_COMPLETE, "Done")


def raising(error: BaseException) -> Any:
    async def callback(data: Any) -> None:
        raise error

    return callback


@pytest.mark.parametrize(
    ("callback", "code", "result", "is_traced"),
    [
        (raising(ExpectedError("no dome")), SalRetCode.CMD_FAILED, "Failed: no dome", False),
        (raising(ValueError("bad\0")), SalRetCode.CMD_FAILED, "Failed: bad\N{REPLACEMENT CHARACTER}", True),
        (raising(KeyError()), SalRetCode.CMD_FAILED, r"Failed: KeyError\(\)", True),
        (raising(TimeoutError()), SalRetCode.CMD_TIMEOUT, "Timeout", False),
        (raising(asyncio.CancelledError()), SalRetCode.CMD_ABORTED, "Aborted", False),
        (lambda data: 5, SalRetCode.CMD_FAILED, "Failed: a command returns None, text or an .*, not 5", True),
        (None, SalRetCode.CMD_FAILED, f"Failed: Script:{INDEX} does not support the command run", False),
    ],
    ids=["expected", "unexpected", "without text", "timeout", "cancelled", "returns a number", "no callback"],
)
async def test_failure_becomes_an_acknowledgement(
    script: Obedient,
    remote: Remote,
    callback: Any,
    code: SalRetCode,
    result: str,
    is_traced: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    script.cmd_run.callback = callback
    with pytest.raises(AckError, match=f"Script:{INDEX} run failed: ") as caught:
        await remote.cmd_run.start(timeout=SOON_S)
    ack = caught.value.ackcmd
    assert (ack.ack, ack.error) == (code, 1)
    assert str(caught.value).startswith(f"Script:{INDEX} run failed: ")
    assert re.fullmatch(result, ack.result)
    traced = [record for record in caplog.records if record.exc_info]
    assert len(traced) == is_traced


async def test_synchronous_callback_may_refuse(remote: Remote) -> None:
    with pytest.raises(
        AckError, match=r"stop failed: Failed: it is too late \(CMD_FAILED, error 1, private_seqNum"
    ):
        await remote.cmd_stop.start(timeout=SOON_S)


async def test_callback_may_return_an_acknowledgement(script: Obedient, remote: Remote) -> None:
    script.cmd_run.callback = lambda data: script.make_ackcmd(
        private_seqNum=data.private_seqNum, ack=SalRetCode.CMD_NOPERM, error=3, result="not you"
    )
    with pytest.raises(AckError) as caught:
        await remote.cmd_run.start(timeout=SOON_S)
    assert (caught.value.ackcmd.ack, caught.value.ackcmd.error) == (SalRetCode.CMD_NOPERM, 3)


async def test_acknowledgement_in_progress_extends_the_time(script: Obedient, remote: Remote) -> None:
    loop = asyncio.get_running_loop()
    later = loop.time() + 14.0

    async def run(data: Any) -> None:
        await script.cmd_run.ack_in_progress(data, timeout=10.0, result="half way")
        loop.call_at(later, script.go_on.set)
        await script.go_on.wait()

    script.cmd_run.callback = run
    ack = await remote.cmd_run.start(timeout=5.0)
    assert ack.ack == SalRetCode.CMD_COMPLETE
    assert loop.time() == pytest.approx(later)


async def test_time_runs_out_after_the_extension_too(script: Obedient, remote: Remote) -> None:
    async def run(data: Any) -> None:
        await script.cmd_run.ack_in_progress(data, timeout=10.0, result="half way")
        await script.go_on.wait()

    script.cmd_run.callback = run
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(AckTimeoutError, match=r"run was not done within 5.0 s") as caught:
        await remote.cmd_run.start(timeout=5.0)
    assert loop.time() - began == pytest.approx(15.0)
    assert (caught.value.ackcmd.ack, caught.value.ackcmd.result) == (SalRetCode.CMD_INPROGRESS, "half way")


@pytest.mark.parametrize("extension_s", [-5.0, float("nan"), float("inf")])
async def test_senseless_extension_extends_nothing(
    script: Obedient, remote: Remote, extension_s: float
) -> None:
    async def run(data: Any) -> None:
        await script.cmd_run.ack_in_progress(data, timeout=extension_s)
        await script.go_on.wait()

    script.cmd_run.callback = run
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(AckTimeoutError):
        await remote.cmd_run.start(timeout=5.0)
    assert loop.time() - began == pytest.approx(5.0)


async def test_silence_is_a_timeout_without_acknowledgement(world: World) -> None:
    async with Remote(world.domain(), "Script", INDEX) as remote:
        with pytest.raises(AckTimeoutError) as caught:
            await remote.cmd_run.start(timeout=2.0)
    assert caught.value.ackcmd.ack == SalRetCode.CMD_NOACK
    assert caught.value.ackcmd.private_seqNum > 0


async def test_first_acknowledgement_is_enough_if_asked_for(script: Obedient, remote: Remote) -> None:
    async def run(data: Any) -> str:
        await script.cmd_run.ack_in_progress(data, timeout=100.0)
        await script.go_on.wait()
        return "well run"

    script.cmd_run.callback = run
    ack = await remote.cmd_run.start(timeout=SOON_S, wait_done=False)
    assert ack.ack == SalRetCode.CMD_INPROGRESS
    script.go_on.set()
    final = await remote.cmd_run.next_ackcmd(ack, timeout=SOON_S)
    assert (final.ack, final.result) == (SalRetCode.CMD_COMPLETE, "well run")
    with pytest.raises(ComponentError, match="no command run with private_seqNum"):
        await remote.cmd_run.next_ackcmd(ack)


@pytest.mark.parametrize("change", [{"identity": "you@here"}, {"origin": 89}, {"private_seqNum": 1}])
async def test_acknowledgement_meant_for_another_is_ignored(
    world: World, remote: Remote, change: dict[str, Any]
) -> None:
    async with asyncio.TaskGroup() as group, world.writing(SCRIPT.ackcmd) as other:
        waiting = group.create_task(remote.cmd_run.start(timeout=SOON_S))
        await settled()
        own = {
            "salIndex": INDEX,
            "identity": "me@here",
            "origin": 88,
            "private_seqNum": remote.acknowledgements.under_way[0],
        }
        await other.write(**(own | change), ack=SalRetCode.CMD_FAILED, result="wrong")
        await other.write(**own, ack=12345, result="unknown code")
        await settled()
        assert not waiting.done()
        await other.write(**own, ack=SalRetCode.CMD_COMPLETE, result="right")
    assert waiting.result().result == "right"


async def test_two_remotes_of_a_process_do_not_take_each_other_s_answers(
    script: Obedient, remote: Remote
) -> None:
    script.cmd_configure.allow_multiple_callbacks = True
    async with Remote(remote.domain, "Script", INDEX) as twin:
        numbers = [
            (await each.cmd_configure.set_start(config="x", timeout=SOON_S)).private_seqNum
            for each in (remote, twin, remote, twin)
        ]
    assert len(set(numbers)) == 4


async def test_commands_of_one_name_wait_for_each_other(script: Obedient, remote: Remote) -> None:
    async with asyncio.TaskGroup() as group:
        both = [group.create_task(remote.cmd_run.start(timeout=SOON_S)) for _ in range(2)]
        await soon(script.began)
        await settled()
        assert script.seen == ["run"]
        script.go_on.set()
    assert script.seen == ["run", "run"]
    assert [task.result().result for task in both] == ["Done", "Done"]


async def test_commands_of_one_name_may_run_together(script: Obedient, remote: Remote) -> None:
    script.cmd_run.allow_multiple_callbacks = True
    async with asyncio.TaskGroup() as group:
        for _ in range(2):
            group.create_task(remote.cmd_run.start(timeout=SOON_S))
        await soon(script.began)
        await settled()
        assert script.seen == ["run", "run"]
        script.go_on.set()


async def test_commands_of_other_names_do_not_wait(script: Obedient, remote: Remote) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(remote.cmd_run.start(timeout=SOON_S))
        await soon(script.began)
        ack = await remote.cmd_configure.set_start(config="while it runs", timeout=SOON_S)
        assert ack.ack == SalRetCode.CMD_COMPLETE
        script.go_on.set()


async def test_remote_of_many_names_the_one_it_means(world: World, script: Obedient) -> None:
    async with Remote(world.domain(), "Script", IndexRange(INDEX, INDEX + 5)) as many:
        ack = await many.cmd_configure.set_start(config="x", salIndex=INDEX, timeout=SOON_S)
        assert ack.salIndex == INDEX
        with pytest.raises(FieldError, match="this remote speaks to many; say salIndex="):
            await many.cmd_configure.set_start(config="x")
        with pytest.raises(FieldError, match=f"salIndex 5 is not of this remote, which has {INDEX} to"):
            await many.cmd_configure.set_start(config="x", salIndex=5)


async def test_remote_of_one_cannot_name_another(remote: Remote) -> None:
    with pytest.raises(FieldError, match="salIndex 5 is not of this remote"):
        await remote.cmd_configure.set_start(config="x", salIndex=5)


async def test_command_for_another_index_is_not_heard(world: World, script: Obedient) -> None:
    async with Remote(world.domain(), "Script", INDEX + 1) as remote:
        with pytest.raises(AckTimeoutError):
            await remote.cmd_configure.set_start(config="x", timeout=1.0)
    assert script.seen == []


async def test_each_command_begins_with_defaults(script: Obedient, remote: Remote) -> None:
    remote.cmd_configure.set(config="a", logLevel=10)
    assert remote.cmd_configure.data.logLevel == 10
    assert remote.cmd_configure.set(config="a")
    assert remote.cmd_configure.data.logLevel == 0


async def test_command_may_be_given_as_a_record(script: Obedient, remote: Remote) -> None:
    data = remote.cmd_configure.DataType(config="given")
    await remote.cmd_configure.start(data, timeout=SOON_S)
    assert script.seen == ["given"]
    with pytest.raises(TypeError, match="start takes a command_configure"):
        await remote.cmd_configure.start(remote.cmd_run.DataType())


async def test_command_without_a_positive_number_is_ignored(
    world: World, script: Obedient, acks: Eavesdropper, caplog: pytest.LogCaptureFixture
) -> None:
    async with world.writing(SCRIPT.commands["configure"]) as other:
        await other.write(salIndex=INDEX, private_seqNum=0, private_identity="x@y", config="x")
        await settled()
    assert script.seen == []
    assert acks.heard == []
    assert "ignored a command of x@y whose private_seqNum is 0" in caplog.text


async def test_flood_of_one_command_is_refused(
    world: World, script: Obedient, acks: Eavesdropper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lsst.ts.scriptqueue.sal.controller_command.MAX_WAITING", 3)
    async with world.writing(SCRIPT.commands["run"]) as other:
        for number in range(1, 6):
            await other.write(salIndex=INDEX, private_seqNum=number)
        await settled()
    assert [(ack["private_seqNum"], ack["result"]) for ack in acks.heard] == [
        (5, "Failed: 3 commands run wait already; try again later")
    ]
    script.go_on.set()


async def test_closing_aborts_what_runs_and_refuses_what_waits(
    script: Obedient, remote: Remote, caplog: pytest.LogCaptureFixture
) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(outcome(remote)) for _ in range(2)]
        await soon(script.began)
        await settled()
        await script.close()
    assert [task.result().result for task in tasks] == ["Aborted", f"Failed: Script:{INDEX} is closing"]
    assert [task.result().ack for task in tasks] == [SalRetCode.CMD_ABORTED, SalRetCode.CMD_FAILED]
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def outcome(remote: Remote) -> Any:
    with pytest.raises(AckError) as caught:
        await remote.cmd_run.start(timeout=SOON_S)
    return caught.value.ackcmd


async def test_command_that_closes_its_controller_is_acknowledged(script: Obedient, remote: Remote) -> None:
    ack = await remote.cmd_resume.start(timeout=SOON_S)
    assert ack.ack == SalRetCode.CMD_COMPLETE
    async with asyncio.timeout(SOON_S):
        await script.done_task


async def test_command_before_the_remote_has_started_is_an_error_that_says_so(world: World) -> None:
    remote = Remote(world.domain(), "Script", INDEX)
    with pytest.raises(ComponentError, match=f"Script:{INDEX} is not started; use it inside"):
        await remote.cmd_run.start()
    with pytest.raises(ComponentError, match="is not started"):
        remote.evt_state.get()


async def test_cancelled_wait_leaves_nothing_behind(script: Obedient, remote: Remote) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.0):
            await remote.cmd_run.start(timeout=100)
    script.go_on.set()
    await settled()
    assert not remote.acknowledgements.under_way


async def test_answer_that_cannot_be_written_ends_nothing(
    script: Obedient, remote: Remote, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def refuse(*_: object) -> None:
        raise BusError("the message was given up")

    with monkeypatch.context() as patch:
        patch.setattr(script, "send", refuse)
        with pytest.raises(AckTimeoutError):
            await remote.cmd_configure.set_start(config="first", timeout=SOON_S)
    assert "configure: the answer to" in caplog.text
    assert "the message was given up" in caplog.text
    ack = await remote.cmd_configure.set_start(config="second", timeout=SOON_S)
    assert ack.result == "configured with second"
    assert script.seen == ["first", "second"]
