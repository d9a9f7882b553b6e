# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Kafka of the night's own: it is there before the queue, and goes after it."""

from __future__ import annotations

import contextlib
import pathlib
import sys
from collections.abc import AsyncIterator, Mapping

from ...local_kafka import KafkaMissing, running
from .processes import MarkedProcess

__all__ = ["KAFKA_MARK", "KafkaMissing", "own_kafka"]

#: Environment variable that makes its processes known. They are no part of what the queue has to end.
KAFKA_MARK = "SCRIPTQUEUE_DEMO_KAFKA"

_COMMAND = (sys.executable, "-P", "-m", "lsst.ts.scriptqueue.local_kafka", "run")


@contextlib.asynccontextmanager
async def own_kafka(
    folder: pathlib.Path, environment: Mapping[str, str], mark: str
) -> AsyncIterator[Mapping[str, str]]:
    """Run a broker and a registry; give what the environment of their clients must have.

    Parameters
    ----------
    folder
        Where they live. It may be removed when they have ended.
    environment
        What they have in theirs.
    mark
        The value of `KAFKA_MARK`.

    Raises
    ------
    KafkaMissing
        If they cannot be started.
    """
    log = folder / "kafka.log"
    state_dir = folder / "kafka"
    process = MarkedProcess(
        (*_COMMAND, f"--state-dir={state_dir}"),
        log,
        {**environment, KAFKA_MARK: mark},
        KAFKA_MARK,
        tells=True,
    )
    async with process:
        # It closes its stdout when both answer, or ends.
        await process.said()
        server = running(state_dir)
        if server is None:
            raise KafkaMissing(log.read_text(errors="replace").strip().removeprefix("kafka: "))
        yield server.environment
