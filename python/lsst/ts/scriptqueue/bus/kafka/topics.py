# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The broker's topics: made if they are missing, and how far each has come.

An event's topic is compacted and everything has exactly one partition, because
order and history rest on it. Every call blocks: for threads.
"""

from __future__ import annotations

import concurrent.futures
import logging
import threading
import time
from collections.abc import Collection, Mapping
from typing import Any, Self

from confluent_kafka import KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AclOperation, AdminClient, NewTopic, OffsetSpec

from ..contract import BusError, TopicKind, TopicSpec
from .blocking import Interrupted
from .faults import PASSING, BrokerAway, Faults
from .settings import Settings

__all__ = ["TopicIsNew", "prepare"]

logger = logging.getLogger(__name__)

_LIMIT_S = 10.0
_GLANCE_S = 0.1
_NOT_YET = PASSING | {KafkaError._NOENT, KafkaError.UNKNOWN_TOPIC_OR_PART}


def prepare(
    settings: Settings,
    topics: Mapping[str, TopicSpec],
    ends: Collection[str],
    may_read: Collection[str],
    may_write: Collection[str],
    stop: threading.Event,
    limit_s: float = _LIMIT_S,
) -> dict[str, int]:
    """Create what is missing, and find ends; see that we are allowed what we need.

    Parameters
    ----------
    settings
        The connection.
    topics
        All topics by the broker's name.
    ends
        Names of those whose ends are wanted.
    may_read, may_write
        Names of those that we must be allowed to read, and to write; empty
        not to ask.
    stop
        Set when nobody waits for this any more.
    limit_s
        How long the broker may take for an answer.

    Returns
    -------
    dict
        The offset of the next message, by name of those wanted.

    Raises
    ------
    BrokerAway
        If the broker does not answer, or not yet for all of it.
    BusError
        If it refuses.
    """
    if not topics:
        return {}
    faults = Faults(settings.broker, logging.DEBUG)
    own = {"error_cb": faults.note}
    admin = settings.make(lambda conf: AdminClient(conf, logger=logger), settings.common, own)
    with _Call(admin, faults, stop, limit_s) as call:
        del admin
        all_needs = {AclOperation.READ: may_read, AclOperation.WRITE: may_write}
        needs = {operation: names for operation, names in all_needs.items() if names}
        missing = _missing(call, topics, needs)
        created = _create(call, settings, {name: topics[name] for name in missing})
        there = [name for name in ends if name not in created]
        return dict.fromkeys(created & set(ends), 0) | (_ends(call, there) if there else {})


class TopicIsNew(BrokerAway):
    """Somebody has made a topic this moment, and the broker is not done with it.

    Who asked remembers the answer, so somebody new has to ask.
    """

    is_brief = True


class _Call:
    """Waits for what the broker was asked, with an eye on what goes wrong."""

    def __init__(self, admin: AdminClient, faults: Faults, stop: threading.Event, limit_s: float) -> None:
        self.admin = admin
        self._faults = faults
        self._stop = stop
        self._limit_s = limit_s

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # The client ends with its last reference, and what was raised refers to this.
        del self.admin

    def wait(self, futures: Collection[concurrent.futures.Future[Any]]) -> None:
        give_up_at = time.monotonic() + self._limit_s
        while concurrent.futures.wait(futures, _GLANCE_S).not_done:
            self.admin.poll(0)
            if self._stop.is_set():
                raise Interrupted
            self._faults.check()
            if time.monotonic() > give_up_at:
                raise BrokerAway(self._faults.away())

    def away(self) -> BrokerAway:
        return BrokerAway(self._faults.away())


def _missing(
    call: _Call, topics: Mapping[str, TopicSpec], needs: Mapping[AclOperation, Collection[str]]
) -> set[str]:
    missing = set()
    asked = call.admin.describe_topics(
        TopicCollection(list(topics)), include_authorized_operations=bool(needs), request_timeout=_LIMIT_S
    )
    call.wait(list(asked.values()))
    for name, future in asked.items():
        error = _error(future)
        if error is None:
            count = len(future.result().partitions)
            if count != 1:
                raise BusError(
                    f"topic {name} has {count} partitions, so its messages have no order; "
                    "create it anew with 1"
                )
            allowed = future.result().authorized_operations
            for operation, names in needs.items():
                # A broker that checks nobody may say nothing.
                if allowed and name in names and operation not in allowed:
                    raise BusError(
                        f"the broker does not allow us to {operation.name} topic {name}; "
                        "let its administrator allow that"
                    )
        elif error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            missing.add(name)
        else:
            raise _refused(call, f"topic {name} cannot be looked at", error)
    return missing


def _create(call: _Call, settings: Settings, topics: Mapping[str, TopicSpec]) -> set[str]:
    if not topics:
        return set()
    new = [
        NewTopic(
            name,
            num_partitions=1,
            replication_factor=settings.replication,
            config={"cleanup.policy": "compact"} if spec.kind is TopicKind.EVENT else {},
        )
        for name, spec in topics.items()
    ]
    asked = call.admin.create_topics(new, request_timeout=_LIMIT_S)
    call.wait(list(asked.values()))
    created = set()
    for name, future in asked.items():
        error = _error(future)
        if error is None:
            created.add(name)
        elif error.code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise _refused(call, f"topic {name} is missing and cannot be created", error)
    return created


def _ends(call: _Call, names: Collection[str]) -> dict[str, int]:
    latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
    partitions = {TopicPartition(name, 0): latest for name in names}
    asked = call.admin.list_offsets(partitions, request_timeout=_LIMIT_S)
    call.wait(list(asked.values()))
    for partition, future in asked.items():
        error = _error(future)
        if error is not None and (error.retriable() or error.code() in _NOT_YET):
            raise TopicIsNew(f"topic {partition.topic} cannot be read yet: {error.str()}")
        if error is not None:
            raise _refused(call, f"topic {partition.topic} cannot be read", error)
    return {partition.topic: future.result().offset for partition, future in asked.items()}


def _error(future: concurrent.futures.Future[Any]) -> Any:
    error = future.exception()
    if error is None:
        return None
    if not isinstance(error, KafkaException):
        raise error
    return error.args[0]


def _refused(call: _Call, what: str, error: Any) -> BusError:
    if error.code() in (KafkaError._TIMED_OUT, KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN):
        return call.away()
    # A broker that was killed is not let in by its controller for some seconds.
    if error.code() in PASSING or "fenced" in error.str():
        return BrokerAway(f"{what} yet: {error.str()}")
    return BusError(f"{what}: {error.str()}")
