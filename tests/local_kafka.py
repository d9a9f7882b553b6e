# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""One real broker and registry for a run of the tests.

They are started when the tests have been collected and some need them, before
the first test and apart from it, so that no test is blamed for how long that
takes or for what then runs. All workers of a run share them: whoever comes
first starts them, under a lock, and the last to finish stops them. Without
Java or Maven the tests are skipped; where CI is set that is a failure.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lsst.ts.scriptqueue.local_kafka.server import Server, running, stop

__all__ = ["kafka_server"]

#: What runs, or why nothing does.
_SERVER = pytest.StashKey[Server | str]()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Start them if a test needs them."""
    if session.config.option.collectonly or not any(map(_needs_kafka, session.items)):
        return
    run = _run_folder(session.config)
    with _locked(run):
        reason = "" if running(run / "kafka") else _start(run / "kafka")
        if not reason:
            (run / "kafka-users").mkdir(exist_ok=True)
            _user(session.config, run).touch()
    if reason and os.environ.get("CI") == "true":
        raise pytest.UsageError(reason)
    session.config.stash[_SERVER] = running(run / "kafka") or reason or "the broker has gone"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test that needs them, if they cannot be; here, so that the summary has one line for all."""
    reason = item.config.stash.get(_SERVER, None)
    if isinstance(reason, str) and _needs_kafka(item):
        pytest.skip(reason)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Stop them if this was the last who used them."""
    if not isinstance(session.config.stash.get(_SERVER, None), Server):
        return
    session.config.stash[_SERVER] = "it was stopped"
    run = _run_folder(session.config)
    with _locked(run):
        _user(session.config, run).unlink(missing_ok=True)
        if not any((run / "kafka-users").iterdir()):
            stop(run / "kafka")


@pytest.fixture(scope="session")
def kafka_server(pytestconfig: pytest.Config) -> Server:
    """The broker and registry of this run."""
    server = pytestconfig.stash[_SERVER]
    assert isinstance(server, Server), server
    return server


def _needs_kafka(item: pytest.Item) -> bool:
    if item.get_closest_marker("skip"):
        return False
    return "kafka_server" in getattr(item, "fixturenames", ()) or "[kafka" in item.name


def _start(folder: Path) -> str:
    """Start them in no test's name; return why that cannot be."""
    command = [sys.executable, "-m", "lsst.ts.scriptqueue.local_kafka", "start", "--state-dir", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stderr.strip() if done.returncode else ""


def _run_folder(config: pytest.Config) -> Path:
    base: Path = config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
    return base.parent if hasattr(config, "workerinput") else base


def _user(config: pytest.Config, run: Path) -> Path:
    worker = getattr(config, "workerinput", {"workerid": "master"})
    return run / "kafka-users" / str(worker["workerid"])


@contextmanager
def _locked(run: Path) -> Iterator[None]:
    with open(run / "kafka.lock", "w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
