# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which bus is chosen, and what that costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from lsst.ts.scriptqueue.bus import BUS_KINDS, BusError, IndexRange, Reading, connect
from lsst.ts.scriptqueue.bus.dds import DdsBus
from lsst.ts.scriptqueue.bus.kafka import KafkaBus
from lsst.ts.scriptqueue.bus.memory import MemoryBus

from .collector import Collector
from .topics import STATE, a_message


def test_dds_is_the_default() -> None:
    assert isinstance(connect(None, {}), DdsBus)


@pytest.mark.parametrize(("kind", "environ"), [("kafka", {}), (None, {"LSST_KAFKA_BROKER_ADDR": "b:29092"})])
def test_kafka_is_chosen_by_name_or_by_its_brokers_address(kind: str | None, environ: dict[str, str]) -> None:
    assert isinstance(connect(kind, environ | {"LSST_TOPIC_SUBNAME": "sal"}), KafkaBus)


def test_an_argument_outweighs_the_environment() -> None:
    assert isinstance(connect("memory", {"LSST_KAFKA_BROKER_ADDR": "broker:29092"}), MemoryBus)


def test_an_unknown_kind_is_answered_with_the_known() -> None:
    with pytest.raises(BusError, match="no bus 'carrier pigeon'; there are dds, kafka, memory"):
        connect("carrier pigeon")
    assert BUS_KINDS == ("dds", "kafka", "memory")


async def test_memory_buses_of_one_process_meet() -> None:
    got = Collector()
    reader, writer = connect("memory"), connect("memory")
    await reader.open(index=0, writes=(), reads=[Reading(STATE, IndexRange.every(), got)])
    link = await writer.open(index=1, writes=[STATE], reads=())
    await link.write(STATE, a_message(salIndex=1, number=1))
    await got.has(1)
    await reader.aclose()
    await writer.aclose()


@pytest.mark.system
@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        (
            "lsst.ts.scriptqueue.bus",
            ["asyncio", "ctypes", "lsst.ts.scriptqueue.bus.memory", "lsst.ts.scriptqueue.bus.dds"],
        ),
        ("lsst.ts.scriptqueue.bus.kafka", ["aiohttp", "ctypes", "numpy", "yaml"]),
        ("lsst.ts.scriptqueue.bus.dds", ["cyclonedds", "numpy", "yaml", "lsst.ts.scriptqueue.bus.memory"]),
    ],
)
def test_importing_brings_only_what_is_needed(module: str, unwanted: list[str]) -> None:
    program = f"import sys, {module}; print(*[name for name in {unwanted!r} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []
