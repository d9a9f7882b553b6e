# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A benchmark that is interrupted, or fails, leaves nothing behind: its queue ends, with all its scripts."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

BENCH = Path(__file__).parents[2] / "bench"

#: A queue with a script that runs for an hour; the first argument is where it lives.
PROGRAM = """
import asyncio, pathlib, sys
from interruption import interruptible
from middleware import dds
from run import free_domain
from service import running_service
from watch import ScriptWatch
from lsst.ts.scriptqueue.sal import ScriptState

async def main():
    middleware = dds(free_domain())
    async with middleware.domain() as domain, ScriptWatch(domain) as watch:
        home = pathlib.Path(sys.argv[1])
        async with running_service(middleware, domain, home.parent / "scripts", home) as service:
            index = await service.add("wait.py", "duration: 3600")
            await watch.reached([index], ScriptState.RUNNING, 60)
            print(service.pid, flush=True)
            WHAT_THEN

with interruptible() as interruption:
    asyncio.run(interruption.during(main()))
"""

#: What `leftovers` says when it had something to do.
KILLS = "processes that were left"

MARK = "BENCH_TEST"


@contextmanager
def a_run(*command: str | Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start a run; at the end none of its processes, at any depth, may be there."""
    mark = secrets.token_hex(8)
    environment = {**os.environ, MARK: mark, "PYTHONPATH": str(BENCH)}
    with subprocess.Popen(
        [sys.executable, *command],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process, mark
        finally:
            process.kill()
            left = marked(mark)
            for each in left:
                with suppress(psutil.NoSuchProcess):
                    each.kill()
    assert left == []


def marked(mark: str) -> list[psutil.Process]:
    """Processes that are a run's."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


@pytest.mark.system
@pytest.mark.parametrize(
    "how",
    [
        "SIGINT",
        "its queue is killed",
        *(pytest.param(how, marks=pytest.mark.long) for how in ("SIGTERM, then SIGINT", "an error")),
    ],
)
def test_whatever_ends_it_its_queue_and_its_scripts_end(tmp_path: Path, how: str) -> None:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "wait.py").symlink_to(BENCH / "scripts" / "wait.py")
    then = "raise RuntimeError('told to')" if how == "an error" else "await asyncio.Event().wait()"
    program = PROGRAM.replace("WHAT_THEN", then)
    with a_run("-c", program, tmp_path / "home") as (process, mark):
        assert process.stdout is not None
        queue = int(process.stdout.readline())
        if how == "its queue is killed":
            # The queue cannot end its script any more.
            os.kill(queue, signal.SIGKILL)
            assert len(marked(mark)) >= 2
        if how != "an error":
            process.send_signal(signal.SIGTERM if how.startswith("SIGTERM") else signal.SIGINT)
        if how == "SIGTERM, then SIGINT":
            process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=50)
        assert process.returncode != 0
        assert ("told to" in errors) == (how == "an error"), errors
        assert (KILLS in errors) == (how == "its queue is killed"), errors
        assert marked(mark) == []


@pytest.mark.system
@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("moment", ["1 processes at once", "20 are configured", "a queue with slots"])
def test_a_whole_run_is_given_up_at_any_moment(moment: str) -> None:
    with a_run(BENCH / "run.py", "--quick", "--only", "dds") as (process, mark):
        assert process.stderr is not None
        assert any(moment in line for line in process.stderr)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=100)
        assert process.returncode == 1
        assert "given up" in errors
        assert KILLS not in errors
        assert marked(mark) == []
