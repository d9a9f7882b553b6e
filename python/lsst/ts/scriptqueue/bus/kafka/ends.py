# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far topics have come that are all there: two round trips of a client that is needed anyway.

As a rule every topic exists. So the consumer is asked for the ends at once,
on the connection that it will read by, and only if something is not as it
should be `topics` looks closer. A client that has asked for a topic that is
not there remembers that for a second, and is of no use to who makes it.
Every call blocks: for threads.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Mapping

from confluent_kafka import Consumer as Client
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from .blocking import Interrupted
from .faults import BrokerAway, Faults

__all__ = ["ends_if_all_there"]

_GLANCE_S = 0.5
_LIMIT_S = 2.0
_PAUSE_S = 0.05
_LATER = frozenset({KafkaError._TIMED_OUT, KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN})


def ends_if_all_there(
    client: Client, names: Collection[str], faults: Faults, stop: threading.Event, limit_s: float
) -> Mapping[str, int] | None:
    """Return the offset of the next message of each topic.

    Parameters
    ----------
    client
        Whom to ask.
    names
        The broker's names of the topics.
    faults
        What the client reports.
    stop
        Set when nobody waits for this any more.
    limit_s
        How long the broker may take; after two seconds it is given up anyway.

    Returns
    -------
    dict or None
        None if not every topic is there with one partition, or we may not see it.

    Raises
    ------
    BrokerAway
        If the broker does not answer.
    BusError
        If the broker refuses us.
    """
    # A partition that must not be there is known to be missing when the others are known.
    asked = [TopicPartition(name, number, -1) for name in names for number in (0, 1)]
    give_up_at = time.monotonic() + min(limit_s, _LIMIT_S)
    while (left_s := give_up_at - time.monotonic()) > 0:
        try:
            return _ends(client.offsets_for_times(asked, timeout=min(left_s, _GLANCE_S)))
        except KafkaException as error:
            # What the library reports besides comes in only so.
            client.poll(0)
            faults.check()
            if error.args[0].code() not in _LATER:
                return None
        if stop.wait(_PAUSE_S):
            raise Interrupted
    raise BrokerAway(faults.away())


def _ends(answers: Collection[TopicPartition]) -> Mapping[str, int] | None:
    ends = {}
    for answer in answers:
        code = None if answer.error is None else answer.error.code()
        if answer.partition == 0 and code is None and answer.offset >= 0:
            ends[answer.topic] = answer.offset
        elif answer.partition == 0 or code != KafkaError._UNKNOWN_PARTITION:
            return None
    return ends
