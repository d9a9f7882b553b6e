# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The CSC suite runs on every bus: in virtual time where there is no middleware.

The loop decides: pytest-asyncio runs a test once on each loop it is given here,
and the bus goes with the loop. A test marked ``virtual_time`` runs in memory
only.
"""

from __future__ import annotations

import asyncio
import pathlib
import secrets
from collections.abc import AsyncIterator, Callable, Mapping

import pytest

from lsst.ts.scriptqueue.testing import VirtualTimeLoop

from .stage import Buses, Stage, a_stage


class DdsLoop(asyncio.SelectorEventLoop):
    """A loop in real time, for tests over DDS."""


class KafkaLoop(asyncio.SelectorEventLoop):
    """A loop in real time, for tests over Kafka."""


_KINDS: Mapping[type[asyncio.AbstractEventLoop], str] = {
    VirtualTimeLoop: "memory",
    DdsLoop: "dds",
    KafkaLoop: "kafka",
}


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Choose the loops of a test, and so its buses."""
    if item.get_closest_marker("virtual_time"):
        return {"memory": VirtualTimeLoop}
    if "buses" in getattr(item, "fixturenames", ()):
        return {kind: loop for loop, kind in _KINDS.items()}
    return {"real_time": asyncio.new_event_loop}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "[dds" in item.name or "[kafka" in item.name:
            item.add_marker(pytest.mark.system)


@pytest.fixture
async def buses(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Buses:
    """Buses of the kind that goes with the loop."""
    monkeypatch.setenv("LSST_TOPIC_SUBNAME", f"test_{secrets.token_hex(6)}")
    kind = _KINDS[type(asyncio.get_running_loop())]
    if kind == "kafka":
        for name, value in request.getfixturevalue("kafka_server").environment.items():
            monkeypatch.setenv(name, value)
    return Buses(kind)


@pytest.fixture
async def stage(buses: Buses, tmp_path: pathlib.Path) -> AsyncIterator[Stage]:
    """A queue that is enabled, on each bus."""
    async with a_stage(buses, tmp_path) as stage:
        yield stage
