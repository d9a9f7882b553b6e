# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records: defaults, attributes, and values that do not fit."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest

from lsst.ts.scriptqueue.bus import FieldSpec, FieldType, TopicKind, TopicSpec
from lsst.ts.scriptqueue.sal.definitions import component
from lsst.ts.scriptqueue.sal.enums import ScriptState
from lsst.ts.scriptqueue.sal.errors import FieldError
from lsst.ts.scriptqueue.sal.records import as_dict, record_class, wire_text

#: One field of each type.
EVERYTHING = TopicSpec(
    "Probe",
    "logevent_everything",
    TopicKind.EVENT,
    (
        FieldSpec("private_sndStamp", FieldType.DOUBLE),
        FieldSpec("private_seqNum", FieldType.LONG),
        FieldSpec("boolean", FieldType.BOOLEAN),
        FieldSpec("byte", FieldType.BYTE),
        FieldSpec("short", FieldType.SHORT),
        FieldSpec("int", FieldType.INT),
        FieldSpec("long", FieldType.LONG),
        FieldSpec("long_long", FieldType.LONG_LONG),
        FieldSpec("unsigned_short", FieldType.UNSIGNED_SHORT),
        FieldSpec("unsigned_int", FieldType.UNSIGNED_INT),
        FieldSpec("float", FieldType.FLOAT),
        FieldSpec("double", FieldType.DOUBLE),
        FieldSpec("string", FieldType.STRING),
        FieldSpec("ints", FieldType.INT, 3),
        FieldSpec("floats", FieldType.FLOAT, 2),
        FieldSpec("flags", FieldType.BOOLEAN, 2),
    ),
    "One field of each type.",
)
Everything = record_class(EVERYTHING)
Queue = record_class(component("ScriptQueue").events["queue"])


def test_defaults_are_zero_empty_and_repeated() -> None:
    record = Everything()
    assert (record.boolean, record.int, record.double, record.string) == (False, 0, 0.0, "")
    assert (record.ints, record.flags) == ((0, 0, 0), (False, False))
    assert [type(value) for value in (record.boolean, record.long, record.float)] == [bool, int, float]


def test_every_deployed_topic_can_be_made() -> None:
    for name in ("Script", "ScriptQueue"):
        for topic in component(name).topics.values():
            record = record_class(topic)(salIndex=5)
            assert record.salIndex == 5
            assert record.private_sndStamp == 0.0


@pytest.mark.parametrize(
    ("field", "given", "kept"),
    [
        ("byte", 255, 255),
        ("short", -32768, -32768),
        ("int", ScriptState.RUNNING, 3),
        ("long_long", 2**63 - 1, 2**63 - 1),
        ("unsigned_int", 2**32 - 1, 2**32 - 1),
        ("int", True, 1),
        ("boolean", 1, True),
        ("double", 2, 2.0),
        ("double", math.inf, math.inf),
        ("float", 0.1, 0.10000000149011612),
        ("string", "é\n", "é\n"),
        ("ints", [1, ScriptState.DONE, 3], (1, 8, 3)),
        ("floats", (1, 0.5), (1.0, 0.5)),
        ("flags", [0, True], (False, True)),
    ],
)
def test_value_is_kept_in_its_wire_form(field: str, given: Any, kept: Any) -> None:
    value = getattr(Everything(**{field: given}), field)
    assert value == kept
    assert type(value) is type(kept)


def test_nan_is_a_number_for_a_field() -> None:
    assert math.isnan(Everything(double=math.nan).double)


def test_none_leaves_the_default() -> None:
    assert Everything(int=None).int == 0


@pytest.mark.parametrize(
    ("field", "given", "message"),
    [
        ("byte", 256, "byte must be an integer from 0 to 255, not 256"),
        ("byte", -1, "byte must be an integer from 0 to 255, not -1"),
        ("short", 40000, "short must be an integer from -32768 to 32767, not 40000"),
        ("int", 1.5, "int must be an integer from -2147483648 to 2147483647, not 1.5"),
        ("int", "7", "int must be an integer from -2147483648 to 2147483647, not '7'"),
        ("unsigned_short", -1, "unsigned_short must be an integer from 0 to 65535, not -1"),
        ("boolean", "yes", "boolean must be True or False, not 'yes'"),
        ("boolean", 2, "boolean must be True or False, not 2"),
        ("double", "1.0", "double must be a number, not '1.0'"),
        ("float", 1e300, "float must be a number of single precision, not 1e[+]300"),
        ("string", 5, "string must be text without NUL characters that UTF-8 can encode, not 5"),
        ("string", b"x", "string must be text without NUL characters that UTF-8 can encode, not b'x'"),
        ("string", "a\0b", r"string must be text without NUL .*, not 'a\\x00b'"),
        ("string", "\udc80", r"string must be text .* that UTF-8 can encode, not '\\udc80'"),
        ("ints", [1, 2], "ints must be 3 values, each an integer .*, not 2 values"),
        ("ints", 5, "ints must be 3 values, each an integer .*, not 5"),
        ("ints", [1, 2, 2**31], "ints must be 3 values, each an integer .*, not "),
        ("flags", [1], "flags must be 2 values, each True or False, not 1 values"),
    ],
)
def test_value_that_does_not_fit_is_named_with_what_would(field: str, given: Any, message: str) -> None:
    with pytest.raises(FieldError, match=rf"^Probe.logevent_everything.{message}"):
        Everything(**{field: given})


def test_unknown_field_is_refused_with_those_there_are() -> None:
    with pytest.raises(
        FieldError, match=r"Probe.logevent_everything has no field itn; its fields are .*, int,"
    ):
        Everything(itn=5)


def test_reading_an_unknown_field_says_which_there_are() -> None:
    with pytest.raises(AttributeError, match=r"has no field lenght; its fields are .*length"):
        _ = Queue().lenght


def test_record_cannot_be_changed() -> None:
    record = Queue()
    with pytest.raises(AttributeError, match=r"cannot be changed: ScriptQueue.logevent_queue.length"):
        record.length = 5
    with pytest.raises(AttributeError, match="cannot be changed"):
        del record.length


def test_as_dict_gives_a_message_for_the_bus() -> None:
    record = Everything(ints=[1, 2, 3])
    message = as_dict(record)
    message["ints"].append(4)
    assert list(message) == [field.name for field in EVERYTHING.fields]
    assert record.ints == (1, 2, 3)


def test_records_are_equal_when_all_fields_are() -> None:
    assert Queue(length=1) == Queue(length=1)
    assert Queue(length=1) != Queue(length=2)
    assert hash(Queue(length=1)) == hash(Queue(length=1))
    assert Queue() != "queue"


def test_record_can_be_copied() -> None:
    record = Queue(length=7)
    assert copy.copy(record) == record


def test_repr_names_topic_and_fields_and_stays_short() -> None:
    text = repr(Queue(length=7))
    assert text.startswith("ScriptQueue.logevent_queue(salIndex=0, ")
    assert "length=7" in text
    assert len(text) < 1500


def test_wire_text_replaces_and_cuts() -> None:
    assert wire_text("a\0b\udc80") == "a\N{REPLACEMENT CHARACTER}b?"
    assert wire_text("x" * 50, limit=10) == "x" * 10 + "... (50 characters)"
    Everything(string=wire_text("\0\udc80"))
