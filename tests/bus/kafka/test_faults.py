# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the broker or the registry refuses, lacks or has lost, and how that is told."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)

from lsst.ts.scriptqueue.bus import Bus, BusError, Reading, TopicSpec, connect
from lsst.ts.scriptqueue.bus.kafka import consumer
from lsst.ts.scriptqueue.bus.kafka.codec import Codec
from lsst.ts.scriptqueue.bus.kafka.registry import Registry
from lsst.ts.scriptqueue.local_kafka.server import Server

from ..collector import Collector
from ..links import EVERY
from ..topics import ACKNOWLEDGEMENT, COMMAND, EVENT, STATE, TELEMETRY, a_message
from .administrator import Administrator
from .gate import Gate
from .settings_files import with_file

pytestmark = pytest.mark.system

OLDER_STATE = TopicSpec(STATE.component, STATE.name, STATE.kind, STATE.fields[:2])


@pytest.fixture
def subname() -> str:
    return f"test_{secrets.token_hex(6)}"


@pytest.fixture
async def bus(kafka_server: Server, subname: str) -> AsyncIterator[Bus]:
    bus = connect("kafka", kafka_server.environment | {"LSST_TOPIC_SUBNAME": subname})
    yield bus
    await bus.aclose()


@pytest.fixture
def admin(kafka_server: Server) -> Administrator:
    return Administrator(kafka_server)


def allow_all_but(admin: Administrator, topic: str, operation: AclOperation) -> None:
    """Forbid one operation on a topic, and allow the others."""
    others = [AclOperation.DESCRIBE, AclOperation.READ, AclOperation.WRITE]
    bindings = [
        AclBinding(
            ResourceType.TOPIC,
            topic,
            ResourcePatternType.LITERAL,
            "User:scriptqueue",
            "*",
            other,
            AclPermissionType.DENY if other is operation else AclPermissionType.ALLOW,
        )
        for other in others
    ]
    admin.ask(lambda client: client.create_acls(bindings))


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (AclOperation.READ, "does not allow us to READ topic {topic};"),
        (AclOperation.WRITE, "does not allow us to WRITE topic {topic};"),
        (AclOperation.DESCRIBE, "topic {topic} cannot be looked at: .*authorization failed"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
async def test_what_we_may_not_do_with_a_topic_is_told_at_once(
    bus: Bus, admin: Administrator, kafka_server: Server, subname: str, operation: AclOperation, expected: str
) -> None:
    await bus.open(index=1, writes=[STATE, COMMAND], reads=())
    topic = f"lsst.{subname}.Probe.logevent_state"
    allow_all_but(admin, topic, operation)
    other = connect("kafka", kafka_server.sasl_environment | {"LSST_TOPIC_SUBNAME": subname})
    with pytest.raises(BusError, match=expected.format(topic=re.escape(topic))):
        await other.open(index=1, writes=[STATE, COMMAND], reads=[Reading(STATE, EVERY, Collector())])
    await other.aclose()


@pytest.mark.timeout(30)
@pytest.mark.parametrize("operation", [AclOperation.READ, AclOperation.WRITE], ids=lambda value: value.name)
async def test_what_scripts_may_not_do_is_told_to_who_starts_them(
    bus: Bus, admin: Administrator, kafka_server: Server, subname: str, operation: AclOperation
) -> None:
    await bus.open(index=1, writes=[STATE, COMMAND], reads=())
    topic = f"lsst.{subname}.Probe.logevent_state"
    allow_all_but(admin, topic, operation)
    other = connect("kafka", kafka_server.sasl_environment | {"LSST_TOPIC_SUBNAME": subname})
    with pytest.raises(BusError, match=f"does not allow us to {operation.name} topic {re.escape(topic)};"):
        await other.hand_down([STATE, COMMAND])
    await other.aclose()


@pytest.mark.timeout(30)
async def test_a_topic_that_a_script_may_not_see_is_told_at_once(
    bus: Bus, admin: Administrator, kafka_server: Server, subname: str
) -> None:
    await bus.open(index=1, writes=[STATE], reads=())
    allow_all_but(admin, f"lsst.{subname}.Probe.logevent_state", AclOperation.DESCRIBE)
    script = connect("kafka", kafka_server.sasl_environment | {"LSST_TOPIC_SUBNAME": subname}, leaf=True)
    with pytest.raises(BusError, match=r"cannot be looked at: .*authorization failed"):
        await script.open(index=1, writes=(), reads=[Reading(STATE, EVERY, Collector())])
    await script.aclose()


@pytest.mark.timeout(30)
async def test_what_is_forbidden_later_is_told_by_the_write(
    admin: Administrator, kafka_server: Server, subname: str
) -> None:
    bus = connect("kafka", kafka_server.sasl_environment | {"LSST_TOPIC_SUBNAME": subname})
    link = await bus.open(index=1, writes=[STATE, COMMAND], reads=())
    await link.write(STATE, a_message(number=1))
    allow_all_but(admin, f"lsst.{subname}.Probe.logevent_state", AclOperation.WRITE)
    with pytest.raises(BusError, match=r"Probe\.logevent_state: the broker does not allow us to write it"):
        await link.write(STATE, a_message(number=2))
    await link.write(COMMAND, a_message(COMMAND, number=3))
    await bus.aclose()


async def test_reading_that_is_forbidden_later_is_told(
    admin: Administrator, kafka_server: Server, subname: str, caplog: pytest.LogCaptureFixture
) -> None:
    bus = connect("kafka", kafka_server.sasl_environment | {"LSST_TOPIC_SUBNAME": subname})
    got = {STATE: Collector(), COMMAND: Collector()}
    reads = [Reading(topic, EVERY, collector) for topic, collector in got.items()]
    link = await bus.open(index=1, writes=[STATE, COMMAND], reads=reads)
    allow_all_but(admin, f"lsst.{subname}.Probe.logevent_state", AclOperation.READ)
    for number in range(2):
        await link.write(STATE, a_message(number=number))
        await link.write(COMMAND, a_message(COMMAND, number=number))
        await got[COMMAND].has(number)
    await bus.aclose()
    told = [line for line in caplog.messages if "cannot be read" in line]
    assert len(told) <= 1
    assert all(f"lsst.{subname}.Probe.logevent_state" in message for message in told)


async def test_a_registry_that_is_away_holds_up_one_topic_and_loses_nothing(
    bus: Bus, kafka_server: Server, subname: str
) -> None:
    writer = await bus.open(index=1, writes=[OLDER_STATE, COMMAND], reads=())
    got = {STATE: Collector(), COMMAND: Collector()}
    reads = [Reading(topic, EVERY, collector) for topic, collector in got.items()]
    async with Gate(kafka_server.registry) as gate:
        environment = {"LSST_TOPIC_SUBNAME": subname, "LSST_SCHEMA_REGISTRY_URL": gate.url}
        reader = connect("kafka", kafka_server.environment | environment)
        await reader.open(index=1, writes=[COMMAND], reads=reads)
        gate.bar()
        for number in range(5):
            await writer.write(OLDER_STATE, {"salIndex": 1, "number": number})
            await writer.write(COMMAND, a_message(COMMAND, number=number))
        await got[COMMAND].has(4)
        await gate.knocked(3)
        assert got[STATE].numbers() == []
        gate.open()
        await got[STATE].has(4)
        await writer.write(OLDER_STATE, {"salIndex": 1, "number": 5})
        await got[STATE].has(5)
        await reader.aclose()
    assert got[STATE].numbers() == list(range(6))


async def test_closing_does_not_wait_for_a_registry_that_is_away(
    bus: Bus, kafka_server: Server, subname: str
) -> None:
    writer = await bus.open(index=1, writes=[OLDER_STATE], reads=())
    async with Gate(kafka_server.registry) as gate:
        environment = {"LSST_TOPIC_SUBNAME": subname, "LSST_SCHEMA_REGISTRY_URL": gate.url}
        reader = connect("kafka", kafka_server.environment | environment)
        await reader.open(index=1, writes=(), reads=[Reading(STATE, EVERY, Collector())])
        gate.bar()
        await writer.write(OLDER_STATE, {"salIndex": 1, "number": 1})
        await gate.knocked(2)
        await asyncio.wait_for(reader.aclose(), 10)


async def test_history_waits_for_its_schema(bus: Bus, kafka_server: Server, subname: str) -> None:
    writer = await bus.open(index=1, writes=[OLDER_STATE], reads=())
    await writer.write(OLDER_STATE, {"salIndex": 1, "number": 1})
    async with Gate(kafka_server.registry) as gate:
        environment = {"LSST_TOPIC_SUBNAME": subname, "LSST_SCHEMA_REGISTRY_URL": gate.url}
        reader = connect("kafka", kafka_server.environment | environment)
        gate.bar()
        got = Collector()
        opening = asyncio.create_task(reader.open(index=1, writes=(), reads=[Reading(STATE, EVERY, got)]))
        await gate.knocked(2)
        assert not opening.done()
        gate.open()
        await opening
        assert got.numbers() == [1]
        await reader.aclose()


async def test_messages_removed_before_they_were_read_are_told_and_reading_goes_on(
    admin: Administrator,
    kafka_server: Server,
    subname: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(consumer, "_BATCH", 1)
    little = with_file(
        tmp_path,
        "LSST_KAFKA_CONSUMER_CONFIGURATION",
        "queued.max.messages.kbytes: 8\nqueued.min.messages: 1\nfetch.message.max.bytes: 4000\n"
        "max.partition.fetch.bytes: 4000\n",
    )
    environment = kafka_server.environment | {"LSST_TOPIC_SUBNAME": subname}
    writer_bus, reader_bus = connect("kafka", environment), connect("kafka", environment | little)
    link = await writer_bus.open(index=1, writes=[TELEMETRY], reads=())
    got = Collector()
    blocked = asyncio.Event()

    def deliver(message: dict[str, object]) -> None:
        got(message)
        if message["number"] == 0:
            # Nothing else happens on this loop until the broker has dropped what it had.
            fill_and_drop()
            blocked.set()

    topic = f"lsst.{subname}.Probe.position"

    def fill_and_drop() -> None:
        codec, subject = Codec(TELEMETRY), f"{topic}-value"
        schema_id = Registry(kafka_server.registry).register({subject: codec.text})[subject]
        values = [
            codec.encode(schema_id, a_message(TELEMETRY, number=number, text="x" * 1000))
            for number in range(1, 301)
        ]
        # One by one: the broker gives what was written as one batch as a whole, however little is asked for.
        producer = Producer({"bootstrap.servers": kafka_server.broker, "batch.num.messages": 1})
        for value in values:
            producer.produce(topic, value)
        assert producer.flush(20) == 0
        admin.ask(lambda client: client.delete_records([TopicPartition(topic, 0, 281)]))

    await reader_bus.open(index=1, writes=(), reads=[Reading(TELEMETRY, EVERY, deliver)])
    await link.write(TELEMETRY, a_message(TELEMETRY, number=0))
    async with asyncio.timeout(40):
        await blocked.wait()
    await got.has(300)
    await reader_bus.aclose()
    await writer_bus.aclose()
    numbers = got.numbers()
    first_after = numbers.index(281)
    assert numbers[first_after:] == list(range(281, 301))
    # What had been taken from the broker before is there, in order, and it was not much.
    assert numbers[:first_after] == list(range(first_after))
    assert first_after < 100
    told = [
        record.getMessage() for record in caplog.records if "removed at the broker" in record.getMessage()
    ]
    assert len(told) == 1
    assert f"{topic}: up to {281 - first_after} messages were removed" in told[0]


async def test_what_was_read_may_be_removed(
    bus: Bus, admin: Administrator, subname: str, caplog: pytest.LogCaptureFixture
) -> None:
    got = Collector()
    link = await bus.open(index=1, writes=[COMMAND], reads=[Reading(COMMAND, EVERY, got)])
    for number in range(5):
        await link.write(COMMAND, a_message(COMMAND, number=number))
    await got.has(4)
    topic = TopicPartition(f"lsst.{subname}.Probe.command_go", 0, 5)
    admin.ask(lambda client: client.delete_records([topic]))
    await link.write(COMMAND, a_message(COMMAND, number=5))
    await got.has(5)
    assert got.numbers() == list(range(6))
    assert "removed at the broker" not in caplog.text


async def test_history_ends_though_the_topic_is_written_all_the_time(bus: Bus) -> None:
    link = await bus.open(index=1, writes=[STATE], reads=())
    started = asyncio.Event()

    async def write_on() -> None:
        number = 0
        while True:
            await asyncio.gather(*(link.write(STATE, a_message(number=number + more)) for more in range(50)))
            number += 50
            started.set()

    writing = asyncio.create_task(write_on())
    await started.wait()
    got = Collector()
    async with asyncio.timeout(20):
        await bus.open(index=0, writes=(), reads=[Reading(STATE, EVERY, got)])
    assert not writing.done()
    await got.until(lambda got: len(got.messages) > 200)
    numbers = got.numbers()
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    writing.cancel()
    await asyncio.wait([writing])


@pytest.mark.parametrize("topic", [COMMAND, ACKNOWLEDGEMENT, TELEMETRY], ids=lambda topic: topic.name)
async def test_nothing_is_missed_between_the_opening_and_the_first_poll(
    kafka_server: Server, subname: str, topic: TopicSpec
) -> None:
    environment = kafka_server.environment | {"LSST_TOPIC_SUBNAME": subname}
    writer_bus, reader_bus = connect("kafka", environment), connect("kafka", environment)
    link = await writer_bus.open(index=1, writes=[topic], reads=())
    await link.write(topic, a_message(topic, number=0))
    got = Collector()
    opening = asyncio.create_task(reader_bus.open(index=1, writes=(), reads=[Reading(topic, EVERY, got)]))
    number = 0
    while not opening.done():
        number += 1
        await link.write(topic, a_message(topic, number=number))
    first = number + 1
    for number in range(first, first + 20):
        await link.write(topic, a_message(topic, number=number))
    await got.has(first + 19)
    numbers = got.numbers()
    assert numbers == list(range(numbers[0], first + 20))
    assert 0 < numbers[0] <= first
    await reader_bus.aclose()
    await writer_bus.aclose()


@pytest.mark.parametrize(
    ("topic", "policy", "is_told"),
    [
        (STATE, "delete", True),
        (STATE, "compact,delete", False),
        (COMMAND, "compact", True),
        (COMMAND, "delete", False),
        (ACKNOWLEDGEMENT, "compact", True),
    ],
    ids=lambda value: getattr(value, "name", str(value)),
)
async def test_a_topic_of_the_wrong_policy_is_warned_about(
    bus: Bus,
    admin: Administrator,
    subname: str,
    caplog: pytest.LogCaptureFixture,
    topic: TopicSpec,
    policy: str,
    is_told: bool,
) -> None:
    name = f"lsst.{subname}.Probe.{topic.name}"
    new = NewTopic(name, num_partitions=1, replication_factor=1, config={"cleanup.policy": policy})
    admin.ask(lambda client: client.create_topics([new]))
    await bus.open(index=1, writes=[topic, EVENT], reads=[Reading(topic, EVERY, Collector())])
    await asyncio.wait([task for task in asyncio.all_tasks() if task.get_name() == "Kafka policies"])
    told = [record for record in caplog.records if "cleanup.policy" in record.getMessage()]
    assert [record.levelno for record in told] == ([logging.WARNING] if is_told else [])
    if is_told:
        assert name in told[0].getMessage()


async def test_nothing_stays_at_the_broker_but_topics_that_were_asked_for(
    bus: Bus, admin: Administrator, subname: str
) -> None:
    got = Collector()
    link = await bus.open(index=1, writes=[STATE, COMMAND], reads=[Reading(STATE, EVERY, got)])
    await link.write(STATE, a_message(number=1))
    await got.has(1)
    await bus.aclose()
    topics = set(admin.look(lambda client: client.list_topics().topics))
    ours = {name for name in topics if subname in name}
    assert ours == {f"lsst.{subname}.Probe.logevent_state", f"lsst.{subname}.Probe.command_go"}
    assert "__transaction_state" not in topics
    assert admin.look(lambda client: client.list_consumer_groups().result().valid) == []
