# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the environment says about the broker and the registry."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..contract import BusError, TopicSpec

__all__ = ["Settings"]

_FILES = {
    "common": "LSST_KAFKA_BROKER_CLIENT_CONFIGURATION",
    "consumer": "LSST_KAFKA_CONSUMER_CONFIGURATION",
    "producer": "LSST_KAFKA_PRODUCER_CONFIGURATION",
}
_ACKS = {"0": 0, "1": 1, "-1": -1, "all": -1}


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of a connection.

    Attributes
    ----------
    broker
        Addresses of the broker, separated by commas.
    registry
        URL of the schema registry.
    subname
        The second part of each topic's name.
    replication
        Replication factor of a topic that is created.
    acks
        How many brokers must have a message; None if nobody said.
    start_limit_s
        How long an opening waits for a broker or registry that is away.
    security, common, consumer, producer
        Settings of librdkafka, to be taken in this order.
    """

    broker: str
    registry: str
    subname: str
    replication: int
    acks: int | None
    start_limit_s: float
    security: Mapping[str, Any] = field(repr=False)
    common: Mapping[str, Any] = field(repr=False)
    consumer: Mapping[str, Any] = field(repr=False)
    producer: Mapping[str, Any] = field(repr=False)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        """Read them.

        Raises
        ------
        BusError
            If a variable makes no sense, or a file named cannot be used.
        """
        subname = environ.get("LSST_TOPIC_SUBNAME", "")
        if not subname:
            raise BusError(
                "Kafka needs LSST_TOPIC_SUBNAME (sal at the observatory, a name of your own for tests),"
                " LSST_KAFKA_BROKER_ADDR and LSST_SCHEMA_REGISTRY_URL in the environment; a Kafka on this"
                ' machine is started, and they are set, by: eval "$(bin/kafka start)"'
            )
        return cls(
            broker=environ.get("LSST_KAFKA_BROKER_ADDR") or "broker:29092",
            registry=environ.get("LSST_SCHEMA_REGISTRY_URL") or "http://schema-registry:8081",
            subname=subname,
            replication=int(_number(environ, "LSST_KAFKA_REPLICATION_FACTOR", 1, whole=True)),
            acks=_acks(environ.get("LSST_KAFKA_PRODUCER_WAIT_ACKS")),
            start_limit_s=_number(environ, "LSST_KAFKA_START_LIMIT_S", 60),
            security=_security(environ),
            **{name: _file(environ, variable) for name, variable in _FILES.items()},
        )

    def topic_name(self, topic: TopicSpec) -> str:
        """Return the broker's name of a topic."""
        return f"lsst.{self.subname}.{topic.component}.{topic.name}"

    def client(self, *more: Mapping[str, Any]) -> dict[str, Any]:
        """Return librdkafka's settings for one client; what comes later counts."""
        result: dict[str, Any] = {"bootstrap.servers": self.broker, "log_level": 2}
        for part in (self.security, *more):
            result |= part
        return result


def _number(environ: Mapping[str, str], name: str, default: float, *, whole: bool = False) -> float:
    text = environ.get(name) or str(default)
    try:
        value = int(text) if whole else float(text)
    except ValueError:
        value = 0
    if not (value > 0 and math.isfinite(value)):
        kind = "whole number" if whole else "number"
        raise BusError(f"{name} must be a {kind} above 0, not {text!r}")
    return value


def _acks(text: str | None) -> int | None:
    if not text:
        return None
    if text in _ACKS:
        return _ACKS[text]
    raise BusError(f"LSST_KAFKA_PRODUCER_WAIT_ACKS must be one of {', '.join(_ACKS)}, not {text!r}")


def _security(environ: Mapping[str, str]) -> dict[str, Any]:
    user = environ.get("LSST_KAFKA_SECURITY_USERNAME")
    password = environ.get("LSST_KAFKA_SECURITY_PASSWORD")
    if not (user and password):
        return {}
    return {
        "security.protocol": environ.get("LSST_KAFKA_SECURITY_PROTOCOL") or "SASL_PLAINTEXT",
        "sasl.mechanism": environ.get("LSST_KAFKA_SECURITY_MECHANISM") or "SCRAM-SHA-512",
        "sasl.username": user,
        "sasl.password": password,
    }


def _file(environ: Mapping[str, str], variable: str) -> dict[str, Any]:
    path = environ.get(variable)
    if not path:
        return {}
    import yaml

    try:
        with open(path, encoding="utf-8") as file:
            content = yaml.safe_load(file)
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        raise BusError(f"{variable} names {path}, which cannot be read: {error}") from error
    if content is None:
        return {}
    if not isinstance(content, dict) or not all(isinstance(name, str) for name in content):
        raise BusError(f"{variable} names {path}, which must hold librdkafka settings as `name: value`")
    return content
