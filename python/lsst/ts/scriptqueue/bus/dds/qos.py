# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quality of service: what DDS is told about each kind of topic.

Everything is reliable and nothing is bounded by a history depth: a writer
keeps each message until every reader has it, a reader until it was taken. So
a burst loses nothing. Events are kept beyond that, the latest of each SAL
index, for readers that come late.

A writer's instances are not disposed of when it goes: a late reader of
another writer's events learns nothing from that.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..contract import TopicKind
from .library import dds

__all__ = ["endpoint_qos", "participant_qos"]

_KEEP_LAST, _KEEP_ALL = 0, 1
_VOLATILE, _TRANSIENT_LOCAL = 0, 1
_RELIABLE = 1
_UNLIMITED = -1

#: How long a write may wait for room, in ns. Room is never short (see the
#: watermark in `discovery`), so that this only bounds the unforeseen.
_MAX_BLOCKING_NS = 10_000_000


@contextmanager
def endpoint_qos(kind: TopicKind, partition: str, token: bytes) -> Iterator[int]:
    """Yield the QoS of a reader or writer.

    Parameters
    ----------
    kind
        What the topic carries.
    partition
        Partition, or a pattern of partitions.
    token
        Names the link that the endpoint belongs to.
    """
    qos = dds.dds_create_qos()
    try:
        dds.dds_qset_reliability(qos, _RELIABLE, _MAX_BLOCKING_NS)
        dds.dds_qset_history(qos, _KEEP_ALL, 0)
        dds.dds_qset_durability(qos, _TRANSIENT_LOCAL if kind is TopicKind.EVENT else _VOLATILE)
        dds.dds_qset_durability_service(qos, 0, _KEEP_LAST, 1, _UNLIMITED, _UNLIMITED, _UNLIMITED)
        dds.dds_qset_writer_data_lifecycle(qos, False)
        dds.dds_qset_partition1(qos, partition.encode())
        dds.dds_qset_userdata(qos, token, len(token))
        yield qos
    finally:
        dds.dds_delete_qos(qos)


@contextmanager
def participant_qos(tag: bytes) -> Iterator[int]:
    """Yield the QoS of a participant that carries a tag."""
    qos = dds.dds_create_qos()
    try:
        dds.dds_qset_userdata(qos, tag, len(tag))
        yield qos
    finally:
        dds.dds_delete_qos(qos)
