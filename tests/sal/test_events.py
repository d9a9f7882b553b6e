# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Events from the writer to the reader."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncIterator
from typing import Any

import pytest

from lsst.ts.scriptqueue.bus import BusError, IndexRange
from lsst.ts.scriptqueue.sal import Controller, ExpectedError, Remote, ScriptState
from lsst.ts.scriptqueue.sal.definitions import component
from lsst.ts.scriptqueue.sal.errors import ComponentError, FieldError
from lsst.ts.scriptqueue.sal.reader import QUEUE_LENGTH

from .world import EPOCH_TAI, INDEX, SOON_S, TAI_MINUS_UTC_S, World, settled, soon

STATE = component("Script").events["state"]


@pytest.fixture
async def script(world: World) -> AsyncIterator[Controller]:
    async with Controller(world.domain(origin=77), "Script", INDEX) as script:
        yield script


@pytest.fixture
async def remote(world: World, script: Controller) -> AsyncIterator[Remote]:
    async with Remote(world.domain(), "Script", INDEX) as remote:
        yield remote


async def test_event_arrives_with_private_fields_and_defaults(
    world: World, script: Controller, remote: Remote
) -> None:
    await script.evt_state.set_write(state=ScriptState.RUNNING, reason="why not")
    data = await remote.evt_state.next(flush=False, timeout=SOON_S)
    assert (data.state, data.reason, data.numCheckpoints) == (3, "why not", 0)
    assert data.salIndex == INDEX
    assert data.private_identity == f"Script:{INDEX}"
    assert data.private_origin == 77
    assert data.private_seqNum == 1
    assert data.private_sndStamp == pytest.approx(EPOCH_TAI, abs=1e-3)
    assert data.private_efdStamp == data.private_sndStamp - TAI_MINUS_UTC_S
    assert data.private_kafkaStamp == data.private_sndStamp
    assert data.private_rcvStamp == world.clock.tai()
    assert len(data.private_revCode) == 8


async def test_event_is_written_only_when_it_changed_or_is_forced(script: Controller, remote: Remote) -> None:
    remote.evt_metadata.flush()
    writer = script.evt_metadata
    assert not writer.has_data
    first = await writer.set_write(duration=math.nan, position=[1, math.nan])
    assert (first.did_change, first.was_written, first.data.private_seqNum) == (True, True, 1)
    again = await writer.set_write(duration=math.nan, position=[1, math.nan], nimages=None)
    assert (again.did_change, again.was_written) == (False, False)
    forced = await writer.set_write(force_output=True)
    assert (forced.did_change, forced.was_written, forced.data.private_seqNum) == (False, True, 2)
    changed = await writer.set_write(position=[1, 2])
    assert (changed.did_change, changed.was_written) == (True, True)
    assert changed.data.position == (1.0, 2.0)
    await settled()
    assert remote.evt_metadata.nqueued == 3


async def test_first_event_is_written_though_it_has_only_defaults(script: Controller) -> None:
    assert (await script.evt_state.set_write(state=0)).was_written
    assert not (await script.evt_state.set_write(state=0)).was_written


async def test_what_was_set_but_not_written_is_written_by_set_write(script: Controller) -> None:
    writer = script.evt_state
    assert writer.set(state=1)
    assert not writer.set(state=1)
    assert writer.data.state == 1
    result = await writer.set_write(state=1)
    assert (result.did_change, result.was_written) == (False, True)


async def test_event_that_could_not_be_written_is_written_next_time(
    script: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> None:
        raise BusError("not now")

    with monkeypatch.context() as patch:
        patch.setattr(script, "send", refuse)
        with pytest.raises(BusError, match="not now"):
            await script.evt_state.set_write(state=3)
    assert (await script.evt_state.set_write(state=3)).was_written


async def test_value_that_does_not_fit_changes_nothing(script: Controller) -> None:
    script.evt_state.set(state=3, reason="old")
    with pytest.raises(FieldError, match=r"Script.logevent_state.numCheckpoints must be an integer"):
        script.evt_state.set(reason="new", numCheckpoints="many")
    assert script.evt_state.data.reason == "old"


async def test_stamps_increase_though_the_clock_is_set_back(
    world: World, script: Controller, remote: Remote
) -> None:
    await script.evt_state.set_write(state=1)
    world.clock.step_s = -3600
    await script.evt_state.set_write(state=2)
    await script.evt_state.set_write(state=3)
    seen = [await remote.evt_state.next(flush=False, timeout=SOON_S) for _ in range(3)]
    assert [data.state for data in seen] == [1, 2, 3]
    stamps = [data.private_sndStamp for data in seen]
    assert stamps == sorted(set(stamps))


async def test_message_older_than_the_last_of_its_index_is_dropped(world: World) -> None:
    async with Remote(world.domain(), "Script") as remote, world.writing(STATE) as other:
        await other.write(salIndex=1, private_sndStamp=100.0, state=5)
        await other.write(salIndex=1, private_sndStamp=99.0, state=4, private_origin=4711)
        await other.write(salIndex=2, private_sndStamp=50.0, state=1)
        await other.write(salIndex=1, private_sndStamp=100.0, state=6)
        await settled()
        seen = [remote.evt_state.get_oldest() for _ in range(remote.evt_state.nqueued)]
        assert [(data.salIndex, data.state) for data in seen] == [(1, 5), (2, 1), (1, 6)]


async def test_late_reader_gets_the_latest_of_each_index(world: World, script: Controller) -> None:
    async with Controller(world.domain(), "Script", INDEX + 1) as other:
        for state in (1, 2):
            await script.evt_state.set_write(state=state)
        await other.evt_state.set_write(state=7)
        async with Remote(world.domain(), "Script") as remote:
            seen = [remote.evt_state.get_oldest() for _ in range(remote.evt_state.nqueued)]
    assert [(data.salIndex, data.state) for data in seen] == [(INDEX, 2), (INDEX + 1, 7)]


async def test_reader_of_one_index_does_not_see_another(world: World, script: Controller) -> None:
    async with (
        Remote(world.domain(), "Script", INDEX + 1) as one,
        Remote(world.domain(), "Script", IndexRange(INDEX, INDEX + 1)) as some,
        Remote(world.domain(), "Script", IndexRange(INDEX + 1, INDEX + 9)) as others,
    ):
        await script.evt_state.set_write(state=1)
        await settled()
        assert not one.evt_state.has_data
        assert not others.evt_state.has_data
        assert some.evt_state.get().salIndex == INDEX


async def test_reading_without_waiting(script: Controller, remote: Remote) -> None:
    reader = remote.evt_state
    assert (reader.has_data, reader.get(), reader.get_oldest()) == (False, None, None)
    for state in (1, 2, 3):
        await script.evt_state.set_write(state=state)
    await settled()
    assert reader.has_data
    assert reader.get().state == 3
    assert reader.get_oldest().state == 1
    assert (await reader.aget()).state == 3
    assert (await reader.next(flush=False)).state == 2
    reader.flush()
    assert reader.get_oldest() is None
    assert reader.get().state == 3


async def test_next_with_flush_waits_for_a_new_message(script: Controller, remote: Remote) -> None:
    await script.evt_state.set_write(state=1)
    await settled()
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(remote.evt_state.next(flush=True, timeout=SOON_S))
        await settled()
        await script.evt_state.set_write(state=2)
    assert waiting.result().state == 2


async def test_all_that_wait_get_the_same_message_and_the_next_one_stays(
    script: Controller, remote: Remote
) -> None:
    async with asyncio.TaskGroup() as group:
        both = [group.create_task(remote.evt_state.next(flush=False, timeout=SOON_S)) for _ in range(2)]
        await settled()
        await script.evt_state.set_write(state=1)
        await script.evt_state.set_write(state=2)
    assert [task.result().state for task in both] == [1, 1]
    assert (await remote.evt_state.next(flush=False)).state == 2


@pytest.mark.parametrize("method", ["next", "aget"])
async def test_nothing_in_time_is_a_timeout(remote: Remote, method: str) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    arguments = {"flush": False} if method == "next" else {}
    with pytest.raises(TimeoutError, match=f"Script:{INDEX}: no logevent_state within 3 s"):
        await getattr(remote.evt_state, method)(timeout=3, **arguments)
    assert loop.time() - began == pytest.approx(3)


async def test_one_waiter_s_timeout_does_not_disturb_another(script: Controller, remote: Remote) -> None:
    async with asyncio.TaskGroup() as group:
        patient = group.create_task(remote.evt_state.next(flush=False, timeout=5))
        with pytest.raises(TimeoutError):
            await remote.evt_state.next(flush=False, timeout=1)
        await script.evt_state.set_write(state=4)
    assert patient.result().state == 4


async def test_only_the_newest_messages_are_kept(script: Controller, remote: Remote) -> None:
    for number in range(QUEUE_LENGTH + 5):
        await script.evt_state.set_write(numCheckpoints=number + 1)
    await settled()
    assert remote.evt_state.nqueued == QUEUE_LENGTH
    assert remote.evt_state.get_oldest().numCheckpoints == 6


async def test_callback_set_before_the_start_gets_the_history(world: World, script: Controller) -> None:
    await script.evt_state.set_write(state=6)
    seen: list[int] = []
    remote = Remote(world.domain(), "Script", INDEX)
    remote.evt_state.callback = lambda data: seen.append(data.state)
    async with remote:
        assert seen == [6]


async def test_asynchronous_callback_takes_messages_one_after_another(
    script: Controller, remote: Remote
) -> None:
    story: list[str] = []

    async def callback(data: Any) -> None:
        story.append(f"begin {data.state}")
        await asyncio.sleep(0)
        story.append(f"end {data.state}")

    remote.evt_state.callback = callback
    for state in (1, 2, 3):
        await script.evt_state.set_write(state=state)
    await settled()
    assert story == [f"{what} {state}" for state in (1, 2, 3) for what in ("begin", "end")]


async def test_asynchronous_callback_may_run_many_times_at_once(script: Controller, remote: Remote) -> None:
    running = asyncio.Semaphore(0)
    go_on = asyncio.Event()

    async def callback(data: Any) -> None:
        running.release()
        await go_on.wait()

    remote.evt_state.callback = callback
    remote.evt_state.allow_multiple_callbacks = True
    for state in (1, 2):
        await script.evt_state.set_write(state=state)
    async with asyncio.timeout(SOON_S):
        await running.acquire()
        await running.acquire()
    go_on.set()


async def test_nothing_is_lost_to_a_slow_callback(script: Controller, remote: Remote) -> None:
    seen: list[int] = []
    go_on, done = asyncio.Event(), asyncio.Event()
    count = 3 * QUEUE_LENGTH

    async def callback(data: Any) -> None:
        await go_on.wait()
        seen.append(data.numCheckpoints)
        if data.numCheckpoints == count:
            done.set()

    remote.evt_state.callback = callback
    for number in range(1, count + 1):
        await script.evt_state.set_write(numCheckpoints=number)
    go_on.set()
    async with asyncio.timeout(SOON_S):
        await done.wait()
    assert seen == list(range(1, count + 1))


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_callback_that_fails_is_logged_and_called_again(
    script: Controller, remote: Remote, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[int] = []

    def callback(data: Any) -> None:
        seen.append(data.state)
        if data.state == 1:
            raise ZeroDivisionError("oh")
        if data.state == 2:
            raise ExpectedError("as expected")

    async def async_callback(data: Any) -> None:
        callback(data)

    remote.evt_state.callback = callback if kind == "sync" else async_callback
    for state in (1, 2, 3):
        await script.evt_state.set_write(state=state)
    await settled()
    assert seen == [1, 2, 3]
    failed, refused = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert "logevent_state: the callback failed with Script.logevent_state(" in failed.getMessage()
    assert failed.exc_info is not None
    assert (refused.getMessage(), refused.exc_info) == ("logevent_state: as expected", None)


async def test_callback_may_return_something_to_await(script: Controller, remote: Remote) -> None:
    done = asyncio.Event()

    async def work(data: Any) -> None:
        done.set()

    remote.evt_state.callback = lambda data: work(data)
    await script.evt_state.set_write(state=1)
    await soon(done)


async def test_callback_that_is_far_behind_is_complained_about(
    script: Controller, remote: Remote, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("lsst.ts.scriptqueue.sal.reader._BACKLOG_WORTH_A_WARNING", 5)
    go_on = asyncio.Event()

    async def callback(data: Any) -> None:
        await go_on.wait()

    remote.evt_state.callback = callback
    for number in range(7):
        await script.evt_state.set_write(numCheckpoints=number + 1)
        await settled()
    assert [record.getMessage() for record in caplog.records] == [
        "logevent_state: the callback is 5 messages behind"
    ]


async def test_stamps_of_so_many_indices_are_kept_and_no_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lsst.ts.scriptqueue.sal.reader._INDICES_KEPT", 3)
    async with Remote(world.domain(), "Script") as remote, world.writing(STATE) as other:
        for index in range(1, 5):
            await other.write(salIndex=index, private_sndStamp=100.0)
        await other.write(salIndex=4, private_sndStamp=99.0)
        await other.write(salIndex=1, private_sndStamp=99.0)
        await settled()
        seen = [remote.evt_state.get_oldest().salIndex for _ in range(remote.evt_state.nqueued)]
    assert seen == [1, 2, 3, 4, 1]


async def test_queue_is_not_for_those_who_have_a_callback(remote: Remote) -> None:
    reader = remote.evt_state
    reader.callback = lambda data: None
    assert reader.has_callback
    for refused in (reader.get_oldest, reader.flush):
        with pytest.raises(ComponentError, match="logevent_state has a callback"):
            refused()
    with pytest.raises(ComponentError, match="logevent_state has a callback"):
        await reader.next(flush=False)
    with pytest.raises(ComponentError, match="logevent_state has a callback"):
        await reader.aget()
    reader.callback = None
    assert reader.get_oldest() is None


async def test_callback_must_be_callable(remote: Remote) -> None:
    with pytest.raises(TypeError, match="a callback must be callable, not 5"):
        remote.evt_state.callback = 5


async def test_queue_that_runs_over_is_an_error_to_those_who_take_from_it(
    script: Controller, remote: Remote, caplog: pytest.LogCaptureFixture
) -> None:
    def told() -> int:
        return sum("queue of 100 messages is full" in line for line in caplog.messages)

    async def write(count: int) -> None:
        for _ in range(count):
            await script.evt_state.write()
        await settled()

    await write(150)
    assert told() == 0
    while remote.evt_state.get_oldest() is not None:
        pass
    await write(100)
    assert told() == 0
    await write(50)
    assert told() == 1
    assert (await remote.evt_state.next(flush=False)).private_seqNum == 201
    while remote.evt_state.get_oldest() is not None:
        pass
    await write(101)
    assert told() == 2
