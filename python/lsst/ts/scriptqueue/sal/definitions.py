# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each SAL component can be told and what it tells: its topics.

The definitions are data, ``schema/sal/<component>.json``; what all components
share is in ``generics.json``. They are read once per process and component.
A field is only ever added, at the end of its topic: readers of other versions
then take its default, or do not see it.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ..bus.contract import FieldSpec, FieldType, TopicKind, TopicSpec
from ..resources import schema_path
from .errors import ComponentError

__all__ = ["ComponentSpec", "component", "xml_version"]

_PREFIXES = {TopicKind.COMMAND: "command_", TopicKind.EVENT: "logevent_", TopicKind.TELEMETRY: ""}
_SECTIONS = {
    "commands": TopicKind.COMMAND,
    "events": TopicKind.EVENT,
    "telemetry": TopicKind.TELEMETRY,
}


@dataclass(frozen=True, slots=True)
class ComponentSpec:
    """A SAL component's interface.

    Attributes
    ----------
    name
        Name, such as ``ScriptQueue``.
    indexed
        Can there be several, told apart by their SAL index?
    topics
        All topics by SAL name, such as ``logevent_queue``, sorted by it.
    commands, events, telemetry
        The topics of each kind by plain name, such as ``queue``, sorted by it.
    """

    name: str
    indexed: bool
    topics: Mapping[str, TopicSpec]
    commands: Mapping[str, TopicSpec]
    events: Mapping[str, TopicSpec]
    telemetry: Mapping[str, TopicSpec]

    @property
    def ackcmd(self) -> TopicSpec:
        """The topic that answers all commands."""
        return self.topics["ackcmd"]


@functools.cache
def component(name: str) -> ComponentSpec:
    """Return the interface of a component.

    Raises
    ------
    ComponentError
        If there is no definition of it.
    """
    definition = _read(name)
    generics = _generics()
    head = tuple(_field(entry) for entry in generics["private"])
    if definition["indexed"]:
        head = (_field(generics["index"]), *head)
    topics = {"ackcmd": _topic(name, "ackcmd", TopicKind.ACKNOWLEDGEMENT, head, generics["ackcmd"])}
    by_kind: dict[TopicKind, dict[str, TopicSpec]] = {kind: {} for kind in _SECTIONS.values()}
    for kind, plain_name, entry in sorted(_entries(definition, generics), key=lambda item: item[1]):
        sal_name = _PREFIXES[kind] + plain_name
        topics[sal_name] = by_kind[kind][plain_name] = _topic(name, sal_name, kind, head, entry)
    return ComponentSpec(
        name,
        definition["indexed"],
        MappingProxyType(dict(sorted(topics.items()))),
        MappingProxyType(by_kind[TopicKind.COMMAND]),
        MappingProxyType(by_kind[TopicKind.EVENT]),
        MappingProxyType(by_kind[TopicKind.TELEMETRY]),
    )


def xml_version() -> str:
    """Return the version of the deployed interfaces that ours agree with."""
    return str(_generics()["xml_version"])


def _entries(
    definition: Mapping[str, Any], generics: Mapping[str, Any]
) -> Iterator[tuple[TopicKind, str, Mapping[str, Any]]]:
    """Yield kind, plain name and definition of each topic but ackcmd."""
    wanted = set(definition["generics"])
    for section, kind in _SECTIONS.items():
        for plain_name, entry in definition.get(section, {}).items():
            yield kind, plain_name, entry
        for plain_name, entry in generics.get(section, {}).items():
            if plain_name in wanted or not wanted.isdisjoint(entry.get("categories", ())):
                yield kind, plain_name, entry


def _topic(
    owner: str, sal_name: str, kind: TopicKind, head: tuple[FieldSpec, ...], entry: Mapping[str, Any]
) -> TopicSpec:
    own = tuple(_field(field) for field in entry.get("fields", ()))
    return TopicSpec(owner, sal_name, kind, head + own, entry["description"])


def _field(entry: Mapping[str, Any]) -> FieldSpec:
    return FieldSpec(
        entry["name"],
        FieldType(entry["type"]),
        entry.get("count", 1),
        entry.get("units", "unitless"),
        entry["description"],
    )


@functools.cache
def _generics() -> Mapping[str, Any]:
    return _load("generics.json")


def _read(name: str) -> Mapping[str, Any]:
    try:
        return _load(f"{name}.json")
    except FileNotFoundError:
        known = sorted(path.stem for path in schema_path("sal").glob("[A-Z]*.json"))
        raise ComponentError(f"no SAL component {name!r} is defined; there are {', '.join(known)}") from None


def _load(file_name: str) -> Mapping[str, Any]:
    with open(schema_path("sal", file_name), encoding="utf-8") as file:
        definition: Mapping[str, Any] = json.load(file)
    return definition
