# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a broker says while it starts or wakes up passes, and is waited for; a refusal does not."""

from __future__ import annotations

import threading

import pytest
from confluent_kafka import KafkaError

from lsst.ts.scriptqueue.bus.kafka.faults import BrokerAway, Faults
from lsst.ts.scriptqueue.bus.kafka.topics import _Call, _refused


@pytest.mark.parametrize(
    ("code", "text", "passes"),
    [
        (KafkaError.UNKNOWN_LEADER_EPOCH, None, True),
        (KafkaError.FENCED_LEADER_EPOCH, None, True),
        (KafkaError.NOT_CONTROLLER, None, True),
        (KafkaError.REQUEST_TIMED_OUT, None, True),
        (KafkaError._TRANSPORT, None, True),
        (KafkaError.INVALID_REPLICATION_FACTOR, "All brokers are currently fenced.", True),
        (KafkaError.INVALID_REPLICATION_FACTOR, "only 1 broker(s) are registered", False),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, None, False),
        (KafkaError.INVALID_CONFIG, None, False),
    ],
)
def test_what_passes_is_waited_for(code: int, text: str | None, passes: bool) -> None:
    call = _Call(None, Faults("broker:1"), threading.Event(), 1.0)  # type: ignore[arg-type]
    error = _refused(call, "topic x cannot be created", KafkaError(code, text))
    assert isinstance(error, BrokerAway) is passes
    assert str(error)
