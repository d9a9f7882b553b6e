# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting and closing controllers, remotes and domains."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Any

import pytest

from lsst.ts.scriptqueue.bus import BusError, IndexRange, Link, Reading, TopicSpec
from lsst.ts.scriptqueue.bus.memory import MemoryBroker, MemoryBus
from lsst.ts.scriptqueue.sal import Controller, Domain, Remote
from lsst.ts.scriptqueue.sal.endpoint import CLOSE_GRACE_S, Phase
from lsst.ts.scriptqueue.sal.errors import ComponentError

from .world import INDEX, SOON_S, Obedient, SteppedClock, World, soon, time_passes


class BrokenBus(MemoryBus):
    """A bus that cannot be reached."""

    async def open(self, *, index: int, writes: Iterable[TopicSpec], reads: Iterable[Reading]) -> Link:
        raise BusError("nobody is there; start the broker")


class WaitingBus(MemoryBus):
    """A bus that takes for ever."""

    def __init__(self) -> None:
        super().__init__(MemoryBroker())
        self.asked = asyncio.Event()

    async def open(self, *, index: int, writes: Iterable[TopicSpec], reads: Iterable[Reading]) -> Link:
        self.asked.set()
        await asyncio.Event().wait()
        raise AssertionError


async def test_topics_are_attributes_and_found_by_name(world: World) -> None:
    async with Obedient(world.domain()) as script, Remote(world.domain(), "Script", INDEX) as remote:
        assert script.evt_state is script.events["state"]
        assert script.cmd_run is script.commands["run"]
        assert remote.evt_state is remote.events["state"]
        assert remote.cmd_run is remote.commands["run"]
        assert {"evt_state", "cmd_run"} <= set(dir(remote))


async def test_unknown_topic_is_refused_with_those_there_are(world: World) -> None:
    remote = Remote(world.domain(), "Script", INDEX, include=["state"])
    with pytest.raises(AttributeError, match=f"Script:{INDEX} has no evt_stat here; there are evt_state"):
        _ = remote.evt_stat
    with pytest.raises(AttributeError, match=r"has no cmd_rnu here; there are .*cmd_run"):
        _ = remote.cmd_rnu
    with pytest.raises(AttributeError, match="has no tel_x here; there are none"):
        _ = remote.tel_x
    with pytest.raises(AttributeError, match="Remote has no attribute foo"):
        _ = remote.foo


async def test_remote_reads_what_it_is_told_to(world: World) -> None:
    domain = world.domain()
    assert set(Remote(domain, "Script", 1, include=["state", "metadata"]).events) == {"state", "metadata"}
    without = set(Remote(domain, "Script", 1, exclude=["state"]).events)
    assert "metadata" in without
    assert "state" not in without
    assert not Remote(domain, "Script", 1, readonly=True).commands
    assert not Remote(domain, "Script", 1, include=[]).events
    with pytest.raises(ComponentError, match="include or exclude, not both"):
        Remote(domain, "Script", 1, include=[], exclude=[])
    with pytest.raises(
        ComponentError, match="Script has no event or telemetry stat; there are checkpoints, "
    ):
        Remote(domain, "Script", 1, include=["stat"])


@pytest.mark.parametrize(
    ("index", "indices", "own"),
    [
        (5, IndexRange(5, 5), 5),
        (0, IndexRange.every(), 0),
        (None, IndexRange.every(), 0),
        (IndexRange(5, 9), IndexRange(5, 9), 0),
        (IndexRange(5, 5), IndexRange(5, 5), 5),
    ],
)
async def test_remote_is_of_one_of_some_or_of_all(
    world: World, index: int | IndexRange | None, indices: IndexRange, own: int
) -> None:
    remote = Remote(world.domain(), "Script", index)
    assert (remote.indices, remote.index) == (indices, own)


async def test_method_for_a_command_that_does_not_exist_is_refused(world: World) -> None:
    class Mistaken(Controller):
        async def do_configrue(self, data: Any) -> None: ...

    with pytest.raises(
        TypeError, match=r"Mistaken.do_configrue: Script has no command configrue; its .* configure"
    ):
        Mistaken(world.domain(), "Script", INDEX)


async def test_controller_of_an_indexed_component_needs_an_index(world: World) -> None:
    controller = Controller(world.domain(), "Script", 0)
    with pytest.raises(ComponentError, match="a controller of Script has an index above 0, not 0"):
        await controller.start_task


async def test_write_only_controller_gets_no_commands(world: World) -> None:
    async with (
        Controller(world.domain(), "Script", INDEX, write_only=True) as script,
        Remote(world.domain(), "Script", INDEX) as remote,
    ):
        assert not script.commands
        await script.evt_state.set_write(state=1)
        assert (await remote.evt_state.next(flush=False, timeout=SOON_S)).state == 1


async def test_controller_introduces_itself(world: World) -> None:
    script = Controller(world.domain(), "Script", INDEX)
    script.log.setLevel(logging.DEBUG)
    async with script, Remote(world.domain(), "Script", INDEX) as remote:
        assert remote.evt_logLevel.get().level == logging.DEBUG
        versions = remote.evt_softwareVersions.get()
        assert (versions.cscVersion, versions.xmlVersion) == (Controller.version, "28.0.1")
        ack = await remote.cmd_setLogLevel.set_start(level=logging.WARNING, subsystem="s", timeout=SOON_S)
        assert ack.result == "Done"
        assert script.log.level == logging.WARNING
        data = remote.evt_logLevel.get()
        assert (data.level, data.subsystem) == (logging.WARNING, "s")
    script.log.setLevel(logging.INFO)


async def test_log_level_is_no_higher_than_info_at_first(world: World) -> None:
    logging.getLogger(f"Script.{INDEX + 3}").setLevel(logging.NOTSET)
    assert Controller(world.domain(), "Script", INDEX + 3).log.getEffectiveLevel() <= logging.INFO


async def test_start_task_is_one_and_can_be_awaited_by_many(world: World) -> None:
    remote = Remote(world.domain(), "Script", INDEX)
    await asyncio.gather(remote.start_task, remote.start_task)
    with pytest.raises(ComponentError, match="is open; each is started once"):
        await remote.start()
    await remote.close()
    assert remote.phase is Phase.CLOSED


async def test_start_that_fails_closes_and_says_why() -> None:
    async with Domain(BrokenBus(MemoryBroker()), clock=SteppedClock()) as domain:
        script = Controller(domain, "Script", INDEX)
        with pytest.raises(BusError, match="start the broker"):
            await script.start_task
        assert script.phase is Phase.CLOSED
        with pytest.raises(BusError, match="start the broker"):
            await script.done_task
        assert script.log.handlers == []


async def test_start_that_is_cancelled_leaves_nothing(world: World) -> None:
    bus = WaitingBus()
    async with Domain(bus, clock=SteppedClock()) as domain:
        script = Controller(domain, "Script", INDEX)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1), script:
                pass
        assert bus.asked.is_set()
        assert script.phase is Phase.CLOSED


async def test_close_during_the_start_ends_it() -> None:
    bus = WaitingBus()
    async with Domain(bus, clock=SteppedClock()) as domain:
        script = Controller(domain, "Script", INDEX)
        start = script.start_task
        await soon(bus.asked)
        await script.close()
        assert start.cancelled()
        assert script.phase is Phase.CLOSED


async def test_subclass_that_fails_to_start_is_closed(world: World) -> None:
    class Failing(Controller):
        async def start(self) -> None:
            await super().start()
            raise ZeroDivisionError

    script = Failing(world.domain(), "Script", INDEX)
    with pytest.raises(ZeroDivisionError):
        async with script:
            pass
    assert script.phase is Phase.CLOSED
    assert isinstance(script.done_task.exception(), ZeroDivisionError)


async def test_close_without_a_start_is_harmless(world: World) -> None:
    script = Controller(world.domain(), "Script", INDEX)
    done = script.done_task
    await script.close()
    await script.close()
    assert done.done()
    with pytest.raises(ComponentError, match="is closed; each is started once"):
        await script.start_task


async def test_many_may_close_and_all_wait_for_the_end(world: World) -> None:
    async with Obedient(world.domain()) as script:
        await asyncio.gather(script.close(), script.close())
        assert script.phase is Phase.CLOSED
        assert script.done_task.done()


async def test_exception_given_to_close_comes_out_of_done_task(world: World) -> None:
    async with Obedient(world.domain()) as script:
        await script.close(RuntimeError("worn out"))
        with pytest.raises(RuntimeError, match="worn out"):
            await script.done_task


async def test_closing_in_order(world: World) -> None:
    story: list[str] = []

    class Careful(Obedient):
        heartbeat_interval = 1.0

        async def do_run(self, data: Any) -> None:
            try:
                await super().do_run(data)
            finally:
                story.append("command ended")

        async def close_tasks(self) -> None:
            await super().close_tasks()
            await time_passes(3.5)
            await self.evt_state.set_write(state=9)
            story.append("cleaned up")

    async with Remote(world.domain(), "Script", INDEX) as remote:
        script = Careful(world.domain())
        async with script, asyncio.TaskGroup() as group:
            remote.evt_heartbeat.callback = lambda data: story.append("heartbeat")
            remote.evt_state.callback = lambda data: story.append("last state")
            group.create_task(asyncio.wait_for(asyncio.shield(_run(remote)), SOON_S))
            await soon(script.began)
            story.clear()
            await script.close()
        assert story == ["command ended", "heartbeat", "heartbeat", "heartbeat", "cleaned up", "last state"]


async def _run(remote: Remote) -> None:
    with pytest.raises(Exception, match="Aborted"):
        await remote.cmd_run.start(timeout=SOON_S)


async def test_cleaning_up_that_fails_does_not_stop_the_closing(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    class Clumsy(Obedient):
        async def close_tasks(self) -> None:
            raise ZeroDivisionError

    async with Clumsy(world.domain()) as script:
        await script.close()
    assert script.phase is Phase.CLOSED
    assert "cleaning up failed; the closing goes on" in caplog.text


async def test_task_that_fails_closes_its_owner(world: World, caplog: pytest.LogCaptureFixture) -> None:
    cleaned: list[str] = []

    class Doomed(Obedient):
        async def close_tasks(self) -> None:
            cleaned.append("up")

    async def fail() -> None:
        raise ZeroDivisionError("by a bug")

    async with Doomed(world.domain()) as script:
        script.spawn(fail(), "failure", background=True)
        with pytest.raises(ZeroDivisionError, match="by a bug"):
            await asyncio.wait_for(script.done_task, SOON_S)
        assert script.phase is Phase.CLOSED
    assert cleaned == ["up"]
    assert f"Script:{INDEX} ends because one of its tasks failed" in caplog.text


async def test_task_that_asked_for_the_end_and_goes_on_is_cancelled(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    loop = asyncio.get_running_loop()
    async with Obedient(world.domain()) as script:

        async def linger() -> None:
            await script.close()
            await asyncio.Event().wait()

        script.spawn(linger(), "lingerer")
        await asyncio.wait_for(script.done_task, 2 * CLOSE_GRACE_S)
        assert loop.time() == pytest.approx(CLOSE_GRACE_S)
    assert f"Script:{INDEX} lingerer is cancelled" in caplog.text


async def test_task_begun_last_is_cancelled_after_its_first_step(world: World) -> None:
    story: list[str] = []

    async def linger() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            story.append("ended")

    class Late(Obedient):
        async def close_tasks(self) -> None:
            self.spawn(linger(), "late", background=True)

    async with Late(world.domain()):
        pass
    assert story == ["ended"]


async def test_cleaning_up_may_close_again(world: World) -> None:
    class Eager(Obedient):
        async def close_tasks(self) -> None:
            await self.close()

    async with Eager(world.domain()) as script:
        await asyncio.wait_for(script.close(), SOON_S)
    assert script.phase is Phase.CLOSED


async def test_nothing_can_be_written_after_the_end(world: World) -> None:
    async with Obedient(world.domain()) as script:
        pass
    with pytest.raises(ComponentError, match="is closed"):
        await script.evt_state.write()
    with pytest.raises(ComponentError, match="is closed and runs nothing"):
        script.spawn(asyncio.sleep(0), "straggler")


async def test_topics_that_do_not_close_well_do_not_stop_the_closing(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail() -> None:
        raise BusError("the broker has gone")

    async with Obedient(world.domain()) as script:
        link = script._link
        assert link is not None
        link_close, link.aclose = link.aclose, fail  # type: ignore[method-assign]
        await script.close()
        assert script.phase is Phase.CLOSED
        await link_close()
    assert "its topics were not closed well: the broker has gone" in caplog.text


async def test_closing_a_remote_wakes_all_who_wait(world: World) -> None:
    async with Obedient(world.domain()) as script, Remote(world.domain(), "Script", INDEX) as remote:
        waiting = [
            asyncio.ensure_future(remote.evt_state.next(flush=False)),
            asyncio.ensure_future(remote.evt_state.aget()),
            asyncio.ensure_future(remote.cmd_run.start()),
        ]
        await soon(script.began)
        await remote.close()
        ended = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), SOON_S)
    assert [type(error) for error in ended] == [ComponentError] * 3
    assert str(ended[2]) == f"Script:{INDEX} run: the remote was closed before it was done"
