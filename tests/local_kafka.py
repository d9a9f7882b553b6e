# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""One real broker and registry for a run of the tests, started when first needed.

All workers of a run share it: whoever comes first starts it, under a lock, and
it is stopped when the last of those that used it has ended. Without Java or
Maven the tests that need it are skipped, unless this is CI.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lsst.ts.scriptqueue.testing.kafka.artifacts import KafkaMissing
from lsst.ts.scriptqueue.testing.kafka.server import Server, running, start, stop

__all__ = ["kafka_server"]


@pytest.fixture(scope="session")
def kafka_server(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Server]:
    """The broker and registry of this run."""
    base = tmp_path_factory.getbasetemp()
    run = base if worker_id == "master" else base.parent
    folder, users = run / "kafka", run / "kafka-users"
    with _locked(run):
        try:
            server = running(folder) or start(folder)
        except KafkaMissing as error:
            if os.environ.get("CI") == "true":
                raise
            pytest.skip(str(error))
        users.mkdir(exist_ok=True)
        (users / worker_id).touch()
    yield server
    with _locked(run):
        (users / worker_id).unlink()
        if not any(users.iterdir()):
            stop(folder)


@contextmanager
def _locked(run: Path) -> Iterator[None]:
    with open(run / "kafka.lock", "w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
