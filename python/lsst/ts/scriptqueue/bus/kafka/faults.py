# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the client library reports besides answers: brokers lost, passwords refused.

The library tries again for ever, and says why nothing comes only in passing;
so it is kept here, and looked at by whoever waits.
"""

from __future__ import annotations

import logging
from typing import Any

from confluent_kafka import KafkaError

from ..contract import BusError

__all__ = ["PASSING", "BrokerAway", "Faults"]

logger = logging.getLogger(__name__)

_REFUSED = frozenset(
    {
        KafkaError._AUTHENTICATION,
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.UNSUPPORTED_SASL_MECHANISM,
    }
)


#: What a broker says that starts, comes back after a pause or makes a topic; it passes.
PASSING = frozenset(
    {
        KafkaError.BROKER_NOT_AVAILABLE,
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.KAFKA_STORAGE_ERROR,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NETWORK_EXCEPTION,
        KafkaError.NOT_CONTROLLER,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.REPLICA_NOT_AVAILABLE,
        KafkaError.REQUEST_TIMED_OUT,
        KafkaError.UNKNOWN_LEADER_EPOCH,
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError._TIMED_OUT,
        KafkaError._TRANSPORT,
    }
)


class BrokerAway(BusError):
    """The broker does not answer; it may come back.

    Attributes
    ----------
    is_brief
        Is it to be expected back at once?
    """

    is_brief = False


class Faults:
    """What one client reported.

    Parameters
    ----------
    broker
        Its addresses, for the words.
    level
        How loud to say what is lost; quiet where whoever waits says it.
    """

    def __init__(self, broker: str, level: int = logging.WARNING) -> None:
        self._level = level
        self._broker = broker
        self._refusal = ""
        self._last = ""
        self._said: set[int] = set()

    def note(self, error: Any) -> None:
        """Take in a report; the client's ``error_cb``."""
        self._last = error.str()
        if error.code() in _REFUSED:
            self._refusal = error.str()
        if error.code() not in self._said:
            self._said.add(error.code())
            logger.log(self._level, "Kafka at %s: %s", self._broker, error.str())

    def begin_to_tell(self) -> None:
        """From now on say what is lost: until now whoever waited did."""
        self._level = logging.WARNING
        self._said.clear()

    def answered(self) -> None:
        """Note that the broker is there: what is lost from now on is told anew."""
        self._last = ""
        self._said.clear()

    def check(self) -> None:
        """Raise what cannot get better by waiting.

        Raises
        ------
        BusError
            If the broker refuses us.
        """
        if self._refusal:
            raise BusError(
                f"the broker at {self._broker} refuses us: {self._refusal}; "
                "check LSST_KAFKA_SECURITY_USERNAME, _PASSWORD and _MECHANISM"
            )

    def away(self) -> str:
        """Say that nothing was heard."""
        return f"no Kafka broker answers at {self._broker}" + (f": {self._last}" if self._last else "")
