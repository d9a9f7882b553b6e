# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Children under unusual circumstances: many at once, strange loops, old kernels, a dead parent."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from lsst.ts.scriptqueue.launch import local
from lsst.ts.scriptqueue.launch.contract import Exited
from lsst.ts.scriptqueue.launch.processes import Spawned, spawn

from .fifo import Fifo
from .stage import Kind, Stage, is_alive, write_script

pytestmark = pytest.mark.system

PIDFD_OPEN = os.pidfd_open

#: Launches one script, says so, and stays until it is killed.
PARENT = """
    import asyncio, sys
    from lsst.ts.scriptqueue.launch.contract import LaunchRequest
    from lsst.ts.scriptqueue.launch.environment import child_environment
    from lsst.ts.scriptqueue.launch.local import LocalLauncher

    async def main(state_dir, script, news):
        launcher = LocalLauncher(state_dir)
        request = LaunchRequest("one", 100001, script, (), child_environment(script, "one"))
        launched = await launcher.launch(request)
        with open(news, "w") as file:
            print(launched.pid, launched.output_path, file=file)
        await asyncio.Event().wait()

    asyncio.run(main(*sys.argv[1:]))
"""


@contextlib.asynccontextmanager
async def end_of(pid: int) -> AsyncIterator[None]:
    """Wait at the end of the block until a process that is no child has ended."""
    descriptor = PIDFD_OPEN(pid)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(descriptor, ended.set)
    try:
        yield
        async with asyncio.timeout(10):
            await ended.wait()
    finally:
        asyncio.get_running_loop().remove_reader(descriptor)
        os.close(descriptor)


async def test_a_hundred_at_once(local_stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    spawners: set[int] = set()

    def spy(*arguments: Any) -> Spawned:
        spawners.add(threading.get_ident())
        return spawn(*arguments)

    monkeypatch.setattr(local, "spawn", spy)
    requests = [local_stage.request("/bin/true") for _ in range(100)]
    launched = await asyncio.gather(*map(local_stage.launch, requests))
    exits = await asyncio.gather(*map(local_stage.exit_of, launched))
    assert {exited.exit_code for exited in exits} == {0}
    assert {exited.launch_id for exited in exits} == {request.launch_id for request in requests}
    assert len(local_stage.told) == 100
    # It takes a process 0.5 ms to start another, so it is not done on the loop.
    assert threading.get_ident() not in spawners


async def test_children_do_not_know_whether_the_parent_lives(tmp_path: Path, news: Fifo, gate: Fifo) -> None:
    script = write_script(
        tmp_path / "script",
        f"echo before; read line < {gate.path}; echo after; echo done > {news.path}; read line < {gate.path}",
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", dedent(PARENT), str(tmp_path / "state"), str(script), str(news.path)
    )
    pid, output = (await news.line()).split()
    parent.kill()
    await parent.wait()
    gate.let_pass()
    assert await news.line() == "done"
    assert is_alive(int(pid))
    assert Path(output).read_text() == "before\nafter\n"
    async with end_of(int(pid)):
        gate.let_pass()


class TestWithoutPidfd:
    @pytest.fixture(autouse=True)
    def refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(pid: int, flags: int = 0) -> int:
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

        monkeypatch.setattr(os, "pidfd_open", refuse)

    async def test_the_exit_is_told(self, local_stage: Stage) -> None:
        assert (await local_stage.run("exit 3")).exit_code == 3

    async def test_all_is_ended(self, local_stage: Stage, news: Fifo) -> None:
        launched = await local_stage.launch(
            local_stage.script(f"trap '' TERM; setsid sleep 1000 & echo $! > {news.path}; wait")
        )
        async with end_of(await news.pid()):
            local_stage.launcher.terminate(launched.launch_id)
            assert (await local_stage.exit_of(launched)).signal == signal.SIGKILL


def reap(pid: int) -> None:
    """Wait for a child behind the launcher's back, and before the loop can hear of its end."""
    os.waitpid(pid, 0)


async def test_a_child_that_something_else_reaped(
    local_stage: Stage, gate: Fifo, monkeypatch: pytest.MonkeyPatch
) -> None:
    launched = await local_stage.launch(local_stage.script(f"read line < {gate.path}; exit 3"))
    gate.let_pass()
    reap(launched.pid)
    signalled: list[int] = []
    monkeypatch.setattr(os, "killpg", lambda group, number: signalled.append(group))
    exited = await local_stage.exit_of(launched)
    # By now the number may mean somebody else.
    assert not signalled
    assert (exited.exit_code, exited.signal) == (None, None)


async def test_a_loop_in_another_thread(tmp_path: Path, kind: Kind) -> None:
    async def launch_and_end() -> list[Exited]:
        stage = Stage(tmp_path, kind)
        await stage.run("exit 3")
        await stage.launch(stage.script("sleep 1000"))
        await stage.launcher.aclose()
        return stage.told

    told = await asyncio.to_thread(asyncio.run, launch_and_end())
    assert [(exited.exit_code, exited.signal) for exited in told] == [(3, None), (None, signal.SIGTERM)]


def test_a_loop_that_is_torn_down_takes_its_children_along(tmp_path: Path) -> None:
    async def launch_and_leave() -> int:
        return (await stage.launch(stage.script("sleep 1000"))).pid

    stage = Stage(tmp_path)
    assert not is_alive(asyncio.run(launch_and_leave()))


async def test_two_launchers_do_not_disturb_each_other(tmp_path: Path, kind: Kind, gate: Fifo) -> None:
    one, other = Stage(tmp_path / "one", kind), Stage(tmp_path / "other", kind)
    staying = await one.launch(one.script(f"read line < {gate.path}; exit 4"))
    await other.launch(other.script("sleep 1000"))
    await other.launcher.aclose()
    gate.let_pass()
    assert (await one.exit_of(staying)).exit_code == 4
    await one.launcher.aclose()
