# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The leak checks see what is left, name it, end it, and blame nobody else."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from ..leaks import Holdings, leftover_tasks, leftovers

FOREVER = [sys.executable, "-I", "-c", "import signal; signal.pause()"]

CONFTEST = f"""
import os
from tests.leaks import RUN_VARIABLE, no_leftovers, no_task_left, no_task_left_in_a_loop
os.environ[RUN_VARIABLE] = "inner-{os.getpid()}"
"""

LEAKY = """
    import asyncio, os, socket, subprocess, sys, threading
    import pytest

    KEPT = []
    FOREVER = [sys.executable, "-I", "-c", "import signal; signal.pause()"]

    async def test_task():
        KEPT.append(asyncio.create_task(asyncio.Event().wait(), name="left"))

    @pytest.fixture
    async def worker():
        task = asyncio.create_task(asyncio.Event().wait())
        yield
        task.cancel()
        await asyncio.wait([task])

    async def test_task_of_a_fixture_is_fine(worker):
        pass

    def test_thread():
        KEPT.append(threading.Thread(target=threading.Event().wait, name="idler", daemon=True))
        KEPT[-1].start()

    def test_descriptor():
        KEPT.append(socket.socket())

    def test_child():
        KEPT.append(subprocess.Popen(FOREVER))

    @pytest.mark.system
    def test_orphan():
        orphaning = f"import subprocess; subprocess.Popen({FOREVER!r})"
        subprocess.run([sys.executable, "-I", "-c", orphaning], check=True)

    def test_nothing_left_is_fine():
        pass
"""


@pytest.mark.system
def test_fixtures_fail_the_test_at_fault(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\nmarkers = system\n")
    (tmp_path / "test_leaky.py").write_text(textwrap.dedent(LEAKY))
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "-rEA"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(pytestconfig.rootpath)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    blamed = {line.split("::")[1].split()[0] for line in run.stdout.splitlines() if line.startswith("ERROR ")}
    assert blamed == {"test_task", "test_thread", "test_descriptor", "test_child", "test_orphan"}, run.stdout
    assert "task left:" in run.stdout
    assert "thread idler" in run.stdout
    assert "socket:[" in run.stdout
    assert run.stdout.count("signal.pause()") >= 2


def test_new_descriptor_is_named_until_it_is_closed() -> None:
    before = Holdings.now()
    with socket.socket() as kept:
        found = leftovers(before, patience_s=0.05)
        assert any(f"descriptor {kept.fileno()} (socket:" in line for line in found)
    assert leftovers(before) == []


def test_new_thread_is_named_until_it_ends() -> None:
    before, stop = Holdings.now(), threading.Event()
    thread = threading.Thread(target=stop.wait, name="watched")
    thread.start()
    assert "thread watched" in leftovers(before, patience_s=0.05)
    stop.set()
    thread.join()
    assert leftovers(before) == []


@pytest.mark.system
def test_child_counts_until_it_is_reaped() -> None:
    before = Holdings.now()
    child = subprocess.Popen(FOREVER)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert leftovers(before, patience_s=0.05) == [f"process {child.pid} (ended, but not reaped)"]
    child.wait()
    assert leftovers(before) == []


async def test_leftover_task_is_named_and_cancelled() -> None:
    task = asyncio.create_task(asyncio.Event().wait(), name="sleeper")
    assert [line.split(":")[0] for line in leftover_tasks()] == ["task sleeper"]
    await asyncio.wait([task], timeout=5)
    assert task.cancelled()
    assert leftover_tasks() == []
