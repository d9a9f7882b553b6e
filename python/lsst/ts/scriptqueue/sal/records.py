# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages as records: attributes to read, and values checked before they are written.

Each topic has a record class, made from its definition at first use and kept.
A record cannot be changed. Its arrays are tuples; a message on the bus has
lists instead. Values are checked and brought to their wire form by one means,
packing them as the field's C type and back: so an ``IntEnum`` becomes a plain
int, and an int given for a double a float. ``None`` means "leave it as it is".
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, NoReturn

from ..bus.contract import FieldSpec, FieldType, Message, TopicSpec
from ..bus.shape import STRUCT_CODES
from .errors import FieldError

__all__ = ["Record", "as_dict", "make_record_class", "record_class", "wire_text"]

_INTEGER_TYPES = frozenset(FieldType) - {
    FieldType.BOOLEAN,
    FieldType.FLOAT,
    FieldType.DOUBLE,
    FieldType.STRING,
}
_UNFIT = (TypeError, ValueError, OverflowError, struct.error)


class Record:
    """A message of one topic.

    Its fields are attributes, SAL's private ones too.
    """

    _topic: ClassVar[TopicSpec]
    _arrays: ClassVar[tuple[str, ...]]
    _defaults: ClassVar[Message]
    _checks: ClassVar[Mapping[str, Callable[[Any], Any]]]

    def __init__(self, **values: Any) -> None:
        """Make a record with some values, SAL's defaults for the others.

        Raises
        ------
        FieldError
            If there is no such field, or it cannot hold the value.
        """
        self._take(self._defaults | self.checked(values))

    @classmethod
    def received(cls, message: Message) -> Any:
        """Make a record of a message as it came from the bus, which it keeps."""
        record = cls.__new__(cls)
        record._take(message)
        return record

    @classmethod
    def default_message(cls) -> Message:
        """Return a message with SAL's defaults."""
        message = dict(cls._defaults)
        for name in cls._arrays:
            message[name] = list(message[name])
        return message

    @classmethod
    def checked(cls, values: Mapping[str, Any]) -> Message:
        """Return values as they go on the bus, without those that are None.

        Raises
        ------
        FieldError
            If there is no such field, or it cannot hold the value.
        """
        fit: Message = {}
        for name, value in values.items():
            try:
                check = cls._checks[name]
                if value is not None:
                    fit[name] = check(value)
            except KeyError:
                raise FieldError(
                    f"{_title(cls._topic)} has no field {name}; its fields are {', '.join(cls._checks)}"
                ) from None
            except _UNFIT:
                raise FieldError(_misfit(cls._topic, name, value)) from None
        return fit

    def _take(self, message: Message) -> None:
        for name in self._arrays:
            message[name] = tuple(message[name])
        object.__setattr__(self, "__dict__", message)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a message cannot be changed: {_title(self._topic)}.{name}")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a message cannot be changed: {_title(self._topic)}.{name}")

    # Fields are not known to a type checker; this declares them.
    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"{_title(self._topic)} has no field {name}; its fields are {', '.join(self._checks)}"
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Record):
            return NotImplemented
        return self._topic is other._topic and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((self._topic.component, self._topic.name, self.private_sndStamp, self.private_seqNum))

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={_brief(value)}" for name, value in vars(self).items())
        return f"{_title(self._topic)}({fields})"


def as_dict(record: Record) -> Message:
    """Return a record's fields as a new dictionary, its arrays as lists."""
    message = dict(vars(record))
    for name in record._arrays:
        message[name] = list(message[name])
    return message


def wire_text(text: str, limit: int = 30_000) -> str:
    """Return text as a string field can hold it, cut to a number of characters.

    For text that comes from anywhere, such as a log: what cannot be written
    is replaced.
    """
    if len(text) > limit:
        text = f"{text[:limit]}... ({len(text)} characters)"
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()


def record_class(topic: TopicSpec) -> type[Record]:
    """Return the record class of a topic."""
    kept = _classes.get((topic.component, topic.name))
    if kept is None or kept._topic is not topic:
        kept = _classes[topic.component, topic.name] = make_record_class(topic)
    return kept


_classes: dict[tuple[str, str], type[Record]] = {}


def make_record_class(topic: TopicSpec) -> type[Record]:
    """Make a record class anew."""
    return type(
        topic.name,
        (Record,),
        {
            "__doc__": topic.description,
            "_topic": topic,
            "_arrays": tuple(field.name for field in topic.fields if field.count > 1),
            "_defaults": {field.name: _default(field) for field in topic.fields},
            "_checks": {field.name: _check(field.type, field.count) for field in topic.fields},
        },
    )


def _default(field: FieldSpec) -> Any:
    zero: Any = 0
    if field.type is FieldType.STRING:
        zero = ""
    elif field.type is FieldType.BOOLEAN:
        zero = False
    elif field.type in (FieldType.FLOAT, FieldType.DOUBLE):
        zero = 0.0
    return zero if field.count == 1 else [zero] * field.count


@functools.cache
def _check(kind: FieldType, count: int) -> Callable[[Any], Any]:
    """Return what brings a value to its wire form, or raises one of `_UNFIT`."""
    if kind is FieldType.STRING:
        return _text
    layout = struct.Struct(f"={count}{STRUCT_CODES[kind]}")
    pack, unpack = layout.pack, layout.unpack
    if kind is FieldType.BOOLEAN:
        # struct takes the truth of anything at all for a bool.
        if count == 1:
            return _flag
        return lambda values: [_flag(value) for value in _sized(values, count)]
    if count == 1:
        return lambda value: unpack(pack(value))[0]
    return lambda values: list(unpack(pack(*values)))


def _text(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError
    value.encode()
    return str.__str__(value)


def _flag(value: Any) -> bool:
    if value not in (0, 1):
        raise ValueError
    return bool(value)


def _sized(values: Iterable[Any], count: int) -> list[Any]:
    sized = list(values)
    if len(sized) != count:
        raise ValueError
    return sized


def _misfit(topic: TopicSpec, name: str, value: object) -> str:
    field = next(field for field in topic.fields if field.name == name)
    wanted = _wanted(field.type)
    given = _brief(value)
    if field.count > 1:
        wanted = f"{field.count} values, each {wanted}"
        if isinstance(value, list | tuple) and len(value) != field.count:
            given = f"{len(value)} values"
    return f"{_title(topic)}.{name} must be {wanted}, not {given}"


def _wanted(kind: FieldType) -> str:
    if kind is FieldType.STRING:
        return "text without NUL characters that UTF-8 can encode"
    if kind is FieldType.BOOLEAN:
        return "True or False"
    if kind in _INTEGER_TYPES:
        code = STRUCT_CODES[kind]
        bits = 8 * struct.calcsize("=" + code)
        first, last = (0, 2**bits - 1) if code.isupper() else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        return f"an integer from {first} to {last}"
    return "a number" if kind is FieldType.DOUBLE else "a number of single precision"


def _title(topic: TopicSpec) -> str:
    return f"{topic.component}.{topic.name}"


def _brief(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:190]}... ({len(text)} characters)"
