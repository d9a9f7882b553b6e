# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removing the topics of a subname, and their schemas, and nobody else's."""

from __future__ import annotations

import json
import secrets
import urllib.request
from collections.abc import Mapping

import pytest
from confluent_kafka.admin import AdminClient

from lsst.ts.scriptqueue.bus import BusError, IndexRange, Reading, connect
from lsst.ts.scriptqueue.bus.kafka.removal import remove_topics
from lsst.ts.scriptqueue.local_kafka.server import Server

from ..collector import Collector
from ..topics import COMMAND, EVENT, STATE, a_message

pytestmark = pytest.mark.system


def an_environment(server: Server) -> dict[str, str]:
    return server.environment | {"LSST_TOPIC_SUBNAME": f"test_{secrets.token_hex(6)}"}


def what_there_is(server: Server, environment: Mapping[str, str]) -> tuple[int, int]:
    """Count the topics and the schemas of a subname, those included that are only hidden."""
    part = f".{environment['LSST_TOPIC_SUBNAME']}."
    topics = AdminClient({"bootstrap.servers": server.broker}).list_topics(timeout=20).topics
    with urllib.request.urlopen(f"{server.registry}/subjects?deleted=true", timeout=20) as answer:
        subjects = json.load(answer)
    return sum(part in name for name in topics), sum(part in name for name in subjects)


async def use(environment: Mapping[str, str]) -> None:
    """Write an event, and be ready to give a command."""
    bus = connect("kafka", environment)
    reads = [Reading(EVENT, IndexRange.every(), Collector())]
    link = await bus.open(index=1, writes=[STATE, COMMAND], reads=reads)
    await link.write(STATE, a_message(number=1))
    await bus.aclose()


async def test_all_of_a_subname_goes_and_nothing_else(kafka_server: Server) -> None:
    # One name begins as the other does.
    first = an_environment(kafka_server)
    second = first | {"LSST_TOPIC_SUBNAME": f"{first['LSST_TOPIC_SUBNAME']}_b"}
    await use(first)
    await use(second)
    topics, schemas = what_there_is(kafka_server, first)
    assert (topics, schemas > 0) == (3, True)
    assert remove_topics(first) == []
    assert what_there_is(kafka_server, first) == (0, 0)
    assert what_there_is(kafka_server, second) == (topics, schemas)
    assert remove_topics(first) == [], "there is nothing left to do"
    await use(first)
    assert what_there_is(kafka_server, first) == (topics, schemas), "they can be made again"
    for environment in (first, second):
        remove_topics(environment)


def test_a_broker_that_is_away_is_named(kafka_server: Server) -> None:
    away = an_environment(kafka_server) | {"LSST_KAFKA_BROKER_ADDR": "127.0.0.1:1"}
    with pytest.raises(BusError, match=r"no Kafka broker answers at 127\.0\.0\.1:1"):
        remove_topics(away, limit_s=0.5)


async def test_a_registry_that_is_away_is_named_when_the_topics_are_gone(kafka_server: Server) -> None:
    environment = an_environment(kafka_server)
    await use(environment)
    with pytest.raises(BusError, match=r"the schema registry at 127\.0\.0\.1:1 does not answer"):
        remove_topics(environment | {"LSST_SCHEMA_REGISTRY_URL": "http://127.0.0.1:1"})
    topics, _ = what_there_is(kafka_server, environment)
    assert topics == 0
