# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""DDS topics and their types, made at run time from a `TopicSpec`.

The topic ``logevent_queue`` of ``ScriptQueue`` is the DDS topic
``ScriptQueue_logevent_queue`` of type ``ScriptQueue::logevent_queue``: a
struct with the fields in order, ``salIndex`` its key. It is appendable: a
reader with an older definition reads a message with more fields and does not
see them, one with a newer definition finds the new fields zero or empty.
"""

from __future__ import annotations

import ctypes

from ..contract import BusError, FieldSpec, FieldType, TopicSpec
from .library import DynamicType, MemberDescriptor, TypeDescriptor, TypeSpec, check, dds
from .sample import SampleFormat

__all__ = ["IDL_NAMES", "create_topic", "idl_of", "topic_name"]

#: Kinds of types, by their numbers in the C interface.
_STRING, _ARRAY, _STRUCTURE = 16, 21, 24
_PRIMITIVES = {
    FieldType.BOOLEAN: 1,
    FieldType.BYTE: 2,
    FieldType.SHORT: 3,
    FieldType.INT: 4,
    FieldType.LONG: 4,
    FieldType.LONG_LONG: 5,
    FieldType.UNSIGNED_SHORT: 6,
    FieldType.UNSIGNED_INT: 7,
    FieldType.FLOAT: 9,
    FieldType.DOUBLE: 10,
}

#: Name of each SAL type in IDL.
IDL_NAMES = {
    FieldType.BOOLEAN: "boolean",
    FieldType.BYTE: "octet",
    FieldType.SHORT: "short",
    FieldType.INT: "long",
    FieldType.LONG: "long",
    FieldType.LONG_LONG: "long long",
    FieldType.UNSIGNED_SHORT: "unsigned short",
    FieldType.UNSIGNED_INT: "unsigned long",
    FieldType.FLOAT: "float",
    FieldType.DOUBLE: "double",
    FieldType.STRING: "string",
}

_DEFINITION, _PRIMITIVE = 1, 2
_APPENDABLE = 1
_NEXT_ID = 0x0F000000
_AT_END = 0xFFFFFFFF
_LOCAL_DOMAIN = 1
_KEY = "salIndex"


def topic_name(topic: TopicSpec) -> str:
    """Return the name of the DDS topic."""
    return f"{topic.component}_{topic.name}"


def create_topic(participant: int, topic: TopicSpec, sample: SampleFormat) -> int:
    """Create the DDS topic for a participant and return its entity.

    Raises
    ------
    BusError
        If DDS refuses the type.
    """
    name = topic_name(topic)
    structure = _define(participant, topic)
    information = ctypes.c_void_p()
    descriptor = ctypes.c_void_p()
    try:
        check(dds.dds_dynamic_type_register(structure, ctypes.byref(information)), f"register {name}")
        check(
            dds.dds_create_topic_descriptor(
                _LOCAL_DOMAIN, participant, information, 0, ctypes.byref(descriptor)
            ),
            f"describe {name}",
        )
        size = ctypes.cast(descriptor, ctypes.POINTER(ctypes.c_uint32))[0]
        if size != sample.size:
            raise BusError(f"{name}: DDS lays its struct out in {size} bytes, expected were {sample.size}")
        return check(
            dds.dds_create_topic(participant, descriptor, name.encode(), None, None),
            f"create topic {name} (is it in use with other fields?)",
        )
    finally:
        if descriptor:
            dds.dds_delete_topic_descriptor(descriptor)
        if information:
            dds.dds_free_typeinfo(information)
        dds.dds_dynamic_type_unref(structure)


def idl_of(topics: list[TopicSpec]) -> str:
    """Return the IDL of topics, for clients that bring their own bindings."""
    lines: list[str] = []
    for topic in topics:
        lines += [f"module {topic.component} {{", "  @appendable", f"  struct {topic.name} {{"]
        for field in topic.fields:
            key = "@key " if field.name == _KEY else ""
            length = f"[{field.count}]" if field.count > 1 else ""
            lines.append(f"    {key}{IDL_NAMES[field.type]} {field.name}{length};")
        lines += ["  };", "};", ""]
    return "\n".join(lines)


def _define(participant: int, topic: TopicSpec) -> DynamicType:
    type_name = f"{topic.component}::{topic.name}"
    structure = _create(participant, TypeDescriptor(kind=_STRUCTURE, name=type_name.encode()), type_name)
    reference = ctypes.byref(structure)
    check(dds.dds_dynamic_type_set_extensibility(reference, _APPENDABLE), f"extend {type_name}")
    for field in topic.fields:
        member = MemberDescriptor(
            name=field.name.encode(), id=_NEXT_ID, type=_spec(participant, type_name, field), index=_AT_END
        )
        check(dds.dds_dynamic_type_add_member(reference, member), f"add {field.name} to {type_name}")
        if field.name == _KEY:
            number = topic.fields.index(field)
            check(dds.dds_dynamic_member_set_key(reference, number, True), f"key {type_name}")
    return structure


def _spec(participant: int, type_name: str, field: FieldSpec) -> TypeSpec:
    if field.type is FieldType.STRING:
        return TypeSpec(_DEFINITION, _create(participant, TypeDescriptor(kind=_STRING), field.name))
    element = TypeSpec(kind=_PRIMITIVE)
    element.type.x[0] = _PRIMITIVES[field.type]
    if field.count == 1:
        return element
    bound = ctypes.c_uint32(field.count)
    descriptor = TypeDescriptor(
        kind=_ARRAY,
        name=f"{type_name}_{field.name}".encode(),
        num_bounds=1,
        bounds=ctypes.pointer(bound),
        element_type=element,
    )
    return TypeSpec(_DEFINITION, _create(participant, descriptor, field.name))


def _create(participant: int, descriptor: TypeDescriptor, name: str) -> DynamicType:
    created: DynamicType = dds.dds_dynamic_type_create(participant, descriptor)
    check(created.ret, f"make the type of {name}")
    return created
