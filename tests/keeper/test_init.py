# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keeper as process 1: it starts the queue, starts it again, and reaps what others leave.

The queues here are shells, which say and do what a test needs.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path

import pytest

from ..launch.fifo import Fifo
from ..launch.stage import is_alive, write_script
from .talk import PROGRAM, Talk, keeper_pid

pytestmark = pytest.mark.system

Start = Callable[..., Coroutine[None, None, asyncio.subprocess.Process]]

_PATIENCE_S = 20.0

#: Makes a PID namespace, whose process 1 is the command that follows.
UNSHARE = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]


@pytest.fixture
async def init(
    state_dir: Path,
) -> AsyncIterator[Start]:
    """Starts a keeper with a queue; what is left of it after the test is killed."""
    started: list[asyncio.subprocess.Process] = []

    async def start(queue: str, *before: str) -> asyncio.subprocess.Process:
        command = [*before, *PROGRAM, "--init", str(state_dir), "--", "sh", "-c", queue]
        process = await asyncio.create_subprocess_exec(*command, stderr=subprocess.PIPE)
        started.append(process)
        return process

    yield start
    for process in started:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def end(process: asyncio.subprocess.Process) -> tuple[int | None, str]:
    """Wait for the end of a keeper; returns its exit status and what it has said."""
    async with asyncio.timeout(_PATIENCE_S):
        _, said = await process.communicate()
    return process.returncode, said.decode()


async def test_a_planned_end_is_its_own(
    init: Start,
) -> None:
    status, said = await end(await init("exit 0"))
    assert status == 0
    assert "has ended as planned, with exit code 0" in said


async def test_a_queue_that_fails_is_started_again(init: Start, news: Fifo, tmp_path: Path) -> None:
    count = tmp_path / "count"
    status, said = await end(
        await init(f"echo x >> {count}; case $(wc -l < {count}) in 1) exit 3;; 2) kill -KILL $$;; esac")
    )
    assert status == 0
    events = [line.partition(": ")[2] for line in said.splitlines()]
    assert [event for event in events if "again" in event] == [
        "the queue is started again in 0 s",
        "the queue is started again in 1 s",
    ]
    unasked = [event.partition(" has ended unasked, ")[2] for event in events if " unasked, " in event]
    assert unasked == ["with exit code 3", "by SIGKILL"]


async def test_sigterm_is_passed_on_and_is_the_end(init: Start, news: Fifo, gate: Fifo) -> None:
    on_term = f"trap 'echo stopping > {news.path}; exit 5' TERM"
    process = await init(f"{on_term}; echo > {news.path}; while :; do read line < {gate.path}; done")
    await news.line()
    process.terminate()
    assert await news.line() == "stopping"
    status, said = await end(process)
    assert status == 5
    assert "again" not in said


async def test_a_program_that_is_not_there(init: Start, state_dir: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *PROGRAM, "--init", state_dir, "--", "no_such_queue", stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    said = ""
    while "again in 1 s" not in said:
        said += (await process.stderr.readline()).decode()
    assert "no_such_queue cannot be started: No such file" in said
    process.terminate()
    assert (await end(process))[0] == 0


async def test_orphans_fall_to_it(init: Start, tmp_path: Path, news: Fifo, gate: Fifo) -> None:
    orphan = write_script(
        tmp_path / "orphan", f"read line < {gate.path}; cut -d ' ' -f 4 /proc/$$/stat > {news.path}"
    )
    process = await init(f"({orphan} &); echo > {news.path}; read line < {gate.path}")
    await news.line()
    gate.let_pass()
    gate.let_pass()
    assert await news.pid() == process.pid
    await end(process)


async def test_scripts_outlive_the_queue(
    init: Start,
    state_dir: Path,
    news: Fifo,
    gate: Fifo,
) -> None:
    process = await init(f"echo $$ > {news.path}; read line < {gate.path}; exit 1")
    await news.line()
    async with Talk(state_dir) as talk:
        await talk.hello()
        script = (await talk.launch("one", "sleep 1000"))["child"]["identity"][0]
    gate.let_pass()
    await news.line()
    async with Talk(state_dir) as talk:
        assert [child["ended"] for child in (await talk.hello())["children"]] == [None]
        assert is_alive(script)
        # The planned stop of a queue ends its scripts, and then the queue.
        await talk.ask("close", kill_after_s=5.0)
        assert (await talk.exited())["ended"] == [None, signal.SIGTERM]
        assert await talk.hear() is None
    assert process.pid == keeper_pid(state_dir)
    process.terminate()
    assert (await end(process))[0] == 128 + signal.SIGTERM


async def test_in_a_pid_namespace_of_its_own(
    init: Start,
    state_dir: Path,
    news: Fifo,
    gate: Fifo,
    tmp_path: Path,
) -> None:
    if shutil.which("unshare") is None or subprocess.run([*UNSHARE, "true"], check=False).returncode:
        pytest.skip("this machine allows no PID namespace of one's own")
    # The queue leaves an orphan; as long as there is its zombie, there is its folder in /proc.
    orphan = f"(sh -c 'echo $$ > {tmp_path}/orphan; echo orphan > {news.path}; read line < {gate.path}' &)"
    watch = f"read pid < {tmp_path}/orphan; while [ -e /proc/$pid ]; do :; done; echo reaped > {news.path}"
    stay = f"while :; do read line < {gate.path}; done"
    process = await init(
        f"trap 'exit 0' TERM; echo $PPID > {news.path}; {orphan}; read line < {gate.path}; {watch}; {stay}",
        *UNSHARE,
    )
    assert sorted([await news.line(), await news.line()]) == ["1", "orphan"]
    async with Talk(state_dir) as talk:
        await talk.hello()
        await talk.launch("one", "(setsid sleep 1000 &); exec sleep 1000")
        gate.let_pass()
        gate.let_pass()
        assert await news.line() == "reaped"
        (keeper,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(int(keeper), signal.SIGTERM)
        assert (await talk.exited())["ended"] == [None, signal.SIGTERM]
    status, said = await end(process)
    assert status == 0
    assert "keeper 1: has ended" in said
