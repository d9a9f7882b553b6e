# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks of the contract's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from .networks import DdsNetwork, MemoryNetwork, Network

NETWORKS = {"memory": MemoryNetwork, "dds": DdsNetwork}


@pytest.fixture(params=["memory", pytest.param("dds", marks=pytest.mark.system)])
async def network(request: pytest.FixtureRequest) -> AsyncIterator[Network]:
    """Every kind of network in turn."""
    network = NETWORKS[request.param]()
    yield network
    await network.aclose()
