# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The runtime with a real model and edges of a test: it dispatches, and decides nothing."""

from __future__ import annotations

import asyncio

import pytest

from lsst.ts.scriptqueue.bus import BusError
from lsst.ts.scriptqueue.core.commands import AddScript, MoveScript, Pause, StopScripts, Target
from lsst.ts.scriptqueue.core.effects import (
    ConfigureScript,
    LaunchProcess,
    PublishQueue,
    PublishScript,
    PublishSlots,
    SetTimer,
)
from lsst.ts.scriptqueue.core.events import (
    CommandGiven,
    EnabledChanged,
    LaunchFailed,
    ProcessExited,
    ProcessStarted,
    ScriptStateReported,
)
from lsst.ts.scriptqueue.core.limits import Limits
from lsst.ts.scriptqueue.core.refusals import IllegalTransition, Refused
from lsst.ts.scriptqueue.core.states import ScriptState

from .stage import HeldBook, World, loading, running


async def test_an_add_is_answered_when_its_process_runs() -> None:
    world = World()
    async with running(world):
        reply = world.give(AddScript(True, "slew.py"))
        await world.runtime.outbox.flush()
        world.runtime.post(ProcessStarted(world.runtime.now(), 100000, 42))
        assert await reply == "100000"
    kinds = [type(effect) for effect in world.seen]
    assert kinds == [PublishQueue, PublishSlots, LaunchProcess, PublishScript]


async def test_a_refusal_is_raised_where_the_command_was_given() -> None:
    world = World()
    async with running(world):
        with pytest.raises(Refused, match="no script 5"):
            await world.give(MoveScript(5, Target()))


async def test_a_launch_that_fails_is_raised_with_its_reason() -> None:
    world = World()
    async with running(world):
        reply = world.give(AddScript(True, "slew.py"))
        world.runtime.post(LaunchFailed(world.runtime.now(), 100000, "no interpreter"))
        with pytest.raises(Refused, match="no interpreter"):
            await reply


async def test_a_command_that_takes_longer_says_so_first() -> None:
    world = World()
    async with running(world):
        add = world.give(AddScript(True, "slew.py"))
        world.runtime.post(ProcessStarted(world.runtime.now(), 100000, 42))
        await add
        await world.give(StopScripts((100000,)))
    [(timeout_s, text)] = world.progress
    assert timeout_s == Limits().kill_s + 1
    assert text


async def test_stamps_never_go_back_when_the_clock_is_stepped() -> None:
    world = World()
    before = world.runtime.now()
    world.clock.now_tai -= 500
    assert before <= world.runtime.now() < before + 10
    world.clock.now_tai += 1000
    assert world.runtime.now() == before + 500


async def test_a_time_limit_comes_back_as_an_event() -> None:
    world = World(Limits(load_s=0.01))
    async with running(world):
        add = world.give(AddScript(True, "slew.py"))
        world.runtime.post(ProcessStarted(world.runtime.now(), 100000, 42))
        await add
        async with asyncio.timeout(10):
            await world.told_to_end.wait()
    assert "not loaded within 0.01 s" in world.runtime.model.story(100000)


async def test_shutting_down_waits_for_every_process() -> None:
    world = World()
    async with running(world):
        add = world.give(AddScript(True, "slew.py"))
        world.runtime.post(ProcessStarted(world.runtime.now(), 100000, 42))
        await add
        assert await world.runtime.shut_down("OFFLINE", 10)
        with pytest.raises(Refused, match="shutting down: OFFLINE"):
            await world.give(Pause())


async def test_shutting_down_is_bounded() -> None:
    world = World()
    world.dies_when_told = False
    async with running(world):
        add = world.give(AddScript(True, "slew.py"))
        world.runtime.post(ProcessStarted(world.runtime.now(), 100000, 42))
        await add
        assert not await world.runtime.shut_down("OFFLINE", 0.01)


async def test_a_write_that_fails_is_logged_and_the_next_goes_out(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    sent: list[str] = []

    async def fail() -> None:
        raise BusError("no network")

    async def succeed() -> None:
        sent.append("second")

    async with running(world):
        world.runtime.outbox.put(fail)
        world.runtime.outbox.put(succeed)
        await world.runtime.outbox.flush()
    assert sent == ["second"]
    assert "could not be written" in caplog.text


async def test_an_event_that_cannot_have_happened_ends_the_runtime_with_the_story() -> None:
    world = World()
    task = asyncio.create_task(world.runtime.run())
    await world.runtime.started()
    reply = world.give(AddScript(True, "slew.py"))
    world.runtime.post(ProcessExited(world.runtime.now(), 100000, 0))
    with pytest.raises(ExceptionGroup) as raised:
        await task
    [error] = raised.value.exceptions
    assert isinstance(error, IllegalTransition)
    assert "added: slew.py" in str(error)
    assert reply.cancelled()


async def test_the_model_goes_on_while_the_book_is_written_but_nothing_is_done_before() -> None:
    book = HeldBook()
    world = World(book=book)
    async with running(world):
        reply = await loading(world, book)
        done_before = list(world.seen)
        world.runtime.post(ProcessStarted(world.runtime.now(), 100000, 42))
        await book.asked(2)
        world.runtime.post(ProcessExited(world.runtime.now(), 100000, 1))
        await book.asked(3)
        assert "exit" in world.runtime.model.story(100000)
        assert world.seen == done_before
        await book.write()
        assert await reply == "100000"
        await book.write()
        await world.runtime.settle(10.0)
    assert len(world.seen) > len(done_before)


async def test_a_command_that_cannot_be_written_is_refused_and_changes_nothing() -> None:
    book = HeldBook()
    world = World(book=book)
    async with running(world):
        reply = world.give(AddScript(True, "slew.py"))
        await book.write("disk full")
        with pytest.raises(Refused, match="disk full"):
            await reply
    assert (world.seen, book.owed) == ([], [])


async def test_what_makes_the_night_safe_is_done_even_if_it_cannot_be_written() -> None:
    book = HeldBook()
    world = World(book=book)
    async with running(world):
        # Together with one that has to wait for the book.
        add, pause = world.give(AddScript(True, "slew.py")), world.give(Pause())
        await book.write("disk full")
        with pytest.raises(Refused, match="disk full"):
            await add
        await pause
    assert [type(event) for [event] in [book.owed]] == [CommandGiven]


async def test_whoever_listens_is_not_told_of_what_is_not_on_the_disk() -> None:
    book = HeldBook()
    world = World(book=book)
    told: list[ProcessExited] = []
    world.runtime.listen(ProcessExited, told.append)
    async with running(world):
        reply = await loading(world, book)
        world.runtime.post(ProcessStarted(world.runtime.now(), 100000, 42))
        await book.write()
        assert await reply == "100000"
        world.runtime.post(ProcessExited(world.runtime.now(), 100000, 1))
        await book.write("disk full")
        await world.runtime.settle(10.0)
    assert told == []


@pytest.mark.virtual_time
async def test_a_book_that_never_answers_is_waited_for_no_longer_than_said() -> None:
    loop = asyncio.get_running_loop()
    world = World(book=HeldBook())
    async with running(world):
        world.runtime.post(EnabledChanged(world.runtime.now(), True))
        began = loop.time()
        assert not await world.runtime.settle(8.0)
        assert loop.time() - began == pytest.approx(8.0)
    assert await world.runtime.settle(8.0), "nothing runs any more that could be waited for"


async def test_what_is_posted_meanwhile_is_not_waited_for() -> None:
    book = HeldBook()
    world = World(book=book)
    async with running(world):
        world.runtime.post(EnabledChanged(world.runtime.now(), True))
        settled = asyncio.ensure_future(world.runtime.settle(10.0))
        await book.asked(1)
        world.runtime.post(EnabledChanged(world.runtime.now(), False))
        await book.asked(2)
        await book.write()
        assert await settled
        assert PublishQueue in map(type, world.seen)


async def test_a_message_that_the_middleware_keeps_is_waited_for_no_longer_than_said() -> None:
    world = World()

    async def hang() -> None:
        await asyncio.get_running_loop().create_future()

    async with running(world):
        world.runtime.outbox.put(hang)
        assert not await world.runtime.settle(0.01)


async def test_nothing_is_waited_for_when_nothing_runs_any_more() -> None:
    world = World()
    async with running(world):
        await world.runtime.stop()
        world.runtime.post(EnabledChanged(world.runtime.now(), False))
        async with asyncio.timeout(1.0):
            assert await world.runtime.settle(60.0)


def test_an_effect_has_one_owner() -> None:
    world = World()
    with pytest.raises(ValueError, match=r"two owners: \['SetTimer'\]"):
        world.runtime.register({SetTimer: lambda effect: None})


async def launch(world: World, book: HeldBook, index: int) -> None:
    """Add a script, as far as its process."""
    reply = world.give(AddScript(True, "slew.py"))
    await book.write()
    world.runtime.post(ProcessStarted(world.runtime.now(), index, 42))
    await book.write()
    assert await reply == str(index)


async def report_loaded(world: World, book: HeldBook, index: int) -> None:
    """Have a script say that it is loaded, as far as that is to be written."""
    count = len(book.kept)
    now = world.runtime.now()
    world.runtime.post(ScriptStateReported(now, index, ScriptState.UNCONFIGURED, "", 42, now))
    await book.asked(count + 1)


def told(world: World) -> list[int]:
    """The scripts that were told to configure, in order."""
    return [effect.index for effect in world.seen if isinstance(effect, ConfigureScript)]


async def test_a_script_is_told_before_the_disk_is_done_if_that_cannot_be_forgotten() -> None:
    book = HeldBook(has_margin=True)
    world = World(book=book)
    async with running(world):
        await launch(world, book, 100000)
        await report_loaded(world, book, 100000)
        assert told(world) == [100000]
        # So is everything else done, and nothing is done twice.
        await world.runtime.settle(10)
        count = len(world.seen)
        await book.write()
        await world.runtime.settle(10)
    assert len(world.seen) == count
    assert told(world) == [100000]


async def test_whoever_listens_waits_for_the_disk_although_nobody_else_does() -> None:
    book = HeldBook(has_margin=True)
    world = World(book=book)
    heard = asyncio.Event()
    world.runtime.listen(ProcessExited, lambda event: heard.set())
    async with running(world):
        await launch(world, book, 100000)
        world.runtime.post(ProcessExited(world.runtime.now(), 100000, 1))
        await world.runtime.settle(10)
        assert "exit" in world.runtime.model.story(100000)
        assert not heard.is_set()
        await book.write()
        await heard.wait()


async def test_what_waits_for_the_disk_is_not_overtaken_by_what_need_not() -> None:
    book = HeldBook()
    world = World(book=book)
    async with running(world):
        await launch(world, book, 100000)
        await launch(world, book, 100001)
        await report_loaded(world, book, 100000)
        book.has_margin = True
        await report_loaded(world, book, 100001)
        assert told(world) == []
        await book.write()
        await book.write()
        await world.runtime.settle(10)
    assert told(world) == [100000, 100001]
