# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the environment says about the broker and the registry."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from confluent_kafka import KafkaException

from ..contract import BusError, TopicSpec

__all__ = ["Settings"]

_FILES = {
    "common": "LSST_KAFKA_BROKER_CLIENT_CONFIGURATION",
    "consumer": "LSST_KAFKA_CONSUMER_CONFIGURATION",
    "producer": "LSST_KAFKA_PRODUCER_CONFIGURATION",
}
#: A script that is started as the broker goes away for a minute still finds it.
_START_LIMIT_S = 120

T = TypeVar("T")

#: For all clients. A broker that was away is found again at once: asking costs it nothing.
_CLIENT = {
    "log_level": 2,
    "reconnect.backoff.max.ms": 500,
    "socket.keepalive.enable": True,
    # A short message does not wait until the one before has been answered.
    "socket.nagle.disable": True,
}

#: What the library raises for settings it does not take.
_UNUSABLE = (KafkaException, TypeError, ValueError)

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
    files
        Path of the file that holds each of the last three, by their names here.
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
    files: Mapping[str, str]

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
            start_limit_s=_number(environ, "LSST_KAFKA_START_LIMIT_S", _START_LIMIT_S),
            security=_security(environ),
            **{name: _file(environ, variable) for name, variable in _FILES.items()},
            files={name: environ.get(variable, "") for name, variable in _FILES.items()},
        )

    @property
    def topic_prefix(self) -> str:
        """What the broker's names of all topics of the subname begin with."""
        return f"lsst.{self.subname}."

    def topic_name(self, topic: TopicSpec) -> str:
        """Return the broker's name of a topic."""
        return f"{self.topic_prefix}{topic.component}.{topic.name}"

    def client(self, *more: Mapping[str, Any]) -> dict[str, Any]:
        """Return librdkafka's settings for one client; what comes later counts."""
        result: dict[str, Any] = {"bootstrap.servers": self.broker, **_CLIENT}
        for part in (self.security, *more):
            result |= part
        return result

    def make(self, connect: Callable[[dict[str, Any]], T], *more: Mapping[str, Any]) -> T:
        """Make a client of the library.

        Parameters
        ----------
        connect
            Makes it from its settings.
        *more
            Settings, as for `client`.

        Raises
        ------
        BusError
            If a setting is refused; the text names it, and the file it is from.
        """
        try:
            return connect(self.client(*more))
        except _UNUSABLE as error:
            raise BusError(f"{self._blame(connect, more)}: {_words(error)}") from error

    def _blame(self, connect: Callable[[dict[str, Any]], T], parts: tuple[Mapping[str, Any], ...]) -> str:
        """Say which setting of which file is refused, by trying each alone."""
        files = {name: getattr(self, name) for name in _FILES}
        own = [part for part in parts if not any(part is content for content in files.values())]
        for name, content in files.items():
            if not any(part is content for part in parts):
                continue
            for setting, value in content.items():
                try:
                    connect(self.client(*own, {setting: value}))
                except _UNUSABLE:
                    return f"{_FILES[name]} names {self.files[name]}, whose setting {setting} cannot be used"
        return "these Kafka settings cannot be used"


def _words(error: Exception) -> str:
    text = error.args[0].str() if isinstance(error, KafkaException) else str(error)
    return str(text).strip()


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
