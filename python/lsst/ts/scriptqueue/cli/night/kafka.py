# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The night's Kafka: its own, which goes after the queue, or somebody else's, at which it leaves nothing."""

from __future__ import annotations

import contextlib
import os
import pathlib
import sys
from collections.abc import AsyncIterator, Mapping

from ...bus import BusError
from ...local_kafka import KafkaMissing, running
from .processes import MarkedProcess

__all__ = ["KAFKA_MARK", "KafkaMissing", "clear_kafka", "is_borrowed", "own_kafka"]

#: Environment variable that makes its processes known. They are no part of what the queue has to end.
KAFKA_MARK = "SCRIPTQUEUE_DEMO_KAFKA"

#: How long the broker may take to remove the night's topics; nobody watches any more (seconds).
_REMOVAL_S = 5.0

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


def is_borrowed(bus: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Is the night on a Kafka that the environment names, and that is not its own?"""
    return bus == "kafka" and bool(environ.get("LSST_KAFKA_BROKER_ADDR"))


def clear_kafka() -> str:
    """Remove the night's topics from a Kafka that goes on; return what is left and why, or "".

    It blocks. Nobody may use them any more.
    """
    from ...bus.kafka.removal import remove_topics

    try:
        left = remove_topics(os.environ, _REMOVAL_S)
    except BusError as error:
        return str(error)
    return ", ".join(left)
