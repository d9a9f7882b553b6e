# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cyclone DDS by its own Python layer, and nothing of ours: what the floors are made of.

Also imported by the processes that are floors, so it imports little.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

from cyclonedds.core import (
    DDSException,
    InstanceState,
    Policy,
    Qos,
    ReadCondition,
    SampleState,
    ViewState,
    WaitSet,
)
from cyclonedds.domain import Domain, DomainParticipant
from cyclonedds.idl import make_idl_struct, types
from cyclonedds.pub import DataWriter
from cyclonedds.sub import DataReader
from cyclonedds.topic import Topic
from cyclonedds.util import duration

__all__ = ["PING", "PONG", "READY", "BarePeer", "Inlet"]

#: Names of the topics that carry a number.
READY, PING, PONG = "bench_ready", "bench_ping", "bench_pong"

_NUMBER = [("number", "int", 1)]

_TYPES = {
    "boolean": bool,
    "byte": types.uint8,
    "short": types.int16,
    "int": types.int32,
    "long": types.int32,
    "long long": types.int64,
    "unsigned short": types.uint16,
    "unsigned int": types.uint32,
    "float": types.float32,
    "double": types.float64,
    "string": str,
}

#: How long a thread waits before it looks whether anybody cares (seconds).
_STEP_S = 0.5

_QOS = Qos(
    Policy.Reliability.Reliable(duration(seconds=1)), Policy.Durability.TransientLocal, Policy.History.KeepAll
)


class BarePeer:
    """A participant.

    Parameters
    ----------
    domain
        DDS domain id.
    configurations
        Configurations of Cyclone DDS; the first that it accepts is used.
    """

    def __init__(self, domain: int, configurations: Sequence[str]) -> None:
        self._domain = _join(domain, configurations)
        self._participant = DomainParticipant(domain)

    def writer(self, name: str, fields: Iterable[Sequence[Any]] = _NUMBER) -> Any:
        """Make a topic and its writer; a field is (name, SAL type, count)."""
        return DataWriter(self._participant, self._topic(name, fields), qos=_QOS)

    def reader(self, name: str, fields: Iterable[Sequence[Any]] = _NUMBER) -> Any:
        """Make a topic and its reader."""
        return DataReader(self._participant, self._topic(name, fields), qos=_QOS)

    def inlet(self, name: str) -> Inlet:
        """Make a reader of numbers, to be waited at."""
        return Inlet(self._participant, self.reader(name))

    def send(self, writer: Any, number: int) -> None:
        """Write a number."""
        writer.write(writer.topic.data_type(number=number))

    def _topic(self, name: str, fields: Iterable[Sequence[Any]]) -> Any:
        members = {
            field: _TYPES[kind] if count == 1 else types.array[_TYPES[kind], count]  # type: ignore[misc]
            for field, kind, count in fields
        }
        return Topic(self._participant, name, make_idl_struct(name, f"bench.{name}", members))


class Inlet:
    """A reader of numbers that a thread waits at."""

    def __init__(self, participant: Any, reader: Any) -> None:
        self._reader = reader
        self._news = WaitSet(participant)
        self._condition = ReadCondition(reader, ViewState.Any | InstanceState.Any | SampleState.NotRead)
        self._news.attach(self._condition)
        self._is_abandoned = False

    def abandon(self) -> None:
        """Have a thread that waits for arrivals give up soon."""
        self._is_abandoned = True

    def wait(self, limit_s: float) -> list[int]:
        """Wait for numbers and take them; empty if none came in time."""
        self._news.wait(duration(nanoseconds=max(1, round(limit_s * 1e9))))
        # A writer that has gone leaves a sample without content.
        return [sample.number for sample in self._reader.take(N=1000) if sample.sample_info.valid_data]

    def arrivals(self, count: int, limit_s: float) -> dict[int, float]:
        """Return when each of so many numbers came (seconds of the performance counter).

        Raises
        ------
        TimeoutError
            If not all come in time.
        """
        deadline = time.perf_counter() + limit_s
        seen: dict[int, float] = {}
        while len(seen) < count:
            left_s = deadline - time.perf_counter()
            if left_s <= 0 or self._is_abandoned:
                raise TimeoutError(f"{len(seen)} of {count} bare processes were heard within {limit_s} s")
            for number in self.wait(min(left_s, _STEP_S)):
                seen.setdefault(number, time.perf_counter())
        return seen


def _join(domain: int, configurations: Sequence[str]) -> Any:
    for configuration in configurations[:-1]:
        try:
            return Domain(domain, configuration)
        except DDSException:
            continue
    return Domain(domain, configurations[-1])
