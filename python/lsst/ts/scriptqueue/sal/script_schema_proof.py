# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proving cheaply that a value fits a JSON schema.

What fits is decided by ``jsonschema``, whose import takes longer than
everything else a script does until it runs. So this knows the keywords that
most schemas are made of, and proves of most configurations that they fit. It
never refuses: what it cannot prove, ``jsonschema`` judges.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["surely_fits"]

_Check = Callable[[Any, Any, Mapping[str, Any]], bool]


def surely_fits(value: Any, schema: Any) -> bool:
    """Return True if a value certainly fits a schema, False if that is not known."""
    if not isinstance(schema, dict):
        return False
    for keyword, wanted in schema.items():
        check = _CHECKS.get(keyword)
        if check is None or not check(value, wanted, schema):
            return False
    return True


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "number": _is_number,
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
}


def _type(value: Any, wanted: Any, _: Mapping[str, Any]) -> bool:
    kinds = wanted if isinstance(wanted, list) else [wanted]
    return any(isinstance(kind, str) and kind in _TYPES and _TYPES[kind](value) for kind in kinds)


def _same(value: Any, wanted: Any) -> bool:
    return type(value) is type(wanted) and isinstance(value, str | int | float | None) and value == wanted


def _bound(kind: type, size: Callable[[Any], Any], holds: Callable[[Any, Any], bool]) -> _Check:
    def check(value: Any, wanted: Any, _: Mapping[str, Any]) -> bool:
        if not _is_number(wanted):
            return False
        applies = _is_number(value) if kind is float else isinstance(value, kind)
        return not applies or holds(size(value), wanted)

    return check


def _properties(value: Any, wanted: Any, _: Mapping[str, Any]) -> bool:
    if not isinstance(wanted, dict):
        return False
    if not isinstance(value, dict):
        return True
    return all(surely_fits(value[name], part) for name, part in wanted.items() if name in value)


def _additional(value: Any, wanted: Any, schema: Mapping[str, Any]) -> bool:
    if not isinstance(value, dict) or wanted is True:
        return isinstance(wanted, bool | dict)
    extra = [value[name] for name in value if name not in schema.get("properties", {})]
    return not extra or all(surely_fits(item, wanted) for item in extra)


def _items(value: Any, wanted: Any, _: Mapping[str, Any]) -> bool:
    if not isinstance(wanted, dict):
        return False
    return not isinstance(value, list) or all(surely_fits(item, wanted) for item in value)


def _required(value: Any, wanted: Any, _: Mapping[str, Any]) -> bool:
    if not isinstance(wanted, list):
        return False
    return not isinstance(value, dict) or all(name in value for name in wanted)


def _pattern(value: Any, wanted: Any, _: Mapping[str, Any]) -> bool:
    if not isinstance(value, str):
        return isinstance(wanted, str)
    try:
        return re.search(wanted, value) is not None
    except (re.error, TypeError):
        return False


def _annotation(value: Any, wanted: Any, _: Mapping[str, Any]) -> bool:
    return True


_CHECKS: Mapping[str, _Check] = {
    **dict.fromkeys(("$schema", "$id", "$comment", "title", "description"), _annotation),
    **dict.fromkeys(("default", "examples", "format"), _annotation),
    "type": _type,
    "enum": lambda value, wanted, _: isinstance(wanted, list) and any(_same(value, one) for one in wanted),
    "const": lambda value, wanted, _: _same(value, wanted),
    "minimum": _bound(float, lambda value: value, lambda size, limit: size >= limit),
    "maximum": _bound(float, lambda value: value, lambda size, limit: size <= limit),
    "exclusiveMinimum": _bound(float, lambda value: value, lambda size, limit: size > limit),
    "exclusiveMaximum": _bound(float, lambda value: value, lambda size, limit: size < limit),
    "minLength": _bound(str, len, lambda size, limit: size >= limit),
    "maxLength": _bound(str, len, lambda size, limit: size <= limit),
    "minItems": _bound(list, len, lambda size, limit: size >= limit),
    "maxItems": _bound(list, len, lambda size, limit: size <= limit),
    "pattern": _pattern,
    "items": _items,
    "required": _required,
    "properties": _properties,
    "additionalProperties": _additional,
    "anyOf": lambda value, wanted, _: isinstance(wanted, list) and any(surely_fits(value, s) for s in wanted),
    "allOf": lambda value, wanted, _: isinstance(wanted, list) and all(surely_fits(value, s) for s in wanted),
}
