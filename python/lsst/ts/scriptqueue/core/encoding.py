# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of the core as plain ones, and back: what a journal keeps.

Plain are None, bool, int, float, str, lists, and dicts with text as keys.
What a value becomes follows from the type its field was given:

* a dataclass or named tuple: a dict of its fields, without those that are as
  by default, so that a field which is added later is no change of format;
* an enumeration: the name of its member;
* a tuple, list, set or frozenset: a list, sets in order;
* a mapping: a dict if its keys are text, else a list of pairs;
* a choice of several classes: a list of the class's name and the value.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import numbers
import types
from collections.abc import Mapping
from typing import Any, Union, get_args, get_origin, get_type_hints

__all__ = ["NotEncoded", "decode", "encode"]

_PLAIN = (bool, int, float, str)
#: Plain type -> what is taken for one.
_TAKEN = {bool: numbers.Integral, int: numbers.Integral, float: numbers.Real, str: str}
#: Plain type -> what it may be read from.
_READ: dict[type, tuple[type, ...]] = {bool: (bool,), int: (int,), float: (float, int), str: (str,)}
_UNIONS = (Union, types.UnionType)


class NotEncoded(ValueError):
    """Something is not what `encode` has written for that type."""


def encode(kind: Any, value: Any) -> Any:
    """Make a value of a type plain.

    Raises
    ------
    NotEncoded
        If it is not of that type, or the type is none that can be encoded.
    """
    origin = get_origin(kind)
    if origin in _UNIONS:
        return _encode_choice(kind, value)
    if kind in _PLAIN:
        # Numbers may be of kinds that the middleware has; an enumeration is not plain, though it may be one.
        return kind(_checked(_TAKEN[kind], value))
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return _checked(kind, value).name
    if _is_record(kind):
        record = _checked(kind, value)
        return {
            name: encode(field.kind, got)
            for name, field in _fields(kind).items()
            if not field.is_default(got := getattr(record, name))
        }
    if origin is tuple:
        kinds = _each(kind, _checked(tuple, value))
        if len(kinds) != len(value):
            raise NotEncoded(f"{value!r:.200} has not {len(kinds)} items")
        return [encode(each, item) for each, item in zip(kinds, value, strict=True)]
    if origin in (list, set, frozenset):
        (each,) = get_args(kind)
        items = _checked(origin, value)
        return [encode(each, item) for item in (items if origin is list else sorted(items))]
    if _is_mapping(kind):
        of_key, of_item = get_args(kind)
        value = _checked(Mapping, value)
        if of_key is str:
            return {key: encode(of_item, item) for key, item in value.items()}
        return [[encode(of_key, key), encode(of_item, item)] for key, item in value.items()]
    raise NotEncoded(f"{kind!r} is no type that can be kept")


def decode(kind: Any, plain: Any) -> Any:
    """Make a value of a type of what `encode` has made of it.

    Raises
    ------
    NotEncoded
        If it is something else.
    """
    try:
        return _decode(kind, plain)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise NotEncoded(f"{plain!r:.200} is no {getattr(kind, '__name__', kind)}: {error}") from error


@dataclasses.dataclass(frozen=True, slots=True)
class _Field:
    """A field of a record.

    Attributes
    ----------
    kind
        Its type.
    default
        Makes its default value; None if it has none.
    """

    kind: Any
    default: Any

    def is_default(self, value: Any) -> bool:
        return self.default is not None and bool(value == self.default())


def _decode(kind: Any, plain: Any) -> Any:
    origin = get_origin(kind)
    if origin in _UNIONS:
        return _decode_choice(kind, plain)
    if kind in _PLAIN:
        if not isinstance(plain, _READ[kind]) or (isinstance(plain, bool) and kind is not bool):
            raise NotEncoded(f"{plain!r:.200} is no {kind.__name__}")
        return kind(plain)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return kind[plain]
    if _is_record(kind):
        fields = _fields(kind)
        # What a later version has added is not understood, and not needed.
        return kind(
            **{name: decode(fields[name].kind, item) for name, item in plain.items() if name in fields}
        )
    if origin is tuple:
        kinds = _each(kind, _checked(list, plain))
        return tuple(decode(each, item) for each, item in zip(kinds, plain, strict=True))
    if origin in (list, set, frozenset):
        (each,) = get_args(kind)
        return origin(decode(each, item) for item in _checked(list, plain))
    if _is_mapping(kind):
        of_key, of_item = get_args(kind)
        pairs = _checked(dict, plain).items() if of_key is str else _checked(list, plain)
        return {decode(of_key, key): decode(of_item, item) for key, item in pairs}
    raise NotEncoded(f"{kind!r} is no type that can be kept")


def _encode_choice(kind: Any, value: Any) -> Any:
    if value is None:
        return None
    others = _others(kind)
    if len(others) == 1:
        return encode(others[0], value)
    for other in others:
        if isinstance(value, get_origin(other) or other):
            return [_name(other), encode(other, value)]
    raise NotEncoded(f"{value!r:.200} is none of {kind}")


def _decode_choice(kind: Any, plain: Any) -> Any:
    if plain is None:
        return None
    others = _others(kind)
    if len(others) == 1:
        return decode(others[0], plain)
    name, item = plain
    for other in others:
        if _name(other) == name:
            return decode(other, item)
    raise NotEncoded(f"{name!r} is none of {kind}")


def _others(kind: Any) -> list[Any]:
    return [each for each in get_args(kind) if each is not type(None)]


def _name(kind: Any) -> str:
    return str((get_origin(kind) or kind).__name__)


def _each(kind: Any, items: Any) -> tuple[Any, ...]:
    """The type of each item of a tuple."""
    kinds = get_args(kind)
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return (kinds[0],) * len(items)
    return kinds


def _is_mapping(kind: Any) -> bool:
    return get_origin(kind) in (dict, Mapping)


def _is_record(kind: Any) -> bool:
    return isinstance(kind, type) and (
        dataclasses.is_dataclass(kind) or (issubclass(kind, tuple) and hasattr(kind, "_fields"))
    )


@functools.cache
def _fields(kind: Any) -> Mapping[str, _Field]:
    hints = get_type_hints(kind)
    if not dataclasses.is_dataclass(kind):
        return {name: _Field(hints[name], None) for name in kind._fields}
    return {field.name: _Field(hints[field.name], _default(field)) for field in dataclasses.fields(kind)}


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory
    if field.default is dataclasses.MISSING:
        return None
    return lambda: field.default


def _checked(kind: Any, value: Any) -> Any:
    if not isinstance(value, kind):
        raise NotEncoded(f"{value!r:.200} is no {kind.__name__}")
    return value
