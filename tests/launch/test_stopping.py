# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a script is the end of all that it started."""

from __future__ import annotations

import asyncio
import functools
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lsst.ts.scriptqueue.launch import kept_child, local
from lsst.ts.scriptqueue.launch.contract import Identity, Launched, LaunchError
from lsst.ts.scriptqueue.launch.kept import KeptLauncher

from .fifo import Fifo
from .stage import Kind, Stage, is_alive

pytestmark = pytest.mark.system

#: Ignores SIGTERM, says its number, and stays.
STUBBORN = """
    trap '' TERM
    echo $$ > {news}
    while :; do sleep 1000; done
"""

#: A child that leaves the group and the family, and ignores SIGTERM.
DAEMON = """
    import os, signal, time
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            with open("{news}", "w") as news:
                print(os.getpid(), file=news)
            time.sleep(1000)
        os._exit(0)
    open("{gate}").readline()
"""


async def test_sigterm_is_enough_for_most(stage: Stage, news: Fifo) -> None:
    script = stage.script(
        f"""
        trap 'echo cleaned up; exit 1' TERM
        sleep 1000 &
        echo $! > {news.path}
        wait
        """
    )
    launched = await stage.launch(script)
    child = await news.pid()
    stage.launcher.terminate(launched.launch_id)
    exited = await stage.exit_of(launched)
    assert (exited.exit_code, exited.output_tail) == (1, "cleaned up")
    assert not is_alive(child)


async def test_sigkill_comes_after_the_plan(tmp_path: Path, kind: Kind, news: Fifo) -> None:
    stage = Stage(tmp_path, kind, kill_after_s=0.3)
    launched = await stage.launch(stage.script(STUBBORN.format(news=news.path)))
    await news.line()
    asked = time.monotonic()
    stage.launcher.terminate(launched.launch_id)
    stage.launcher.terminate(launched.launch_id)
    exited = await stage.exit_of(launched)
    assert exited.signal == signal.SIGKILL
    assert time.monotonic() - asked >= 0.3
    assert len(stage.told) == 1
    await stage.launcher.aclose()


async def test_a_stopped_process_can_still_end_well(tmp_path: Path, kind: Kind, news: Fifo) -> None:
    stage = Stage(tmp_path, kind, kill_after_s=10.0)
    launched = await stage.launch(
        stage.script(f"trap 'exit 7' TERM; sleep 1000 & echo ready > {news.path}; kill -STOP $$; wait")
    )
    await news.line()
    stage.launcher.terminate(launched.launch_id)
    assert (await stage.exit_of(launched)).exit_code == 7
    await stage.launcher.aclose()


async def test_children_do_not_outlive_a_script_that_ends(stage: Stage, news: Fifo) -> None:
    launched = await stage.launch(
        stage.script(f"(trap '' TERM HUP; echo $$; exec sleep 1000) > /dev/null & echo $! > {news.path}")
    )
    child = await news.pid()
    exited = await stage.exit_of(launched)
    assert exited.exit_code == 0
    assert not is_alive(child)


async def test_children_do_not_outlive_a_script_that_is_killed(stage: Stage, news: Fifo) -> None:
    launched = await stage.launch(
        stage.script(f"sh -c 'sleep 1000 & echo $! > {news.path}; wait' & wait; echo not reached")
    )
    grandchild = await news.pid()
    os.kill(launched.pid, signal.SIGKILL)
    exited = await stage.exit_of(launched)
    assert exited.signal == signal.SIGKILL
    assert not is_alive(grandchild)


@pytest.mark.parametrize("asked", [True, False], ids=["asked to end", "ends by itself"])
async def test_a_daemon_is_found_wherever_it_went(stage: Stage, news: Fifo, gate: Fifo, asked: bool) -> None:
    launched = await stage.launch(
        stage.script(DAEMON.format(news=news.path, gate=gate.path), first_line=f"#!{sys.executable}")
    )
    daemon = await news.pid()
    assert is_alive(daemon)
    if asked:
        stage.launcher.terminate(launched.launch_id)
    else:
        gate.let_pass()
    await stage.exit_of(launched)
    assert not is_alive(daemon)


async def test_one_scripts_end_is_no_other_scripts_end(stage: Stage, news: Fifo, gate: Fifo) -> None:
    waiting = f"setsid sleep 1000 & echo $! > {news.path}; read line < {gate.path}; exit 5"
    staying = await stage.launch(stage.script(waiting))
    child = await news.pid()
    await stage.run("exit 0")
    assert is_alive(child)
    gate.let_pass()
    assert (await stage.exit_of(staying)).exit_code == 5
    assert not is_alive(child)


async def test_ending_what_is_not_there_does_nothing(stage: Stage) -> None:
    stage.launcher.terminate("no such launch")
    launched = await stage.launch(stage.script("exit 0"))
    await stage.exit_of(launched)
    stage.launcher.terminate(launched.launch_id)


async def test_ending_what_is_only_being_started(stage: Stage) -> None:
    request = stage.script("sleep 1000")
    launching = asyncio.create_task(stage.launch(request))
    await asyncio.sleep(0)
    stage.launcher.terminate(request.launch_id)
    assert (await stage.exit_of(await launching)).signal == signal.SIGTERM


@pytest.mark.parametrize("turns", range(8))
async def test_a_cancelled_launch_leaves_nothing(stage: Stage, turns: int) -> None:
    request = stage.script("sleep 1000")
    launching = asyncio.create_task(stage.launch(request))
    for _ in range(turns):
        await asyncio.sleep(0)
    if not launching.cancel():
        # It can be over by then; what is cancelled as it succeeds has a test of its own.
        await stage.launcher.aclose()
        return
    with pytest.raises(asyncio.CancelledError):
        await launching
    assert f"script {request.launch_id}" not in {task.get_name() for task in asyncio.all_tasks()}
    await stage.launcher.aclose()
    assert not stage.told


@pytest.mark.parametrize("turns", [1, 2], ids=["before it is told", "after it is told"])
async def test_a_launch_cancelled_as_it_succeeds_leaves_nothing(
    stage: Stage, kind: Kind, monkeypatch: pytest.MonkeyPatch, turns: int
) -> None:
    loop = asyncio.get_running_loop()
    started: list[int] = []

    def launched(launch_id: str, identity: Identity, output_path: str) -> Launched:
        cancel: Callable[[], object] = launching.cancel
        for _ in range(turns):
            cancel = functools.partial(loop.call_soon, cancel)
        cancel()
        started.append(identity.pid)
        return Launched(launch_id, identity, output_path)

    monkeypatch.setattr(kept_child if kind is KeptLauncher else local, "Launched", launched)
    launching = asyncio.create_task(stage.launch(stage.script("sleep 1000")))
    with pytest.raises(asyncio.CancelledError):
        await launching
    assert [is_alive(pid) for pid in started] == [False]
    await stage.launcher.aclose()
    assert not stage.told


async def test_closing_ends_many_stubborn_ones_at_once(stage: Stage, news: Fifo) -> None:
    scripts = [stage.script(STUBBORN.format(news=news.path)) for _ in range(20)]
    launched = await asyncio.gather(*map(stage.launch, scripts))
    assert {await news.pid() for _ in scripts} == {child.pid for child in launched}
    began = time.monotonic()
    await stage.launcher.aclose()
    # One after another would take 4 s.
    assert time.monotonic() - began < 3
    assert [exited.signal for exited in stage.told] == [signal.SIGKILL] * 20
    assert not any(is_alive(child.pid) for child in launched)
    await stage.launcher.aclose()


async def test_nothing_is_launched_by_a_closed_launcher(stage: Stage) -> None:
    await stage.launcher.aclose()
    with pytest.raises(LaunchError, match="closed"):
        await stage.launch(stage.script("exit 0"))


async def test_closing_ends_what_is_only_being_started(stage: Stage) -> None:
    launching = [asyncio.create_task(stage.launch(stage.script("sleep 1000"))) for _ in range(5)]
    await asyncio.sleep(0)
    await stage.launcher.aclose()
    launched = await asyncio.gather(*launching)
    assert {exited.launch_id for exited in stage.told} == {child.launch_id for child in launched}


async def test_closing_that_is_cancelled_goes_on(stage: Stage, news: Fifo) -> None:
    launched = await stage.launch(stage.script(STUBBORN.format(news=news.path)))
    await news.line()
    closing = asyncio.create_task(stage.launcher.aclose())
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    assert (await stage.exit_of(launched)).signal == signal.SIGKILL
