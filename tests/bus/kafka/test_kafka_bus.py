# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the Kafka bus does beyond the contract, on a real broker."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from typing import TypeVar

import pytest
from confluent_kafka import Producer, TopicCollection
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, ResourceType

from lsst.ts.scriptqueue.bus import Bus, BusError, IndexRange, Reading, TopicSpec, connect
from lsst.ts.scriptqueue.bus.avro import schema_text
from lsst.ts.scriptqueue.bus.kafka import bus as kafka_bus
from lsst.ts.scriptqueue.bus.kafka import topics
from lsst.ts.scriptqueue.bus.kafka.registry import Registry
from lsst.ts.scriptqueue.local_kafka.server import Server

from ..collector import Collector
from ..topics import ACKNOWLEDGEMENT, ALL, COMMAND, EVENT, STATE, TELEMETRY, a_message

pytestmark = pytest.mark.system

EVERY = IndexRange.every()
T = TypeVar("T")


@pytest.fixture
def subname() -> str:
    return f"test_{secrets.token_hex(6)}"


@pytest.fixture
async def bus(kafka_server: Server, subname: str) -> AsyncIterator[Bus]:
    bus = connect("kafka", kafka_server.environment | {"LSST_TOPIC_SUBNAME": subname})
    yield bus
    await bus.aclose()


def ask(server: Server, question: Callable[[AdminClient], T]) -> T:
    """Ask the broker; the client ends with the question."""
    return question(AdminClient({"bootstrap.servers": server.broker}))


def send(server: Server, topic: str, *values: bytes) -> None:
    """Write bytes as any program might."""
    producer = Producer({"bootstrap.servers": server.broker, "linger.ms": 0})
    for value in values:
        producer.produce(topic, value, b"key")
    assert producer.flush(20) == 0


async def test_events_are_compacted_and_all_topics_have_one_partition(
    bus: Bus, kafka_server: Server, subname: str
) -> None:
    await bus.open(index=1, writes=ALL, reads=())
    names = {f"lsst.{subname}.Probe.{topic.name}": topic for topic in ALL}

    def partitions(admin: AdminClient) -> dict[str, int]:
        asked = admin.describe_topics(TopicCollection(list(names)))
        return {name: len(future.result().partitions) for name, future in asked.items()}

    def policies_of(admin: AdminClient) -> dict[str, str]:
        asked = admin.describe_configs([ConfigResource(ResourceType.TOPIC, name) for name in names])
        return {what.name: future.result()["cleanup.policy"].value for what, future in asked.items()}

    assert ask(kafka_server, partitions) == dict.fromkeys(names, 1)
    policies = ask(kafka_server, policies_of)
    compacted = {name for name, policy in policies.items() if policy == "compact"}
    assert compacted == {name for name in names if ".logevent_" in name}


async def test_no_consumer_group_is_left_at_the_broker(bus: Bus, kafka_server: Server) -> None:
    got = Collector()
    link = await bus.open(index=1, writes=[STATE], reads=[Reading(STATE, EVERY, got)])
    await link.write(STATE, a_message(number=1))
    await got.has(1)
    await bus.aclose()
    assert ask(kafka_server, lambda admin: admin.list_consumer_groups().result().valid) == []


async def test_what_is_written_is_registered_as_it_is(bus: Bus, kafka_server: Server, subname: str) -> None:
    await bus.open(index=1, writes=[STATE], reads=())
    registry = Registry(kafka_server.registry)
    subject = f"lsst.{subname}.Probe.logevent_state-value"
    ids = registry.register({subject: schema_text(STATE)})
    assert registry.schema(ids[subject]) == schema_text(STATE)


@pytest.mark.parametrize("leaf", [False, True], ids=["queue", "script"])
async def test_what_is_handed_down_is_used(
    bus: Bus, kafka_server: Server, subname: str, monkeypatch: pytest.MonkeyPatch, leaf: bool
) -> None:
    handed_down = await bus.hand_down(ALL)
    registered: list[str] = []
    monkeypatch.setattr(Registry, "register", lambda _, schemas, timeout_s: registered.extend(schemas))
    environment = {**kafka_server.environment, "LSST_TOPIC_SUBNAME": subname, **handed_down}
    got = Collector()
    child = connect("kafka", environment, leaf=leaf)
    link = await child.open(index=1, writes=[STATE], reads=[Reading(STATE, EVERY, got)])
    await link.write(STATE, a_message(number=1))
    await got.has(1)
    await child.aclose()
    assert registered == []


async def test_a_script_whose_topics_are_there_asks_with_what_it_reads_by(
    bus: Bus, kafka_server: Server, subname: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bus.hand_down([STATE, COMMAND])

    def prepare(*_: object) -> None:
        raise AssertionError("asked with another client")

    monkeypatch.setattr(topics, "prepare", prepare)
    script = connect("kafka", kafka_server.environment | {"LSST_TOPIC_SUBNAME": subname}, leaf=True)
    got = Collector()
    link = await script.open(index=1, writes=[STATE, COMMAND], reads=[Reading(COMMAND, EVERY, got)])
    await link.write(COMMAND, a_message(COMMAND, number=1))
    await got.has(1)
    await script.aclose()


async def test_a_script_whose_topics_are_missing_has_them_made(kafka_server: Server, subname: str) -> None:
    script = connect("kafka", kafka_server.environment | {"LSST_TOPIC_SUBNAME": subname}, leaf=True)
    got = Collector()
    link = await script.open(index=1, writes=[STATE, COMMAND], reads=[Reading(COMMAND, EVERY, got)])
    await link.write(COMMAND, a_message(COMMAND, number=1))
    await got.has(1)
    await script.aclose()


async def test_who_hands_down_notices_another_registry(
    bus: Bus, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(kafka_bus, "_CHECK_EVERY_S", 0.0)

    def register(_: Registry, schemas: Mapping[str, str], timeout_s: float) -> dict[str, int]:
        return {subject: 4_000_000 + number for number, subject in enumerate(sorted(schemas))}

    before = await bus.hand_down([STATE])
    await bus.open(index=1, writes=ALL, reads=())
    monkeypatch.setattr(Registry, "register", register)
    assert await bus.hand_down([STATE]) == before
    checks = [task for task in asyncio.all_tasks() if task.get_name() == "kafka schema ids"]
    await asyncio.gather(*checks)
    after = await bus.hand_down([STATE])
    assert all(":4000" in value for value in after.values())
    assert "the schema registry has changed" in caplog.text


@pytest.mark.parametrize("leaf", [False, True], ids=["queue", "script"])
async def test_a_topic_of_several_partitions_is_refused(
    kafka_server: Server, subname: str, leaf: bool
) -> None:
    bus = connect("kafka", kafka_server.environment | {"LSST_TOPIC_SUBNAME": subname}, leaf=leaf)
    name = f"lsst.{subname}.Probe.logevent_state"
    ask(kafka_server, lambda admin: admin.create_topics([NewTopic(name, num_partitions=3)])[name].result())
    with pytest.raises(BusError, match=rf"{name} has 3 partitions"):
        await bus.open(index=1, writes=[STATE], reads=[Reading(STATE, EVERY, Collector())])
    await bus.aclose()


async def test_garbage_is_skipped_and_logged_once(
    bus: Bus, kafka_server: Server, subname: str, caplog: pytest.LogCaptureFixture
) -> None:
    got = Collector()
    link = await bus.open(index=1, writes=[STATE], reads=[Reading(STATE, EVERY, got)])
    await link.write(STATE, a_message(number=1))
    with caplog.at_level(logging.WARNING):
        unknown_schema = b"\0\x7f\0\0\0\2\2\0"
        send(kafka_server, f"lsst.{subname}.Probe.logevent_state", b"", b"hello", unknown_schema, b"\0\0")
        await link.write(STATE, a_message(number=2))
        await got.has(2)
    assert got.numbers() == [1, 2]
    assert [record.getMessage() for record in caplog.records if "cannot be decoded" in record.getMessage()][
        1:
    ] == []
    assert "Probe.logevent_state: skipped a message that cannot be decoded" in caplog.text


@pytest.mark.parametrize("older_first", [True, False], ids=["older first", "newer first"])
async def test_versions_of_an_interface_get_along(
    kafka_server: Server, subname: str, older_first: bool
) -> None:
    older = TopicSpec(STATE.component, STATE.name, STATE.kind, STATE.fields[:2])
    environment = kafka_server.environment | {"LSST_TOPIC_SUBNAME": subname}
    buses = {topic: connect("kafka", environment) for topic in (older, STATE)}
    collectors = {topic: Collector() for topic in buses}
    links = {}
    for topic in (older, STATE) if older_first else (STATE, older):
        reads = [Reading(topic, EVERY, collectors[topic])]
        links[topic] = await buses[topic].open(index=1, writes=[topic], reads=reads)
    await links[older].write(older, {"salIndex": 1, "number": 1})
    await links[STATE].write(STATE, {"salIndex": 1, "number": 2, "text": "more"})
    for got in collectors.values():
        await got.has(2)
    assert collectors[older].messages == [{"salIndex": 1, "number": 1}, {"salIndex": 1, "number": 2}]
    assert [message["text"] for message in collectors[STATE].messages] == ["", "more"]
    for each in buses.values():
        await each.aclose()


async def test_history_is_searched_among_the_newest_only(bus: Bus) -> None:
    link = await bus.open(index=1, writes=[STATE], reads=())
    await link.write(STATE, a_message(salIndex=1, number=1))
    for number in range(2, 502):
        await link.write(STATE, a_message(salIndex=2, number=number))
    got = Collector()
    await bus.open(index=0, writes=(), reads=[Reading(STATE, EVERY, got)])
    assert got.numbers() == [501]


async def test_a_later_reader_in_the_same_process_disturbs_no_earlier_one(bus: Bus) -> None:
    first, second = Collector(), Collector()
    link = await bus.open(index=1, writes=[STATE], reads=[Reading(STATE, EVERY, first)])
    for number in range(20):
        await link.write(STATE, a_message(salIndex=number % 3, number=number))
    await first.has(19)
    await bus.open(index=0, writes=(), reads=[Reading(STATE, EVERY, second)])
    assert sorted(second.numbers()) == [17, 18, 19]
    await link.write(STATE, a_message(number=20))
    await second.has(20)
    await first.has(20)
    assert first.numbers() == list(range(21))


async def test_user_name_and_password_are_used(kafka_server: Server, subname: str) -> None:
    bus = connect("kafka", kafka_server.sasl_environment | {"LSST_TOPIC_SUBNAME": subname})
    got = Collector()
    link = await bus.open(index=1, writes=[COMMAND], reads=[Reading(COMMAND, EVERY, got)])
    await link.write(COMMAND, a_message(COMMAND, number=1))
    await got.has(1)
    await bus.aclose()


@pytest.mark.parametrize("leaf", [False, True], ids=["queue", "script"])
@pytest.mark.timeout(20)
async def test_a_wrong_password_is_told_at_once(kafka_server: Server, subname: str, leaf: bool) -> None:
    environment = kafka_server.sasl_environment | {"LSST_KAFKA_SECURITY_PASSWORD": "wrong"}
    bus = connect("kafka", environment | {"LSST_TOPIC_SUBNAME": subname}, leaf=leaf)
    with pytest.raises(BusError, match=r"refuses us: .*check LSST_KAFKA_SECURITY_USERNAME"):
        await bus.open(index=1, writes=[COMMAND], reads=[Reading(COMMAND, EVERY, Collector())])
    await bus.aclose()


@pytest.mark.parametrize("leaf", [False, True], ids=["queue", "script"])
@pytest.mark.parametrize(
    ("variable", "words"),
    [
        ("LSST_KAFKA_BROKER_ADDR", "no Kafka broker answers at"),
        ("LSST_SCHEMA_REGISTRY_URL", "the schema registry at .* does not answer"),
    ],
)
async def test_who_is_away_is_named_when_waiting_ends(
    kafka_server: Server, subname: str, variable: str, words: str, leaf: bool
) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{nobody.getsockname()[1]}"
        value = address if variable == "LSST_KAFKA_BROKER_ADDR" else f"http://{address}"
        environment = kafka_server.environment | {variable: value, "LSST_TOPIC_SUBNAME": subname}
        bus = connect("kafka", environment | {"LSST_KAFKA_START_LIMIT_S": "0.1"}, leaf=leaf)
        with pytest.raises(BusError, match=rf"{words}.*waited 0\.1 s"):
            await bus.open(index=1, writes=[STATE], reads=[Reading(STATE, EVERY, Collector())])
        await bus.aclose()


async def test_a_message_too_large_is_refused(bus: Bus) -> None:
    got = Collector()
    link = await bus.open(index=1, writes=[STATE], reads=[Reading(STATE, EVERY, got)])
    with pytest.raises(BusError, match=r"logevent_state: .*(too large|larger)"):
        await link.write(STATE, a_message(number=1, text="x" * 1_200_000))
    await link.write(STATE, a_message(number=2))
    await got.has(2)
    assert got.numbers() == [2]


async def test_telemetry_and_acknowledgements_share_a_link(bus: Bus) -> None:
    got = Collector()
    reads = [Reading(TELEMETRY, EVERY, got), Reading(ACKNOWLEDGEMENT, EVERY, got), Reading(EVENT, EVERY, got)]
    link = await bus.open(index=1, writes=[TELEMETRY, ACKNOWLEDGEMENT], reads=reads)
    await link.write(TELEMETRY, a_message(TELEMETRY, number=1))
    await link.write(ACKNOWLEDGEMENT, a_message(ACKNOWLEDGEMENT, number=2))
    await got.has(1)
    await got.has(2)
    assert json.dumps(got.messages)
