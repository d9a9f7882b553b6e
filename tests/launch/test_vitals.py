# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is seen of children that run, and of those that the kernel has ended."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from lsst.ts.scriptqueue.launch import memory_kills
from lsst.ts.scriptqueue.launch.contract import Identity, Launched, MemoryKill, Vitals
from lsst.ts.scriptqueue.launch.vitals import Looking

from ..narrow_group import narrow
from .fifo import Fifo
from .stage import Stage

__all__ = ["narrow"]

pytestmark = pytest.mark.system


async def seen(stage: Stage, launched: Launched, *, stopped: bool) -> Vitals:
    """Look until a child is seen so."""
    async with asyncio.timeout(10):
        while True:
            vitals = (await stage.launcher.look())[launched.launch_id]
            if vitals.is_stopped is stopped:
                return vitals


async def test_a_child_that_is_stopped_is_seen_to_be(stage: Stage, news: Fifo, gate: Fifo) -> None:
    launched = await stage.launch(stage.script(f"echo > {news.path}; read line < {gate.path}"))
    await news.line()
    assert not (await seen(stage, launched, stopped=False)).is_stopped
    os.kill(launched.pid, signal.SIGSTOP)
    await seen(stage, launched, stopped=True)
    os.kill(launched.pid, signal.SIGCONT)
    await seen(stage, launched, stopped=False)
    gate.let_pass()
    assert (await stage.exit_of(launched)).exit_code == 0
    assert await stage.launcher.look() == {}


async def test_what_a_child_uses_is_seen(stage: Stage, news: Fifo, gate: Fifo) -> None:
    text = f"""
        import time
        full = b"x" * 50_000_000
        while time.process_time() < 0.2:
            pass
        open({str(news.path)!r}, "w").write("\\n")
        open({str(gate.path)!r}).readline()
    """
    launched = await stage.launch(stage.script(text, first_line=f"#!{sys.executable} -S"))
    await news.line()
    vitals = (await stage.launcher.look())[launched.launch_id]
    assert 50_000_000 < vitals.memory_bytes < 200_000_000
    assert 0.19 <= vitals.cpu_s < 10
    gate.let_pass()
    await stage.exit_of(launched)


def test_a_process_that_has_only_its_number_in_common_is_not_seen() -> None:
    other = Identity(os.getpid(), 1, "", 0)
    assert Looking().look({"other": other, "gone": Identity(2**22 + 1, 1, "", 0)}) == {}


def a_glutton(narrow: Path, news: Fifo, gate: Fifo, last: str) -> str:
    """A script that enters a control group, waits, and does something last."""
    return f"""
        import os
        open({str(narrow / "cgroup.procs")!r}, "w").write(str(os.getpid()))
        open({str(news.path)!r}, "w").write("\\n")
        open({str(gate.path)!r}).readline()
        {last}
    """


@pytest.mark.parametrize(
    ("last", "verdict"),
    [
        pytest.param('b"x" * 400_000_000', MemoryKill.CERTAIN, id="memory ran out"),
        pytest.param("os.kill(os.getpid(), 9)", MemoryKill.RULED_OUT, id="somebody has sent it"),
    ],
)
async def test_whom_the_kernel_has_ended_is_known(
    stage: Stage, narrow: Path, news: Fifo, gate: Fifo, last: str, verdict: MemoryKill
) -> None:
    text = a_glutton(narrow, news, gate, last)
    launched = await stage.launch(stage.script(text, first_line=f"#!{sys.executable} -S"))
    await news.line()
    await stage.launcher.look()
    gate.let_pass()
    exited = await stage.exit_of(launched)
    assert (exited.signal, exited.memory_kill) == (signal.SIGKILL, verdict)


async def test_what_this_launcher_has_ended_is_not_asked_about(stage: Stage, news: Fifo) -> None:
    launched = await stage.launch(
        stage.script(f"trap '' TERM; echo > {news.path}; while :; do sleep 60; done")
    )
    await news.line()
    stage.launcher.terminate(launched.launch_id)
    exited = await stage.exit_of(launched)
    assert (exited.signal, exited.memory_kill) == (signal.SIGKILL, MemoryKill.NOT_ASKED)


V2 = "0::/user.slice/one\n"
V1 = "4:cpu,memory:/jail/one\n0::/\n"
MOUNTS = {"": ("/", "/sys/fs/cgroup"), "memory": ("/jail", "/mem")}


@pytest.mark.parametrize(
    ("groups", "mounts", "file"),
    [
        pytest.param(V2, MOUNTS, "/sys/fs/cgroup/user.slice/one/memory.events", id="version 2"),
        pytest.param(V1, MOUNTS, "/mem/one/memory.oom_control", id="version 1"),
        pytest.param("0::/\n", MOUNTS, "/sys/fs/cgroup/memory.events", id="the root of a container"),
        pytest.param("0::/../other\n", MOUNTS, "", id="what lies outside of what can be seen"),
        pytest.param(V2, {}, "", id="nothing is mounted"),
        pytest.param("", MOUNTS, "", id="no groups at all"),
    ],
)
def test_where_the_kernel_counts(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    groups: str,
    mounts: dict[str, tuple[str, str]],
    file: str,
) -> None:
    (tmp_path / "cgroup").write_text(groups)
    monkeypatch.setattr(memory_kills, "_group_file", lambda pid: str(tmp_path / "cgroup"))
    monkeypatch.setattr(memory_kills, "_mounts", lambda: mounts)
    memory_kills._file_of.cache_clear()
    assert memory_kills._count_file(7) == file
    memory_kills._file_of.cache_clear()


@pytest.mark.parametrize(
    ("own", "machine", "verdict"),
    [
        pytest.param((3, 4), (9, 10), MemoryKill.CERTAIN, id="its own group has counted one"),
        pytest.param((3, 3), (9, 10), MemoryKill.RULED_OUT, id="its own has not, another has"),
        pytest.param(None, (9, 9), MemoryKill.RULED_OUT, id="nobody has"),
        pytest.param(None, (9, 10), MemoryKill.POSSIBLE, id="somebody has"),
        pytest.param(None, None, MemoryKill.POSSIBLE, id="nothing can be read"),
    ],
)
def test_what_the_counts_say(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    own: tuple[int, int] | None,
    machine: tuple[int, int] | None,
    verdict: MemoryKill,
) -> None:
    files = {tmp_path / "own": own, tmp_path / "machine": machine}
    monkeypatch.setattr(memory_kills, "_MACHINE", str(tmp_path / "machine"))
    monkeypatch.setattr(memory_kills, "_count_file", lambda pid: str(tmp_path / "own"))

    def count(which: int) -> None:
        for file, counts in files.items():
            if counts is not None:
                file.write_text(f"low 0\noom_kill {counts[which]}\n")

    kills = memory_kills.MemoryKills()
    count(0)
    kills.look([7])
    count(1)
    # A look between the end and the question hides nothing.
    kills.look([7])
    assert kills.verdict(7) is verdict


def test_one_that_was_never_looked_at_may_have_been_ended_by_the_kernel() -> None:
    assert memory_kills.MemoryKills().verdict(7) is MemoryKill.POSSIBLE
