# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service that does not end although it was told to is told of, with its process."""

from __future__ import annotations

import os
import pathlib
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from lsst.ts.scriptqueue.cli.run_script_queue import main
from lsst.ts.scriptqueue.cli.service_control import check, stop

pytestmark = pytest.mark.system

LIMIT_S = 20.0

#: It has the lock of a state directory, and does about signals what it is told to.
HOLDER = """
import pathlib, signal, sys
from lsst.ts.scriptqueue.journal import JournalLock
signal.signal(signal.SIGTERM, getattr(signal, sys.argv[2]))
JournalLock(pathlib.Path(sys.argv[1])).acquire()
print("ready", flush=True)
while True:
    signal.pause()
"""


@pytest.fixture
def holder(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Iterator[subprocess.Popen[str]]:
    """A process that has the lock of ``tmp_path``."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path), request.param]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
        process.kill()


@pytest.mark.parametrize("holder", ["SIG_DFL"], indirect=True)
def test_one_that_ends_is_waited_for(holder: subprocess.Popen[str], tmp_path: pathlib.Path) -> None:
    assert stop(tmp_path, keeps_scripts=False) == (True, f"process {holder.pid} has ended")
    assert holder.wait(LIMIT_S) == -signal.SIGTERM
    assert stop(tmp_path, keeps_scripts=False)[0] is False


@pytest.mark.parametrize("holder", ["SIG_DFL"], indirect=True)
def test_one_that_stands_still_is_told_of(holder: subprocess.Popen[str], tmp_path: pathlib.Path) -> None:
    holder.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, holder.pid, os.WSTOPPED)
    has_ended, text = stop(tmp_path, keeps_scripts=False, standstill_limit_s=0.0)
    assert not has_ended
    assert text.startswith(f"process {holder.pid} was told to end, but it stands still (SIGSTOP")
    holder.send_signal(signal.SIGCONT)
    assert holder.wait(LIMIT_S) == -signal.SIGTERM


@pytest.mark.parametrize("holder", ["SIG_DFL"], indirect=True)
def test_one_that_stands_still_is_not_well(
    holder: subprocess.Popen[str], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LSST_TOPIC_SUBNAME", f"test_{secrets.token_hex(6)}")
    heard_nothing = f"process {holder.pid} is there, but ScriptQueue:1 was not heard for 0.1 s"
    assert check(1, tmp_path, "dds", beat_limit_s=0.1) == (False, heard_nothing)
    holder.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, holder.pid, os.WSTOPPED)
    is_well, text = check(1, tmp_path, "dds", beat_limit_s=0.1)
    assert not is_well
    assert text == (
        f"process {holder.pid} is there, but it stands still (SIGSTOP, or a debugger); "
        f"kill -CONT {holder.pid} lets it go on"
    )


@pytest.mark.parametrize("holder", ["SIG_IGN"], indirect=True)
def test_one_that_does_not_end_is_told_of(holder: subprocess.Popen[str], tmp_path: pathlib.Path) -> None:
    has_ended, text = stop(tmp_path, keeps_scripts=False, limit_s=0.0)
    assert not has_ended
    assert text.startswith(f"process {holder.pid} was told to end, but has not within 0 s")
    assert holder.poll() is None


def test_there_is_none(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["1", "--stop", "--state-dir", str(tmp_path)]) == 1
    assert f"no service runs with the state directory {tmp_path}" in capsys.readouterr().err
