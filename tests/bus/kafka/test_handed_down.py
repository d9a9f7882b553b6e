# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a queue hands down to its scripts, and that nobody trusts it blindly."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import pytest

from lsst.ts.scriptqueue.bus.kafka.handed_down import handed_down, ids_handed_down
from lsst.ts.scriptqueue.bus.kafka.registry import Registry
from lsst.ts.scriptqueue.bus.kafka.schema_ids import SchemaIds

URL = "http://registry:8081"
SCHEMAS = {"a-value": "text of a", "b-value": "text of b"}
IDS = {"a-value": 7, "b-value": 8}
LIMIT_S = 1.0
VALUE = handed_down(URL, SCHEMAS, IDS)


class KnownRegistry(Registry):
    """A registry that knows some schemas and keeps what it was asked."""

    def __init__(self, known: Mapping[str, int]) -> None:
        super().__init__(URL)
        self.known = known
        self.looked_up: list[str] = []
        self.registered: list[str] = []

    def id_of(self, subject: str, text: str, timeout_s: float = LIMIT_S) -> int | None:
        self.looked_up.append(subject)
        return self.known.get(subject)

    def register(self, schemas: Mapping[str, str], timeout_s: float = LIMIT_S) -> dict[str, int]:
        self.registered += sorted(schemas)
        return {subject: 100 + number for number, subject in enumerate(sorted(schemas))}


@pytest.mark.parametrize(
    ("url", "schemas", "found"),
    [
        pytest.param(URL, SCHEMAS, IDS, id="the same"),
        pytest.param("http://other:8081", SCHEMAS, {}, id="another registry"),
        pytest.param(URL, {"a-value": "newer text"}, {}, id="another text"),
        pytest.param(URL, {"c-value": "text of a"}, {}, id="another subject"),
        pytest.param(URL, {"b-value": "text of b", "c-value": "text"}, {"b-value": 8}, id="some"),
    ],
)
def test_an_id_is_found_by_all_that_it_depends_on(
    url: str, schemas: dict[str, str], found: dict[str, int]
) -> None:
    assert ids_handed_down(VALUE, url, schemas) == found


@pytest.mark.parametrize("value", ["", "nonsense", "a:b", ":", VALUE.replace(":", ":x")])
def test_what_makes_no_sense_is_left_out(value: str) -> None:
    assert ids_handed_down(value, URL, SCHEMAS) == {}


def test_one_lookup_is_all_that_is_asked() -> None:
    registry = KnownRegistry(IDS)
    found = SchemaIds(registry, URL, VALUE).find({"a": "text of a"}, {"b": "text of b"}, LIMIT_S)
    assert found == {"a": 7, "b": 8}
    assert len(registry.looked_up) == 1
    assert registry.registered == []


def test_what_was_not_handed_down_is_registered() -> None:
    registry = KnownRegistry(IDS)
    found = SchemaIds(registry, URL, VALUE).find(
        {"a": "text of a", "c": "text of c"}, {"d": "text of d"}, LIMIT_S
    )
    assert found == {"a": 7, "c": 100}
    assert registry.registered == ["c-value"]


@pytest.mark.parametrize(
    "known", [{}, {"a-value": 8, "b-value": 7}], ids=["wiped", "wiped and filled in another order"]
)
def test_a_registry_that_is_another_one_is_told_everything(
    known: dict[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    registry = KnownRegistry(known)
    schema_ids = SchemaIds(registry, URL, VALUE)
    with caplog.at_level(logging.WARNING):
        assert schema_ids.find({"a": "text of a", "b": "text of b"}, {}, LIMIT_S) == {"a": 100, "b": 101}
    assert registry.registered == ["a-value", "b-value"]
    assert "the schema registry has changed" in caplog.text
    assert schema_ids.find({"a": "text of a"}, {}, LIMIT_S) == {"a": 100}
    assert len(registry.looked_up) == 1
