# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which processes count as left behind by a script."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

import pytest

from lsst.ts.scriptqueue.launch import leftovers as module
from lsst.ts.scriptqueue.launch.environment import LAUNCH_ID_VARIABLE
from lsst.ts.scriptqueue.launch.leftovers import Leftovers, end_leftovers

from .stage import is_alive

pytestmark = pytest.mark.system

NO_GROUP = 2**22 + 1

#: A launch that no test beside this one knows: all processes of the machine are looked through.
ONE = f"one of {os.getpid()}"


@contextmanager
def sleeper(environment: Mapping[str, str]) -> Iterator[int]:
    """Run a process in a session of its own, and end it if nobody else did."""
    process = subprocess.Popen(["/bin/sleep", "1000"], env=environment, start_new_session=True)
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait()


def test_known_by_its_group() -> None:
    with sleeper({}) as pid:
        assert end_leftovers({ONE: pid})
        assert not is_alive(pid)


def test_known_by_its_launch_id() -> None:
    with sleeper({"FIRST": "1", LAUNCH_ID_VARIABLE: ONE, "LAST": "1"}) as pid:
        assert end_leftovers({"other": NO_GROUP, ONE: NO_GROUP + 1})
        assert not is_alive(pid)


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param({LAUNCH_ID_VARIABLE: f"{ONE} and a half"}, id="another launch"),
        pytest.param({"NOTE": f"{LAUNCH_ID_VARIABLE}={ONE}"}, id="only spoken of"),
        pytest.param({f"OLD_{LAUNCH_ID_VARIABLE}": ONE}, id="another variable"),
        pytest.param({}, id="nothing"),
    ],
)
def test_not_meant(environment: dict[str, str]) -> None:
    with sleeper(environment) as pid:
        assert end_leftovers({ONE: NO_GROUP})
        assert is_alive(pid)


def test_a_program_with_a_name_that_looks_like_a_status() -> None:
    rename = "open('/proc/self/comm', 'w').write(') Z 1 1 ('); print(flush=True); input()"
    process = subprocess.Popen(
        [sys.executable, "-c", rename],
        env={LAUNCH_ID_VARIABLE: ONE},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        assert end_leftovers({ONE: NO_GROUP})
        assert process.wait() == -9


def test_many_are_ended_in_one_look() -> None:
    with ExitStack() as stack:
        pids = [stack.enter_context(sleeper({LAUNCH_ID_VARIABLE: f"{ONE}: {n % 3}"})) for n in range(9)]
        assert end_leftovers({f"{ONE}: {n}": NO_GROUP + n for n in range(2)})
        assert [is_alive(pid) for pid in pids] == [False, False, True] * 3


async def test_scripts_that_end_together_share_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[Mapping[str, int]] = []

    def look(groups: Mapping[str, int]) -> bool:
        looks.append(groups)
        return True

    monkeypatch.setattr(module, "end_leftovers", look)
    leftovers = Leftovers()
    await asyncio.gather(*(leftovers.end(f"script {number}", number) for number in range(10)))
    # The others came while the first was looked for.
    assert looks == [{"script 0": 0}, {f"script {number}": number for number in range(1, 10)}]


async def test_what_cannot_be_killed_is_reported(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "end_leftovers", lambda groups: False)
    await Leftovers().end("one", 1)
    assert "processes of one could not be killed" in caplog.text
