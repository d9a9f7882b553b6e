# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Interfaces grow: a real registry that enforces compatibility takes ours after the deployed ones,
and the deployed ones after ours, and readers of either kind read writers of the other.
"""

from __future__ import annotations

import http.client
import json
import secrets
import urllib.parse

import pytest

from lsst.ts.scriptqueue.bus import FieldSpec, FieldType, Message, Reading, TopicSpec, connect
from lsst.ts.scriptqueue.bus.avro import schema_text
from lsst.ts.scriptqueue.bus.kafka.registry import Registry
from lsst.ts.scriptqueue.local_kafka.server import Server
from lsst.ts.scriptqueue.sal.definitions import component

from ..collector import Collector
from ..links import EVERY
from ..topics import a_message
from .test_bytes import DEPLOYED, deployed_topic

pytestmark = pytest.mark.system

#: The last one demands all that the others do; each registration takes its time.
LEVELS = [
    *(
        pytest.param(level, marks=[pytest.mark.long, pytest.mark.timeout(300)])
        for level in ("BACKWARD", "FORWARD", "FULL", "BACKWARD_TRANSITIVE", "FORWARD_TRANSITIVE")
    ),
    "FULL_TRANSITIVE",
]

#: Topics that grow first; the others are tried with the long tests.
FIRST = ("ScriptQueue.command_add", "ScriptQueue.logevent_queue", "ScriptQueue.logevent_script")

#: What design and issue add to the deployed topics, and more of every type: none may break anybody.
ADDED = tuple(
    FieldSpec(f"added{number}", kind, count)
    for number, (kind, count) in enumerate(
        [(kind, 1) for kind in FieldType]
        + [(FieldType.INT, 400), (FieldType.BOOLEAN, 50), (FieldType.DOUBLE, 3)]
    )
)


def ours(topic: str) -> TopicSpec:
    """Return a topic as we define it."""
    owner, name = topic.split(".")
    return component(owner).topics[name]


def grown(topic: str) -> TopicSpec:
    """Return a topic as we might define it one day."""
    now = ours(topic)
    return TopicSpec(now.component, now.name, now.kind, now.fields + ADDED)


def enforce(server: Server, subject: str, level: str) -> None:
    """Have the registry enforce compatibility for one subject."""
    url = urllib.parse.urlsplit(server.registry)
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=20)
    try:
        content = {"Content-Type": "application/vnd.schemaregistry.v1+json"}
        path = f"{url.path}/config/{subject}"
        connection.request("PUT", path, json.dumps({"compatibility": level}), content)
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("older_first", [True, False], ids=["deployed first", "ours first"])
def test_a_registry_that_enforces_compatibility_takes_both(
    kafka_server: Server, level: str, older_first: bool
) -> None:
    registry = Registry(kafka_server.registry)
    subname = f"test_{secrets.token_hex(6)}"
    for topic in FIRST if level == "FULL_TRANSITIVE" else DEPLOYED["topics"]:
        subject = f"lsst.{subname}.{topic}-value"
        texts = [schema_text(spec) for spec in (deployed_topic(topic), ours(topic), grown(topic))]
        for number, text in enumerate(texts if older_first else reversed(texts)):
            registry.register({subject: text})
            if number == 0:
                enforce(kafka_server, subject, level)


@pytest.mark.parametrize("level", ["BACKWARD", "FORWARD", "FULL"])
def test_the_registry_does_enforce_it(kafka_server: Server, level: str) -> None:
    registry = Registry(kafka_server.registry)
    subject = f"lsst.test_{secrets.token_hex(6)}.ScriptQueue.logevent_queue-value"
    spec = ours("ScriptQueue.logevent_queue")
    retyped = tuple(
        FieldSpec(field.name, FieldType.STRING) if field.name == "running" else field for field in spec.fields
    )
    registry.register({subject: schema_text(spec)})
    enforce(kafka_server, subject, level)
    with pytest.raises(Exception, match="refuses POST"):
        registry.register({subject: schema_text(TopicSpec(spec.component, spec.name, spec.kind, retyped))})


@pytest.mark.parametrize("topic", sorted(DEPLOYED["topics"]))
def test_ours_begins_as_the_deployed_one_does(topic: str) -> None:
    theirs = json.loads(schema_text(deployed_topic(topic)))["fields"]
    mine = json.loads(schema_text(ours(topic)))["fields"]
    for old, new in zip(theirs, mine, strict=False):
        assert {key: new[key] for key in ("name", "type", "default")} == {
            key: old[key] for key in ("name", "type", "default")
        }
    assert len(mine) >= len(theirs)


@pytest.mark.parametrize("topic", ["ScriptQueue.logevent_queue", "Script.logevent_state"])
async def test_readers_of_either_kind_read_writers_of_the_other(kafka_server: Server, topic: str) -> None:
    environment = kafka_server.environment | {"LSST_TOPIC_SUBNAME": f"test_{secrets.token_hex(6)}"}
    specs = (deployed_topic(topic), grown(topic))
    buses = [connect("kafka", environment) for _ in specs]
    got = [Collector() for _ in specs]
    sent: list[Message] = []
    for number, spec in enumerate(specs):
        reads = [Reading(spec, EVERY, got[number])]
        link = await buses[number].open(index=1, writes=[spec], reads=reads)
        sent.append(a_message(spec, salIndex=1, private_seqNum=number, private_identity=spec.name))
        await link.write(spec, sent[-1])
    for collector in got:
        await collector.until(lambda got: got.messages[-1:] != [] and got.messages[-1]["private_seqNum"] == 1)
    older, newer = sent
    assert got[0].messages == [older, {name: newer[name] for name in older}]
    assert got[1].messages == [a_message(specs[1]) | older, newer]
    for bus in buses:
        await bus.aclose()
