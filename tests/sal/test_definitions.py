# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our definitions say what the deployed interfaces say."""

from __future__ import annotations

import hashlib
import json

import pytest

from lsst.ts.scriptqueue.bus import FieldSpec, FieldType, TopicKind, TopicSpec
from lsst.ts.scriptqueue.sal.definitions import component
from lsst.ts.scriptqueue.sal.errors import ComponentError
from lsst.ts.scriptqueue.sal.revision import avro_schema, revision_code
from lsst.ts.scriptqueue.sal.sequence import SequenceNumbers, sequence_range

from .facts import FACTS

COMPONENTS = FACTS["components"]
TOPICS = [(name, topic) for name, facts in COMPONENTS.items() for topic in facts["topics"]]
COMMANDS = [(name, command) for name, facts in COMPONENTS.items() for command in facts["commands"]]

#: What we have and deployed components do not.
ADDED_TOPICS = {
    "ScriptQueue": ("logevent_configurationApplied", "logevent_configurationsAvailable", "logevent_slots")
}
#: Those of the added fields that are no text: their type and units.
ADDED_NUMBERS = {
    "memory": ("long long", "byte"),
    "cpuTime": ("double", "second"),
    "processId": ("int", "unitless"),
}
ADDED_FIELDS = {
    "Script.logevent_description": ("resources",),
    "ScriptQueue.command_add": ("slot", "resources"),
    "ScriptQueue.command_move": ("slot",),
    "ScriptQueue.command_pause": ("slot",),
    "ScriptQueue.command_requeue": ("slot",),
    "ScriptQueue.command_resume": ("slot",),
    "ScriptQueue.logevent_script": (
        "slot",
        "resources",
        "waitingFor",
        "exitReason",
        "concern",
        *ADDED_NUMBERS,
        "outputFile",
    ),
}


@pytest.mark.parametrize("name", COMPONENTS)
def test_component_has_the_deployed_topics_sorted_by_name(name: str) -> None:
    spec = component(name)
    assert spec.indexed is COMPONENTS[name]["indexed"]
    assert list(spec.topics) == sorted([*COMPONENTS[name]["topics"], *ADDED_TOPICS.get(name, ())])
    assert list(spec.commands) == sorted(COMPONENTS[name]["commands"])


@pytest.mark.parametrize(("name", "topic"), TOPICS)
def test_topic_has_the_deployed_fields_in_order_and_others_at_the_end(name: str, topic: str) -> None:
    deployed = FACTS["head"] + COMPONENTS[name]["topics"][topic]
    ours = [
        [field.name, field.type.value, field.count, field.units]
        for field in component(name).topics[topic].fields
    ]
    assert ours[: len(deployed)] == deployed
    added = []
    for field in ADDED_FIELDS.get(f"{name}.{topic}", ()):
        kind, units = ADDED_NUMBERS.get(field, ("string", "unitless"))
        added.append([field, kind, 1, units])
    assert ours[len(deployed) :] == added


@pytest.mark.parametrize("name", COMPONENTS)
def test_topics_are_found_by_kind(name: str) -> None:
    spec = component(name)
    assert {topic.name for topic in spec.topics.values() if topic.kind is TopicKind.COMMAND} == {
        f"command_{each}" for each in spec.commands
    }
    assert {topic.name for topic in spec.topics.values() if topic.kind is TopicKind.EVENT} == {
        f"logevent_{each}" for each in spec.events
    }
    assert not spec.telemetry
    assert spec.ackcmd.kind is TopicKind.ACKNOWLEDGEMENT


@pytest.mark.parametrize(("name", "topic"), TOPICS)
def test_everything_is_described(name: str, topic: str) -> None:
    spec = component(name).topics[topic]
    assert spec.description
    assert all(field.description for field in spec.fields)


@pytest.mark.parametrize(("name", "command"), COMMANDS)
def test_commands_are_numbered_as_deployed_clients_do(name: str, command: str) -> None:
    cmdtype, first, last = COMPONENTS[name]["commands"][command]
    spec = component(name)
    assert list(spec.topics).index(f"command_{command}") == cmdtype
    assert sequence_range(spec, command) == (first, last)


def test_numbers_stay_in_their_range_and_do_not_repeat(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = component("Script")
    first, last = sequence_range(spec, "run")
    # The first number is the last of the range.
    monkeypatch.setattr("os.urandom", lambda count: (last - first).to_bytes(count, "big"))
    numbers = SequenceNumbers()
    taken = [numbers.take(spec, "run") for _ in range(3)]
    assert taken == [last, first, first + 1]


def test_unknown_component_is_refused_with_those_there_are() -> None:
    with pytest.raises(ComponentError, match="there are Script, ScriptQueue"):
        component("ScriptQeue")


def test_revision_code_is_the_hash_of_the_avro_schema() -> None:
    topic = TopicSpec(
        "Probe",
        "logevent_x",
        TopicKind.EVENT,
        (
            FieldSpec("flag", FieldType.BOOLEAN, description="A flag"),
            FieldSpec("pair", FieldType.DOUBLE, 2, "degree", "A pair"),
        ),
        "An event.",
    )
    schema = {
        "type": "record",
        "name": "logevent_x",
        "namespace": "lsst.sal.Probe",
        "fields": [
            {
                "name": "flag",
                "type": "boolean",
                "default": False,
                "description": "A flag",
                "units": "unitless",
            },
            {
                "name": "pair",
                "type": {"type": "array", "items": "double"},
                "default": [0.0, 0.0],
                "description": "A pair",
                "units": "degree",
            },
        ],
        "description": "An event.",
    }
    assert avro_schema(topic) == schema
    text = json.dumps(schema, indent=4)
    assert revision_code(topic) == hashlib.md5(text.encode()).hexdigest()[:8]
