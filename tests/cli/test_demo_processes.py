# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo's own process: it ends, with all it started, whatever it does about it."""

from __future__ import annotations

import asyncio
import os
import pathlib
import secrets
import sys
from collections.abc import Mapping

import pytest

from lsst.ts.scriptqueue.cli.night.processes import MarkedProcess, left_over

pytestmark = pytest.mark.system

MARK = "DEMO_TEST_MARK"

#: Starts a child that left its session, and says when both are there. Arguments: may SIGTERM end it?
_PROGRAM = """
import signal, subprocess, sys, time
if sys.argv[1] == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = "import time; print('there', flush=True); time.sleep(600)"
pipe = subprocess.PIPE
subprocess.Popen([sys.executable, "-c", child], start_new_session=True, stdout=pipe).stdout.readline()
open(sys.argv[2], "w").close()
time.sleep(600)
"""


@pytest.fixture
def environment() -> Mapping[str, str]:
    return os.environ | {MARK: secrets.token_hex(8)}


def process_of(
    manners: str, tmp_path: pathlib.Path, environment: Mapping[str, str], *, patience_s: float = 10.0
) -> MarkedProcess:
    os.mkfifo(tmp_path / "ready")
    command = (sys.executable, "-c", _PROGRAM, manners, str(tmp_path / "ready"))
    return MarkedProcess(command, tmp_path / "log", environment, MARK, patience_s)


async def until_ready(tmp_path: pathlib.Path) -> None:
    # Opening a fifo waits for its other end to be opened.
    await asyncio.to_thread((tmp_path / "ready").read_bytes)


async def test_it_is_ended_with_what_left_its_session(
    tmp_path: pathlib.Path, environment: Mapping[str, str]
) -> None:
    async with process_of("mannerly", tmp_path, environment) as process:
        await until_ready(tmp_path)
        assert len(left_over(MARK, environment[MARK])) == 2
    assert left_over(MARK, environment[MARK]) == []
    assert await process.wait() == -15


async def test_one_that_ignores_sigterm_is_killed(
    tmp_path: pathlib.Path, environment: Mapping[str, str]
) -> None:
    async with process_of("stubborn", tmp_path, environment, patience_s=0.05) as process:
        await until_ready(tmp_path)
    assert left_over(MARK, environment[MARK]) == []
    assert await process.wait() == -9


async def test_a_second_cancellation_cuts_the_patience_short(
    tmp_path: pathlib.Path, environment: Mapping[str, str]
) -> None:
    entered = asyncio.Event()
    left = asyncio.Event()

    async def stay() -> None:
        async with process_of("stubborn", tmp_path, environment, patience_s=600):
            await until_ready(tmp_path)
            entered.set()
            try:
                await asyncio.Event().wait()
            finally:
                left.set()

    staying = asyncio.create_task(stay())
    async with asyncio.timeout(30):
        await entered.wait()
        staying.cancel()
        await left.wait()
        staying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await staying
    assert left_over(MARK, environment[MARK]) == []


async def test_a_cancellation_while_it_starts_loses_nothing(
    tmp_path: pathlib.Path, environment: Mapping[str, str]
) -> None:
    async def stay() -> None:
        async with process_of("mannerly", tmp_path, environment):
            pytest.fail("the cancellation came too late for this test")

    staying = asyncio.create_task(stay())
    asyncio.get_running_loop().call_soon(staying.cancel)
    with pytest.raises(asyncio.CancelledError):
        await staying
    assert left_over(MARK, environment[MARK]) == []


async def test_a_program_that_is_not_there_leaves_nothing(
    tmp_path: pathlib.Path, environment: Mapping[str, str]
) -> None:
    process = MarkedProcess(("/nowhere/queue",), tmp_path / "log", environment, MARK)
    with pytest.raises(FileNotFoundError):
        await process.__aenter__()
    assert left_over(MARK, environment[MARK]) == []
