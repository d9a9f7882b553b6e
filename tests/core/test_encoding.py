# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written of a value is read again as that value, and nothing else is."""

from __future__ import annotations

import enum
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lsst.ts.scriptqueue.core import events as ev
from lsst.ts.scriptqueue.core.encoding import NotEncoded, decode, encode
from lsst.ts.scriptqueue.core.layout import Layout
from lsst.ts.scriptqueue.core.scripts import Script
from lsst.ts.scriptqueue.core.states import Location, ScriptState

from .layouts import OBSERVATORY, SERIAL, TWO_SLOTS


class Colour(enum.Enum):
    RED = "red"
    GREEN = "green"


class Pair(NamedTuple):
    name: str
    number: int


@dataclass(frozen=True)
class Point:
    x: float
    y: float = 0.0
    tags: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Circle:
    centre: Point
    radius: int = 1


SHAPE = Point | Circle | None

#: Type, value, and what is written of it.
WRITTEN = [
    pytest.param(bool, True, True, id="a truth"),
    pytest.param(int, -7, -7, id="a whole number"),
    pytest.param(int, ScriptState.RUNNING, int(ScriptState.RUNNING), id="a number that is an enumeration's"),
    pytest.param(float, 3, 3.0, id="a number is made what its type says"),
    pytest.param(str, "ÅB\n\x00", "ÅB\n\x00", id="a text"),
    pytest.param(Colour, Colour.RED, "RED", id="an enumeration is written by name"),
    pytest.param(Location, Location.LAST, "LAST", id="also one of numbers"),
    pytest.param(list[int], [3, 1], [3, 1], id="a list keeps its order"),
    pytest.param(set[int], {3, 1, 2}, [1, 2, 3], id="a set is put in order"),
    pytest.param(frozenset[str], frozenset({"b", "a"}), ["a", "b"], id="a frozen one, too"),
    pytest.param(tuple[int, str], (1, "a"), [1, "a"], id="a tuple of different things"),
    pytest.param(tuple[int, ...], (1, 2, 3), [1, 2, 3], id="a tuple of any length"),
    pytest.param(Mapping[str, int], {"b": 1, "a": 2}, {"b": 1, "a": 2}, id="a mapping of texts"),
    pytest.param(dict[int, str], {2: "b", 1: "a"}, [[2, "b"], [1, "a"]], id="a mapping of numbers"),
    pytest.param(Pair, Pair("a", 1), {"name": "a", "number": 1}, id="a named tuple"),
    pytest.param(Point, Point(1.0), {"x": 1.0}, id="what is as by default is left out"),
    pytest.param(Point, Point(0.0, tags=["a"]), {"x": 0.0, "tags": ["a"]}, id="but not what has no default"),
    pytest.param(int | None, None, None, id="nothing"),
    pytest.param(int | None, 0, 0, id="something that could be nothing"),
    pytest.param(SHAPE, Point(1.0), ["Point", {"x": 1.0}], id="a choice says which it is"),
    pytest.param(SHAPE, Circle(Point(1.0)), ["Circle", {"centre": {"x": 1.0}}], id="whichever it is"),
    pytest.param(str | tuple[int, ...], (1,), ["tuple", [1]], id="a choice of what has no name of its own"),
]


@pytest.mark.parametrize(("kind", "value", "plain"), WRITTEN)
def test_a_value_is_written_as_its_type_says_and_read_again(kind: Any, value: Any, plain: Any) -> None:
    written = encode(kind, value)
    assert written == plain
    read = decode(kind, json.loads(json.dumps(written)))
    assert read == value
    assert kind is float or type(read) is type(value) or kind is int


def test_what_is_not_a_number_is_kept() -> None:
    assert math.isnan(decode(float, json.loads(json.dumps(encode(float, math.nan)))))


#: Type and what is no value of it.
NOT_WRITTEN = [
    (str, 7),
    (str, None),
    (int, "7"),
    (int, 7.5),
    (float, "7"),
    (Colour, "RED"),
    (Point, Circle(Point(1.0))),
    (SHAPE, 7),
    (list[int], (1, 2)),
    (tuple[int, ...], "12"),
    (dict[str, int], [("a", 1)]),
    (tuple[int, str], (1,)),
    (complex, 1j),
]


@pytest.mark.parametrize(("kind", "value"), NOT_WRITTEN)
def test_what_is_no_value_of_a_type_is_not_written(kind: Any, value: Any) -> None:
    with pytest.raises(NotEncoded):
        encode(kind, value)


#: Type and what `encode` never writes of it.
NOT_READ = [
    (bool, 1),
    (int, True),
    (int, 1.0),
    (int, "1"),
    (float, "1.0"),
    (float, False),
    (str, 1),
    (str, None),
    (Colour, "BLUE"),
    (Colour, 1),
    (list[str], "abc"),
    (list[int], {"1": 1}),
    (set[int], 7),
    (tuple[int, str], [1]),
    (tuple[int, str], [1, "a", 2]),
    (tuple[int, ...], {}),
    (dict[str, int], []),
    (dict[int, int], {"1": 1}),
    (dict[int, int], [[1]]),
    (Pair, {"name": "a"}),
    (Point, {}),
    (Point, [1.0]),
    (Point, {"x": None}),
    (SHAPE, {"x": 1.0}),
    (SHAPE, ["Square", {}]),
    (SHAPE, ["Point"]),
    (Layout, {"slots": []}),
    (complex, 1),
]


@pytest.mark.parametrize(("kind", "plain"), NOT_READ)
def test_what_was_not_written_for_a_type_is_not_read_as_one(kind: Any, plain: Any) -> None:
    with pytest.raises(NotEncoded):
        decode(kind, plain)


def test_a_message_says_what_was_to_be_read() -> None:
    with pytest.raises(NotEncoded, match="'one' is no float"):
        decode(Circle, {"centre": {"x": "one"}})


def test_what_a_later_version_has_added_is_not_needed() -> None:
    assert decode(Circle, {"centre": {"x": 1.0, "colour": "red"}, "label": ["a"]}) == Circle(Point(1.0))


def test_what_an_earlier_version_did_not_know_is_as_by_default() -> None:
    first = decode(Point, {"x": 1.0})
    assert first == Point(1.0)
    assert decode(Point, {"x": 1.0}).tags is not first.tags, "defaults are not shared"
    assert decode(ev.ProcessExited, {"at_tai": 1.0, "index": 5}) == ev.ProcessExited(1.0, 5)


def has_no_twin(value: object) -> bool:
    """Is it equal only to itself? Not-a-number is not even that, and there are two zeros."""
    return "nan" not in repr(value) and "-0.0" not in repr(value)


layouts = st.sampled_from([SERIAL, TWO_SLOTS, OBSERVATORY])
st.register_type_strategy(Layout, layouts)
QUICK = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))


@QUICK
@given(st.from_type(ev.Event).filter(has_no_twin))  # type: ignore[arg-type]
def test_every_event_can_be_kept(event: ev.Event) -> None:
    written = encode(ev.Event, event)
    assert decode(ev.Event, json.loads(json.dumps(written))) == event


@settings(QUICK, max_examples=25)
@given(st.from_type(Script).filter(has_no_twin))
def test_every_script_can_be_kept(script: Script) -> None:
    read = decode(Script, json.loads(json.dumps(encode(Script, script))))
    # Compared as text, because one script is never equal to another.
    assert repr(read) == repr(script)
