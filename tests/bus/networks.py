# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks that the contract is tested on, one class per middleware."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Protocol

from lsst.ts.scriptqueue.bus import Bus, connect
from lsst.ts.scriptqueue.bus.memory import MemoryBroker, MemoryBus

from ..domains import a_domain

__all__ = ["DdsNetwork", "KafkaNetwork", "MemoryNetwork", "Network", "a_dds_environment"]


class Network(Protocol):
    """Something buses meet on, apart from every other test's."""

    def connect(self) -> Bus:
        """Return a new bus; the network closes it in the end."""
        ...

    async def aclose(self) -> None:
        """Close every bus that was connected."""
        ...


def a_dds_environment() -> dict[str, str]:
    """Return settings of a DDS network of one's own."""
    return {
        "LSST_DDS_DOMAIN_ID": str(a_domain()),
        "LSST_TOPIC_SUBNAME": f"test_{secrets.token_hex(6)}",
    }


class _Network:
    def __init__(self) -> None:
        self._buses: list[Bus] = []

    def connect(self) -> Bus:
        bus = self._new()
        self._buses.append(bus)
        return bus

    async def aclose(self) -> None:
        for bus in self._buses:
            await bus.aclose()

    def _new(self) -> Bus:
        raise NotImplementedError


class MemoryNetwork(_Network):
    """A broker in this process."""

    def __init__(self) -> None:
        super().__init__()
        self._broker = MemoryBroker()

    def _new(self) -> Bus:
        return MemoryBus(self._broker)


class DdsNetwork(_Network):
    """A DDS domain, or a part of one."""

    def __init__(self) -> None:
        super().__init__()
        self.environment = a_dds_environment()

    def _new(self) -> Bus:
        return connect("dds", self.environment)


class KafkaNetwork(_Network):
    """A part of a broker.

    Parameters
    ----------
    environment
        Where the broker is.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        super().__init__()
        self.environment = {**environment, "LSST_TOPIC_SUBNAME": f"test_{secrets.token_hex(6)}"}

    def _new(self) -> Bus:
        return connect("kafka", self.environment)
