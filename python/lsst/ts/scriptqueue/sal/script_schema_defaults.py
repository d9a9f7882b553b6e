# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filling in the defaults of a JSON schema."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["complete"]

#: Tells whether a value fits a part of a schema.
Judge = Callable[[Any, Any], bool]


def complete(value: Any, schema: dict[str, Any], fits: Judge) -> Any:
    """Return a copy of a value with the schema's defaults filled in.

    A mapping that is absent is made if all it must have has a default. Of
    alternatives, the first that the value fits fills in.

    Parameters
    ----------
    value
        What was given.
    schema
        A schema that is right.
    fits
        Who judges which alternative applies.
    """
    return _Filler(schema, fits).fill(copy.deepcopy(value), schema)


class _Filler:
    """Fills in the defaults of one schema; it passes over what is malformed."""

    def __init__(self, root: dict[str, Any], fits: Judge) -> None:
        self._root = root
        self._fits = fits

    def fill(self, value: Any, schema: Any) -> Any:
        schema = self._resolved(schema)
        if isinstance(value, dict):
            for name, part in _mapping(schema.get("properties")).items():
                self._fill_property(value, name, part)
        elif isinstance(value, list) and isinstance(schema.get("items"), dict):
            value = [self.fill(item, schema["items"]) for item in value]
        for part in _sequence(schema.get("allOf")):
            value = self.fill(value, part)
        for choice in ("anyOf", "oneOf"):
            value = self._fill_first(value, _sequence(schema.get(choice)))
        if "if" in schema:
            branch = "then" if self._fits(value, schema["if"]) else "else"
            value = self.fill(value, schema.get(branch))
        return value

    def _fill_property(self, value: dict[str, Any], name: str, schema: Any) -> None:
        if name in value:
            value[name] = self.fill(value[name], schema)
        elif "default" in _mapping(schema):
            value[name] = self.fill(copy.deepcopy(schema["default"]), schema)
        elif "properties" in _mapping(schema):
            made = self.fill({}, schema)
            if made and all(needed in made for needed in _sequence(schema.get("required"))):
                value[name] = made

    def _fill_first(self, value: Any, choices: Iterable[Any]) -> Any:
        for choice in choices:
            filled = self.fill(copy.deepcopy(value), choice)
            if self._fits(filled, choice):
                return filled
        return value

    def _resolved(self, schema: Any) -> dict[str, Any]:
        """Follow references within the schema; others fill in nothing."""
        seen: list[str] = []
        found = _mapping(schema)
        while isinstance(reference := found.get("$ref"), str) and reference not in seen:
            seen.append(reference)
            if not reference.startswith("#/"):
                break
            found = self._root
            for step in reference.removeprefix("#/").split("/"):
                found = _mapping(found.get(step.replace("~1", "/").replace("~0", "~")))
        return found


def _mapping(part: Any) -> dict[str, Any]:
    return part if isinstance(part, dict) else {}


def _sequence(part: Any) -> list[Any]:
    return part if isinstance(part, list) else []
