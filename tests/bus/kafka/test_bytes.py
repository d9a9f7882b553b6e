# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bytes that deployed components send, against ours, without a broker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lsst.ts.scriptqueue.bus import FieldSpec, FieldType, TopicKind, TopicSpec
from lsst.ts.scriptqueue.bus.avro import schema_text
from lsst.ts.scriptqueue.bus.kafka.codec import Codec
from lsst.ts.scriptqueue.bus.kafka.framing import FramingError, leading_int, message_key, schema_id_of
from lsst.ts.scriptqueue.sal.definitions import component

from ..topics import BARE, EVENT, STATE, TELEMETRY, a_message

DEPLOYED = json.loads((Path(__file__).parent / "data" / "deployed.json").read_text(encoding="utf-8"))
CAPTURED = pytest.mark.parametrize("captured", DEPLOYED["messages"], ids=lambda captured: captured["topic"])


def deployed_topic(name: str) -> TopicSpec:
    """Return a topic as deployed components define it, but for the words."""
    owner, sal_name = name.split(".")
    fields = tuple(
        FieldSpec(field, FieldType(kind), count) for field, kind, count in DEPLOYED["topics"][name]
    )
    return TopicSpec(owner, sal_name, component(owner).topics[sal_name].kind, fields)


@CAPTURED
def test_a_captured_message_has_the_values_stated(captured: dict[str, Any]) -> None:
    codec = Codec(deployed_topic(captured["topic"]))
    value = bytes.fromhex(captured["value"])
    assert schema_id_of(value) == captured["schema_id"]
    codec.learn(captured["schema_id"], codec.text)
    assert codec.decode(captured["schema_id"], value) == captured["message"]
    assert leading_int(value) == captured["message"]["salIndex"]


@CAPTURED
def test_a_captured_message_encodes_to_the_same_bytes(captured: dict[str, Any]) -> None:
    codec = Codec(deployed_topic(captured["topic"]))
    assert codec.encode(captured["schema_id"], captured["message"]).hex() == captured["value"]


@CAPTURED
def test_a_captured_key_is_ours(captured: dict[str, Any]) -> None:
    key = bytes.fromhex(captured["key"])
    assert message_key(deployed_topic(captured["topic"]), json.loads(key)["index"]) == key


@CAPTURED
def test_our_definition_reads_a_captured_message_and_adds_defaults(captured: dict[str, Any]) -> None:
    theirs = deployed_topic(captured["topic"])
    ours = Codec(component(theirs.component).topics[theirs.name])
    ours.learn(7, schema_text(theirs))
    read = ours.decode(7, bytes.fromhex(captured["value"]))
    assert list(read) == list(ours.shape.names)
    assert {name: read[name] for name in captured["message"]} == captured["message"]
    added = read.keys() - captured["message"].keys()
    assert all(read[name] in (0, "", False) or not any(read[name]) for name in added)


@CAPTURED
def test_a_deployed_reader_reads_ours_as_if_nothing_were_added(captured: dict[str, Any]) -> None:
    theirs = Codec(deployed_topic(captured["topic"]))
    ours = Codec(component(theirs.topic.component).topics[theirs.topic.name])
    message = a_message(ours.topic) | captured["message"]
    theirs.learn(9, ours.text)
    assert theirs.decode(9, ours.encode(9, message)) == captured["message"]


def test_the_registered_text_is_one_line_in_wire_order() -> None:
    text = schema_text(STATE)
    assert text.startswith(
        '{"type": "record", "name": "logevent_state", "namespace": "lsst.sal.Probe", "fields": [{"name": '
        '"salIndex", "type": "int", "default": 0, "description": "", "units": "unitless"}, '
    )
    assert "\n" not in text
    array = json.loads(schema_text(EVENT))["fields"][-1]
    assert array["type"] == {"type": "array", "items": "boolean"}
    assert array["default"] == [False, False, False]


def test_a_component_without_an_index_has_none_in_its_key() -> None:
    assert message_key(BARE, 0) == b'{ "name": "Lonely", "topic": "logevent_state" }'


def test_telemetry_has_no_key() -> None:
    assert TELEMETRY.kind is TopicKind.TELEMETRY
    assert message_key(TELEMETRY, 1) == b""


def test_lists_of_defaults_are_nobody_elses() -> None:
    codec = Codec(EVENT)
    codec.learn(1, schema_text(TopicSpec(EVENT.component, EVENT.name, EVENT.kind, EVENT.fields[:1])))
    value = b"\0\0\0\0\1\2"
    codec.decode(1, value)["switches"][0] = True
    assert codec.decode(1, value)["switches"] == [False, False, False]


@pytest.mark.parametrize("value", [None, b"", b"\0\0\0", b"\1\0\0\0\1\2"], ids=repr)
def test_what_is_no_message_is_told(value: bytes | None) -> None:
    with pytest.raises(FramingError):
        schema_id_of(value)


@pytest.mark.parametrize(
    ("record", "number"), [(b"\0", 0), (b"\1", -1), (b"\2", 1), (b"\xc2\x9a\x0c", 100001)], ids=repr
)
def test_the_leading_index_is_read_without_the_rest(record: bytes, number: int) -> None:
    assert leading_int(b"\0\0\0\0\1" + record) == number


def test_a_record_cut_short_is_told() -> None:
    with pytest.raises(FramingError):
        leading_int(b"\0\0\0\0\1\x80")
