# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configurations: read, completed, and refused in words for a person."""

from __future__ import annotations

import sys
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsst.ts.scriptqueue.sal.script_config import ConfigError, parse_config, script_config
from lsst.ts.scriptqueue.sal.script_schema import ScriptSchema
from lsst.ts.scriptqueue.sal.script_schema_proof import surely_fits

Schema = dict[str, Any]


def given_object(**properties: Any) -> Schema:
    return {"type": "object", "properties": properties, "additionalProperties": False}


TELESCOPE = given_object(
    az={"type": "number", "minimum": 0, "maximum": 360},
    name={"type": "string", "default": "MTMount"},
    count={"type": "integer", "default": 1},
    when={"type": "string"},
)


@pytest.mark.parametrize("text", ["", "  \n", "# nothing\n", "---\n", "{}"])
def test_nothing_is_an_empty_configuration(text: str) -> None:
    assert parse_config(text) == {}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a: b: c", "not YAML at line 1, column 5: mapping values are not allowed"),
        ("a: 1\nb: [1]]", "not YAML at line 2, column 7"),
        ("a: !!python/name:os.system x", "could not determine a constructor for the tag"),
        ("a: 2024-13-45", "not YAML: month must be in 1..12"),
        ("a: \x07", "not YAML: unacceptable character|not YAML"),
        ("- 1", "it must be a mapping, such as 'name: value', not a list"),
        ("slew", "it must be a mapping, such as 'name: value', not a str"),
        ("1: 2", "the key 1 is not text; put it in quotes"),
        ("[" * 5000, "not YAML"),
    ],
    ids=["colon", "bracket", "tag", "date", "character", "list", "text", "key", "depth"],
)
def test_what_is_not_a_mapping_in_yaml(text: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        parse_config(text)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("az: 400", "az: 400 is greater than the maximum of 360"),
        ("az: 1e2", "az: '1e2' is not of type number; YAML wants 1.0e.3 for 1e3"),
        (
            "name: yes",
            "name: True is not of type string; YAML reads yes, no, on and off as true and false: .*quotes",
        ),
        ("when: 2026-01-01", "when: datetime.date.* is not of type string; put it in quotes"),
        ("count: 1.5", "count: 1.5 is not of type integer"),
        ("azimuth: 4", "unknown key 'azimuth'; there are az, name, count, when"),
        ("az: -1\ncount: x", "az: -1 is less than the minimum of 0; count: 'x' is not of type integer"),
    ],
)
def test_what_does_not_fit(text: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        script_config(text, TELESCOPE)


def test_many_faults_are_not_all_told() -> None:
    schema = given_object(**{f"key{number}": {"type": "integer"} for number in range(9)})
    with pytest.raises(ConfigError, match="and 4 more faults") as refused:
        script_config("\n".join(f"key{number}: x" for number in range(9)), schema)
    assert str(refused.value).count("is not of type integer") == 5


def test_a_long_value_is_cut() -> None:
    with pytest.raises(ConfigError) as refused:
        script_config("name: [" + "x, " * 10_000 + "]", TELESCOPE)
    assert len(str(refused.value)) < 500


def test_metadata_is_dropped_first() -> None:
    config = script_config("az: 1\nmetadata: {requested_by: me}", TELESCOPE)
    assert vars(config) == {"az": 1, "name": "MTMount", "count": 1}
    assert vars(script_config("metadata: 5", None)) == {}


def test_a_script_without_a_schema_takes_nothing() -> None:
    assert vars(script_config("", None)) == {}
    with pytest.raises(ConfigError, match="takes no configuration, but was given a, b; leave it empty"):
        script_config("a: 1\nb: 2", None)


@pytest.mark.parametrize(
    ("schema", "complaint"),
    [
        ({"type": "objekt"}, "the schema of this script is wrong: type: 'objekt'"),
        ({"properties": ["a"]}, "the schema of this script is wrong: properties: "),
        (given_object(a={"$ref": "#/definitions/b"}), "its reference '/definitions/b' leads nowhere"),
        (given_object(a={"$ref": "http://example.org/b.json"}), "leads nowhere"),
        (given_object(a={"minimum": "low"}), "properties.a.minimum: 'low' is not of type 'number'"),
    ],
)
def test_a_schema_that_is_wrong(schema: Schema, complaint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(*args: object, **kwargs: object) -> None:
        pytest.fail("what a schema refers to is never fetched")

    monkeypatch.setattr("urllib.request.urlopen", fetch)
    with pytest.raises(ConfigError, match=complaint):
        script_config("a: 1", schema)


@pytest.mark.parametrize(
    ("schema", "given", "completed"),
    [
        pytest.param(TELESCOPE, {"count": 3}, {"count": 3, "name": "MTMount"}, id="what is given is kept"),
        pytest.param(
            given_object(a=given_object(b={"default": 1}, c={"type": "integer"})),
            {},
            {"a": {"b": 1}},
            id="nested",
        ),
        pytest.param(
            given_object(a={**given_object(b={"default": 1}, c={}), "required": ["c"]}),
            {},
            {},
            id="not made if it would lack something",
        ),
        pytest.param(given_object(a=given_object(b={})), {}, {}, id="not made for nothing"),
        pytest.param(
            given_object(a={"default": {"c": 2}, **given_object(b={"default": 1}, c={})}),
            {},
            {"a": {"b": 1, "c": 2}},
            id="the default of a mapping is completed",
        ),
        pytest.param(
            given_object(a={"type": "array", "items": given_object(b={"default": 1}, c={})}),
            {"a": [{"c": 2}, {"b": 3}]},
            {"a": [{"c": 2, "b": 1}, {"b": 3}]},
            id="in lists",
        ),
        pytest.param(
            {"allOf": [{"properties": {"a": {"default": 1}}}, {"properties": {"b": {"default": 2}}}]},
            {},
            {"a": 1, "b": 2},
            id="all of several",
        ),
        pytest.param(
            {
                "oneOf": [
                    {"required": ["a"], "properties": {"b": {"default": 1}}},
                    {"required": ["c"], "properties": {"d": {"default": 2}}},
                ]
            },
            {"c": 0},
            {"c": 0, "d": 2},
            id="the alternative that fits",
        ),
        pytest.param(
            {
                "if": {"properties": {"kind": {"const": "flat"}}},
                "then": {"properties": {"lamp": {"default": "on"}}},
                "else": {"properties": {"lamp": {"default": "off"}}},
            },
            {"kind": "bias"},
            {"kind": "bias", "lamp": "off"},
            id="if and else",
        ),
        pytest.param(
            {
                "definitions": {"p": {"default": 7}},
                "properties": {"a": {"allOf": [{"$ref": "#/definitions/p"}]}},
            },
            {},
            {},
            id="a reference inside a property that is absent",
        ),
        pytest.param(
            {
                "definitions": {
                    "tree": given_object(size={"default": 1}, left={"$ref": "#/definitions/tree"})
                },
                "$ref": "#/definitions/tree",
            },
            {"left": {}},
            {"left": {"size": 1}, "size": 1},
            id="a schema that refers to itself",
        ),
    ],
)
def test_defaults(schema: Schema, given: dict[str, Any], completed: dict[str, Any]) -> None:
    before = repr(given)
    assert ScriptSchema(schema).complete(given) == completed
    assert repr(given) == before, "what was given is not changed"


def test_defaults_are_not_shared() -> None:
    schema = given_object(a={"type": "array", "default": []})
    first, second = (script_config("", schema) for _ in range(2))
    first.a.append(1)
    assert second.a == []


def test_what_surely_fits_is_not_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    """The import of jsonschema costs more than all else; None in its place makes it fail."""
    monkeypatch.setitem(sys.modules, "jsonschema.validators", None)
    assert script_config("az: 10", TELESCOPE).az == 10
    assert script_config("", TELESCOPE).name == "MTMount"
    with pytest.raises(ImportError):
        script_config("az: 400", TELESCOPE)


_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats(-3, 3)
    | st.sampled_from(["", "a", "ab", "b1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)

_TYPES = st.sampled_from(["object", "array", "string", "number", "integer", "boolean", "null"])


def _schemas(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(
        {},
        optional={
            "title": st.just("text"),
            "default": _VALUES,
            "type": _TYPES | st.lists(_TYPES, min_size=1, max_size=2, unique=True),
            "enum": st.lists(_VALUES, min_size=1, max_size=3),
            "const": _VALUES,
            "minimum": st.integers(-2, 2),
            "maximum": st.integers(-2, 2),
            "exclusiveMinimum": st.integers(-2, 2),
            "exclusiveMaximum": st.floats(-2, 2),
            "minLength": st.integers(0, 2),
            "maxLength": st.integers(0, 2),
            "minItems": st.integers(0, 2),
            "maxItems": st.integers(0, 2),
            "pattern": st.sampled_from(["^a", "b$", r"\d", ""]),
            "items": inner,
            "required": st.lists(st.sampled_from("abc"), max_size=2, unique=True),
            "properties": st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
            "additionalProperties": st.booleans() | inner,
            "anyOf": st.lists(inner, min_size=1, max_size=2),
            "allOf": st.lists(inner, min_size=1, max_size=2),
            "not": inner,
            "uniqueItems": st.booleans(),
        },
    )


@settings(deadline=None)
@given(schema=st.recursive(st.just({}), _schemas, max_leaves=6), value=_VALUES)
def test_a_proof_never_contradicts_the_judge(schema: Schema, value: object) -> None:
    if surely_fits(value, schema):
        jsonschema.Draft7Validator(schema).validate(value)


@pytest.mark.parametrize(
    ("schema", "fits", "misfit"),
    [
        ({"type": "integer"}, 1, True),
        ({"type": ["string", "null"]}, None, 1),
        ({"enum": ["a", 1]}, 1, "b"),
        ({"const": 1}, 1, True),
        ({"minimum": 1}, 1, 0.9),
        ({"maximum": 1}, 1, 1.1),
        ({"exclusiveMinimum": 1}, 1.1, 1),
        ({"exclusiveMaximum": 1}, 0.9, 1),
        ({"minLength": 2}, "ab", "a"),
        ({"maxLength": 2}, "ab", "abc"),
        ({"minItems": 2}, [1, 2], [1]),
        ({"maxItems": 2}, [1, 2], [1, 2, 3]),
        ({"pattern": "^a"}, "ab", "ba"),
        ({"items": {"type": "string"}}, ["a"], ["a", 1]),
        ({"required": ["a"]}, {"a": 1}, {"b": 1}),
        ({"properties": {"a": {"type": "string"}}}, {"a": "b"}, {"a": 1}),
        (given_object(a={}), {"a": 1}, {"a": 1, "b": 1}),
        ({"additionalProperties": {"type": "string"}}, {"a": "b"}, {"a": 1}),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, None, 1),
        ({"allOf": [{"minimum": 1}, {"maximum": 2}]}, 2, 3),
    ],
    ids=str,
)
def test_proofs(schema: Schema, fits: object, misfit: object) -> None:
    """At the very border of each keyword that proofs know."""
    judge = jsonschema.Draft7Validator(schema)
    assert surely_fits(fits, schema)
    assert judge.is_valid(fits)
    assert not surely_fits(misfit, schema)
    assert not judge.is_valid(misfit)


@settings(deadline=None)
@given(value=_VALUES)
def test_plain_schemas_are_proved(value: object) -> None:
    """A proof that never succeeds would cost every script its import."""
    schema = {"type": ["object", "array", "string", "number", "boolean", "null"], "title": "anything"}
    assert surely_fits(value, schema)
