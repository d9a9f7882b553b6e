# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks of the contract's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from .networks import DdsNetwork, KafkaNetwork, MemoryNetwork, Network

_REAL = pytest.mark.system


@pytest.fixture(params=["memory", pytest.param("dds", marks=_REAL), pytest.param("kafka", marks=_REAL)])
async def network(request: pytest.FixtureRequest) -> AsyncIterator[Network]:
    """Every kind of network in turn."""
    network: MemoryNetwork | DdsNetwork | KafkaNetwork
    if request.param == "kafka":
        network = KafkaNetwork(request.getfixturevalue("kafka_server").environment)
    else:
        network = MemoryNetwork() if request.param == "memory" else DdsNetwork()
    yield network
    await network.aclose()
