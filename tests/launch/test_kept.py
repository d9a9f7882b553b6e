# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Children that outlive the queue, and a keeper that is killed."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from textwrap import dedent

import psutil
import pytest

from lsst.ts.scriptqueue.keeper.identity import identity_of
from lsst.ts.scriptqueue.launch import keeper_link
from lsst.ts.scriptqueue.launch.contract import Exited, Inherited, Launched, LaunchError
from lsst.ts.scriptqueue.launch.kept import KeptLauncher

from ..keeper.talk import end_keeper, end_of, keeper_pid
from .fifo import Fifo
from .stage import Stage, is_alive, write_script

pytestmark = pytest.mark.system

#: A queue: launches a script, says its process id, and stays until it is killed.
QUEUE = """
    import asyncio, sys
    from lsst.ts.scriptqueue.launch.contract import LaunchRequest
    from lsst.ts.scriptqueue.launch.environment import child_environment
    from lsst.ts.scriptqueue.launch.kept import KeptLauncher

    async def main(state_dir, news, *scripts):
        launcher = KeptLauncher(state_dir)
        for script in scripts:
            request = LaunchRequest(script, 100001, script, (), child_environment(script, script))
            await launcher.launch(request)
        with open(news, "w") as file:
            print("launched", file=file)
        await asyncio.Event().wait()

    asyncio.run(main(*sys.argv[1:]))
"""


class KeptStage(Stage):
    """A stage on which the second queue in the same folder takes the place of the first."""

    launcher: KeptLauncher

    def __init__(self, folder: Path, **options: float) -> None:
        super().__init__(folder, KeptLauncher, **options)  # type: ignore[arg-type]

    @property
    def keeper(self) -> int:
        """Process id of the keeper."""
        return keeper_pid(self.folder / "state")

    async def kill_keeper(self) -> None:
        """Kill the keeper, and wait until it has gone."""
        pid = self.keeper
        os.kill(pid, signal.SIGKILL)
        await end_of(pid)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[KeptStage]:
    stage = KeptStage(tmp_path)
    yield stage
    await stage.launcher.aclose()
    await end_keeper(tmp_path / "state")


@pytest.fixture
async def heir(stage: KeptStage, tmp_path: Path) -> AsyncIterator[KeptStage]:
    """The queue that comes after the one of `stage`."""
    heir = KeptStage(tmp_path)
    yield heir
    await heir.launcher.aclose()


async def run_queue_until_killed(folder: Path, news: Fifo, *scripts: Path, lines: int = 0) -> None:
    """Run a queue that launches scripts and is then killed; `lines` are awaited from the scripts before."""
    queue = await asyncio.create_subprocess_exec(
        sys.executable, "-c", dedent(QUEUE), folder / "state", news.path, *scripts
    )
    said = [await news.line() for _ in range(lines + 1)]
    assert "launched" in said
    queue.kill()
    await queue.wait()


class TestTheQueueIsGone:
    async def test_killed_it_is_succeeded(self, stage: KeptStage, news: Fifo, gate: Fifo) -> None:
        living = write_script(stage.folder / "living", f"read line < {gate.path}; echo last words; exit 4")
        ended = write_script(stage.folder / "ended", "echo said; exit 3")
        await run_queue_until_killed(stage.folder, news, living, ended)
        by_id = {child.launched.launch_id: child for child in await stage.launcher.inherited()}
        assert by_id.keys() == {str(living), str(ended)}
        still = by_id[str(living)]
        assert still.exited is None
        assert still.launched.identity == identity_of(still.launched.pid)
        if by_id[str(ended)].exited is None:
            # It had no time to end before the queue was killed.
            exited = await stage.exit_of(by_id[str(ended)].launched)
        else:
            exited = by_id[str(ended)].exited or exited
        assert exited == Exited(str(ended), 100001, 3, None, "said")
        gate.let_pass()
        exited = await stage.exit_of(still.launched)
        assert exited == Exited(str(living), 100001, 4, None, "last words")

    async def test_what_ended_before_is_not_told_again(
        self, stage: KeptStage, heir: KeptStage, news: Fifo
    ) -> None:
        request = stage.script("echo said; exit 3")
        launched = await stage.launch(request)
        exited = await stage.exit_of(launched)
        await stage.launcher.release()
        assert await heir.launcher.inherited() == (Inherited(launched, request.sal_index, exited),)
        assert await heir.launcher.inherited() == ()
        await heir.run("exit 0")
        assert [told.launch_id == request.launch_id for told in heir.told] == [False]

    async def test_what_was_taken_is_forgotten(self, stage: KeptStage, heir: KeptStage, gate: Fifo) -> None:
        staying = await stage.launch(stage.script(f"read line < {gate.path}"))
        launched = await stage.launch(stage.script("exit 3"))
        await stage.exit_of(launched)
        stage.launcher.taken(launched.launch_id)
        stage.launcher.taken(staying.launch_id)
        stage.launcher.taken("no such launch")
        await stage.launcher.release()
        assert [child.launched for child in await heir.launcher.inherited()] == [staying]
        gate.let_pass()
        await heir.exit_of(staying)

    async def test_what_ends_after_it_has_begun_is_not_told_before_it_is_asked_for(
        self, stage: KeptStage, heir: KeptStage, gate: Fifo
    ) -> None:
        launched = await stage.launch(stage.script(f"read line < {gate.path}; exit 3"))
        await stage.launcher.release()
        heir.launcher.begin()
        gate.let_pass()
        await asyncio.to_thread(psutil.wait_procs, [psutil.Process(launched.pid)])
        [inherited] = await heir.launcher.inherited()
        assert inherited.exited is not None
        assert inherited.exited.exit_code == 3
        assert heir.told == []

    async def test_where_there_is_a_keeper_none_is_started(
        self, stage: KeptStage, heir: KeptStage, gate: Fifo, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        launched = await stage.launch(stage.script(f"read line < {gate.path}"))
        await stage.launcher.release()
        started: list[str] = []
        monkeypatch.setattr(keeper_link, "_start", started.append)
        heir.launcher.begin()
        assert [child.launched for child in await heir.launcher.inherited()] == [launched]
        assert started == []
        gate.let_pass()
        await heir.exit_of(launched)

    async def test_who_never_asks_is_told_all(self, stage: KeptStage, heir: KeptStage) -> None:
        launched = await stage.launch(stage.script("exit 3"))
        await stage.exit_of(launched)
        await stage.launcher.release()
        await heir.launch(heir.script("exit 0"))
        assert (await heir.exit_of(launched)).exit_code == 3

    async def test_a_launch_is_not_repeated(
        self, stage: KeptStage, heir: KeptStage, news: Fifo, gate: Fifo
    ) -> None:
        living = stage.script(f"echo living > {news.path}; read line < {gate.path}; exit 4")
        ended = stage.script(f"echo ended > {news.path}; exit 3")
        first = [await stage.launch(living), await stage.launch(ended)]
        await stage.exit_of(first[1])
        await stage.launcher.release()
        again = [
            await heir.launch(dataclasses.replace(request, perhaps_started=True))
            for request in (living, ended)
        ]
        assert again == first
        assert (await heir.exit_of(again[1])).exit_code == 3
        gate.let_pass()
        assert (await heir.exit_of(again[0])).exit_code == 4
        assert len(heir.told) == 2
        assert sorted([await news.line(), await news.line()]) == ["ended", "living"]

    async def test_a_repeated_launch_that_has_ended_is_told_once(
        self, stage: KeptStage, heir: KeptStage
    ) -> None:
        request = stage.script("exit 3")
        launched = await stage.launch(request)
        await stage.exit_of(launched)
        await stage.launcher.release()
        assert await heir.launcher.adopt([]) == frozenset()
        assert await heir.launch(request) == launched
        assert (await heir.exit_of(launched)).exit_code == 3
        await heir.run("exit 0")
        assert len(heir.told) == 2

    async def test_they_can_be_ended(self, stage: KeptStage, heir: KeptStage) -> None:
        launched = await stage.launch(stage.script("sleep 1000"))
        await stage.launcher.release()
        assert is_alive(launched.pid)
        await heir.launcher.inherited()
        heir.launcher.terminate(launched.launch_id)
        assert (await heir.exit_of(launched)).signal == signal.SIGTERM

    async def test_closing_ends_them_and_the_keeper(self, stage: KeptStage, heir: KeptStage) -> None:
        launched = await stage.launch(stage.script("sleep 1000"))
        await stage.launcher.release()
        await heir.launcher.inherited()
        pid = heir.keeper
        await heir.launcher.aclose()
        assert not is_alive(launched.pid)
        assert [exited.signal for exited in heir.told] == [signal.SIGTERM]
        await end_of(pid)

    async def test_a_released_launcher_starts_nothing(self, stage: KeptStage) -> None:
        await stage.launch(stage.script("exit 0"))
        await stage.launcher.release()
        with pytest.raises(LaunchError, match="closed"):
            await stage.launch(stage.script("exit 0"))
        with pytest.raises(LaunchError, match="closed"):
            await stage.launcher.inherited()

    async def test_a_loop_that_is_torn_down_leaves_them(self, stage: KeptStage) -> None:
        async def launch_and_leave() -> Launched:
            earlier = KeptStage(stage.folder)
            return await earlier.launch(earlier.script("sleep 1000"))

        launched = await asyncio.to_thread(asyncio.run, launch_and_leave())
        assert [child.launched for child in await stage.launcher.inherited()] == [launched]
        assert is_alive(launched.pid)

    async def test_a_second_queue_is_refused(self, stage: KeptStage, heir: KeptStage) -> None:
        launched = await stage.launch(stage.script("sleep 1000"))
        with pytest.raises(
            LaunchError, match=f"process {os.getpid()} is the queue of this keeper, and lives"
        ):
            await heir.launcher.inherited()
        assert is_alive(launched.pid)


class TestTheKeeperIsKilled:
    async def test_another_one_adopts_its_children(
        self, stage: KeptStage, gate: Fifo, caplog: pytest.LogCaptureFixture
    ) -> None:
        launched = await stage.launch(stage.script(f"read line < {gate.path}; echo last words; exit 4"))
        await stage.kill_keeper()
        # The next launch waits for the next keeper.
        assert (await stage.run("exit 5")).exit_code == 5
        assert is_alive(launched.pid)
        gate.let_pass()
        exited = await stage.exit_of(launched)
        assert not exited.status_is_known
        assert exited.output_tail == "last words"
        assert len(stage.told) == 2
        assert [record.message for record in caplog.records if record.levelno >= logging.ERROR] == [
            "the keeper is lost; its scripts are given to another one"
        ]

    async def test_adopted_ones_can_be_ended_with_all_that_they_started(
        self, stage: KeptStage, news: Fifo
    ) -> None:
        text = f"trap '' TERM; setsid sleep 1000 & echo $! > {news.path}; while :; do wait; done"
        launched = await stage.launch(stage.script(text))
        child = await news.pid()
        await stage.kill_keeper()
        stage.launcher.terminate(launched.launch_id)
        assert not (await stage.exit_of(launched)).status_is_known
        assert not is_alive(launched.pid)
        assert not is_alive(child)

    async def test_what_ended_with_it_is_told(self, stage: KeptStage, gate: Fifo) -> None:
        launched = await stage.launch(stage.script(f"read line < {gate.path}; exit 4"))
        os.kill(stage.keeper, signal.SIGSTOP)
        gate.let_pass()
        await end_of(launched.pid)
        await stage.kill_keeper()
        exited = await stage.exit_of(launched)
        assert (exited.exit_code, exited.signal, exited.status_is_known) == (None, None, False)

    async def test_a_launch_under_way_happens_once(
        self, stage: KeptStage, news: Fifo, gate: Fifo, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await stage.launcher.inherited()
        request = stage.script(f"echo $$ > {news.path}; read line < {gate.path}; exit 4")
        link = stage.launcher._keeper.link
        assert link is not None
        # It starts the child, but nobody hears of it: the answer is missed.
        monkeypatch.setattr(link, "_hear", lambda message: None)
        launching = asyncio.create_task(stage.launch(request))
        pid = await news.pid()
        await stage.kill_keeper()
        assert (await launching).launch_id == request.launch_id
        assert is_alive(pid)
        gate.let_pass()
        await stage.exit_of(await launching)

    async def test_closing_gets_rid_of_them_all_the_same(self, stage: KeptStage) -> None:
        launched = await stage.launch(stage.script("sleep 1000"))
        await stage.kill_keeper()
        await stage.launcher.aclose()
        assert not is_alive(launched.pid)
        assert len(stage.told) == 1

    async def test_a_connection_that_breaks_changes_nothing(self, stage: KeptStage, gate: Fifo) -> None:
        launched = await stage.launch(stage.script(f"read line < {gate.path}; exit 4"))
        await stage.run("exit 3")
        keeper = stage.keeper
        link = stage.launcher._keeper.link
        assert link is not None
        await link.aclose()
        await stage.run("exit 5")
        gate.let_pass()
        await stage.exit_of(launched)
        assert [exited.exit_code for exited in stage.told] == [3, 5, 4]
        assert stage.keeper == keeper

    async def test_many_times(self, stage: KeptStage, gate: Fifo) -> None:
        children = []
        for _ in range(3):
            children.append(await stage.launch(stage.script(f"read line < {gate.path}")))
            await stage.kill_keeper()
            await stage.run("exit 0")
        assert all(is_alive(child.pid) for child in children)
        for _ in children:
            gate.let_pass()
        await asyncio.gather(*map(stage.exit_of, children))


class TestBothAreKilled:
    async def test_the_next_queue_adopts_what_its_books_name(
        self, stage: KeptStage, heir: KeptStage, gate: Fifo, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.CRITICAL)
        living = await stage.launch(stage.script(f"read line < {gate.path}; echo last words; exit 4"))
        gone = await stage.launch(stage.script("echo said; exit 3"))
        exited = await stage.exit_of(gone)
        keeper = stage.keeper
        os.kill(keeper, signal.SIGSTOP)
        await stage.launcher.release()
        os.kill(keeper, signal.SIGKILL)
        await end_of(keeper)
        assert await heir.launcher.inherited() == ()
        reused = dataclasses.replace(
            living, launch_id="reused", identity=living.identity._replace(start_ticks=1)
        )
        known = Inherited(dataclasses.replace(gone, launch_id="known"), 100004, exited)
        books = [Inherited(living, 100001), Inherited(gone, 100002), Inherited(reused, 100003), known]
        assert await heir.launcher.adopt(books) == {living.launch_id}
        assert await heir.launcher.adopt(books) == {living.launch_id}
        assert is_alive(living.pid)
        assert (await heir.exit_of(gone)) == Exited(gone.launch_id, 100002, None, None, "said")
        assert not (await heir.exit_of(reused)).status_is_known
        gate.let_pass()
        assert (await heir.exit_of(living)) == Exited(living.launch_id, 100001, None, None, "last words")
        assert len(heir.told) == 3

    async def test_a_launch_that_no_books_name_is_found(
        self, stage: KeptStage, heir: KeptStage, news: Fifo, gate: Fifo
    ) -> None:
        request = stage.script(f"echo $$ > {news.path}; read line < {gate.path}")
        await stage.launch(request)
        pid = await news.pid()
        keeper = stage.keeper
        os.kill(keeper, signal.SIGSTOP)
        await stage.launcher.release()
        os.kill(keeper, signal.SIGKILL)
        await end_of(keeper)
        again = await heir.launch(dataclasses.replace(request, perhaps_started=True))
        assert again.pid == pid
        gate.let_pass()
        assert not (await heir.exit_of(again)).status_is_known


class TestNoKeeper:
    async def test_a_long_state_directory(self, tmp_path: Path) -> None:
        stage = KeptStage(tmp_path / ("long" * 40))
        assert (await stage.run("exit 3")).exit_code == 3
        await stage.launcher.aclose()

    async def test_where_none_can_run(self, stage: KeptStage) -> None:
        (stage.folder / "state" / "keeper.lock").mkdir(parents=True)
        with pytest.raises(LaunchError, match=r"no keeper can run in .*: Is a directory"):
            await stage.launch(stage.script("exit 0"))
        with pytest.raises(LaunchError, match=r"no keeper can run in .*: Is a directory"):
            await stage.launcher.inherited()

    async def test_closing_what_was_never_used_starts_none(self, stage: KeptStage) -> None:
        await stage.launcher.aclose()
        assert not (stage.folder / "state").exists()
