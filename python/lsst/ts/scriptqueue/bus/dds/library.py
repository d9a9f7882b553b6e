# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cyclone DDS, by its C interface.

The ``cyclonedds`` wheel brings the library ``libddsc`` and a Python layer on
top of it. A script cannot afford that layer: importing it and building the
types of 18 topics take 130 ms of CPU, the same through the C interface 6 ms.
So only the library is loaded here, and exactly the functions that the other
files of this room call are declared, as its public headers of version 11
declare them.

Entities are plain integers that the library checks on each call: one that has
been deleted gives an error code and never a crash. Their order of deletion is
therefore ours, and no garbage collector's.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from ctypes import POINTER, c_bool, c_char_p, c_int, c_int32, c_int64, c_size_t, c_uint32, c_uint64, c_void_p
from importlib.machinery import PathFinder
from typing import Any

from ..contract import BusError

__all__ = [
    "ALIVE",
    "DATA_AVAILABLE",
    "FOREVER",
    "PUBLICATION_MATCHED",
    "TIMED_OUT",
    "BuiltinEndpoint",
    "BuiltinParticipant",
    "DynamicType",
    "MatchedStatus",
    "MemberDescriptor",
    "SampleInfo",
    "TypeDescriptor",
    "TypeSpec",
    "check",
    "dds",
]

#: Bits of a status mask.
DATA_AVAILABLE = 1 << 8
PUBLICATION_MATCHED = 1 << 11

#: Instance state of whoever has not gone.
ALIVE = 16

#: Code returned when a write was not taken in time.
TIMED_OUT = -10

#: A duration without end, in ns.
FOREVER = 2**63 - 1


class SampleInfo(ctypes.Structure):
    """What comes with each sample taken."""

    _fields_ = [
        ("sample_state", c_int),
        ("view_state", c_int),
        ("instance_state", c_int),
        ("valid_data", c_bool),
        ("source_timestamp", c_int64),
        ("instance_handle", c_uint64),
        ("publication_handle", c_uint64),
        ("disposed_generation_count", c_uint32),
        ("no_writers_generation_count", c_uint32),
        ("sample_rank", c_uint32),
        ("generation_rank", c_uint32),
        ("absolute_generation_rank", c_uint32),
    ]


class MatchedStatus(ctypes.Structure):
    """How many readers a writer has found."""

    _fields_ = [
        ("total_count", c_uint32),
        ("total_count_change", c_int32),
        ("current_count", c_uint32),
        ("current_count_change", c_int32),
        ("last_handle", c_uint64),
    ]


class BuiltinParticipant(ctypes.Structure):
    """A participant, as the built-in topic tells of it."""

    _fields_ = [("key", ctypes.c_uint8 * 16), ("qos", c_void_p)]


class BuiltinEndpoint(ctypes.Structure):
    """A matched reader or writer."""

    _fields_ = [
        ("key", ctypes.c_uint8 * 16),
        ("participant_key", ctypes.c_uint8 * 16),
        ("participant_instance_handle", c_uint64),
        ("topic_name", c_char_p),
        ("type_name", c_char_p),
        ("qos", c_void_p),
    ]


class DynamicType(ctypes.Structure):
    """A type under construction."""

    _fields_ = [("x", c_void_p * 2), ("ret", c_int32)]


class TypeSpec(ctypes.Structure):
    """A type, or the number of a primitive one.

    The second field is a union in C. ctypes cannot pass unions by value, so
    its larger member is declared; a primitive's number goes to ``type.x[0]``.
    """

    _fields_ = [("kind", c_int), ("type", DynamicType)]


class TypeDescriptor(ctypes.Structure):
    """What a type is made from."""

    _fields_ = [
        ("kind", c_int),
        ("name", c_char_p),
        ("base_type", TypeSpec),
        ("discriminator_type", TypeSpec),
        ("num_bounds", c_uint32),
        ("bounds", POINTER(c_uint32)),
        ("element_type", TypeSpec),
        ("key_element_type", TypeSpec),
    ]


class MemberDescriptor(ctypes.Structure):
    """What a member of a struct is made from."""

    _fields_ = [
        ("name", c_char_p),
        ("id", c_uint32),
        ("type", TypeSpec),
        ("default_value", c_char_p),
        ("index", c_uint32),
        ("num_labels", c_uint32),
        ("labels", c_void_p),
        ("default_label", c_bool),
    ]


_entity = c_int32
_code = c_int32

_FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "dds_create_domain": (_entity, (c_uint32, c_char_p)),
    "dds_create_guardcondition": (_entity, (_entity,)),
    "dds_create_participant": (_entity, (c_uint32, c_void_p, c_void_p)),
    "dds_create_qos": (c_void_p, ()),
    "dds_create_reader": (_entity, (_entity, _entity, c_void_p, c_void_p)),
    "dds_create_topic": (_entity, (_entity, c_void_p, c_char_p, c_void_p, c_void_p)),
    "dds_create_topic_descriptor": (_code, (c_int, _entity, c_void_p, c_int64, POINTER(c_void_p))),
    "dds_create_waitset": (_entity, (_entity,)),
    "dds_create_writer": (_entity, (_entity, _entity, c_void_p, c_void_p)),
    "dds_builtintopic_free_endpoint": (None, (c_void_p,)),
    "dds_delete": (_code, (_entity,)),
    "dds_delete_qos": (None, (c_void_p,)),
    "dds_delete_topic_descriptor": (_code, (c_void_p,)),
    "dds_dispose": (_code, (_entity, c_void_p)),
    "dds_dynamic_member_set_key": (_code, (POINTER(DynamicType), c_uint32, c_bool)),
    "dds_dynamic_type_add_member": (_code, (POINTER(DynamicType), MemberDescriptor)),
    "dds_dynamic_type_create": (DynamicType, (_entity, TypeDescriptor)),
    "dds_dynamic_type_register": (_code, (POINTER(DynamicType), POINTER(c_void_p))),
    "dds_dynamic_type_set_extensibility": (_code, (POINTER(DynamicType), c_int)),
    "dds_dynamic_type_unref": (_code, (POINTER(DynamicType),)),
    "dds_free": (None, (c_void_p,)),
    "dds_free_typeinfo": (_code, (c_void_p,)),
    "dds_get_log_mask": (c_uint32, ()),
    "dds_get_matched_publication_data": (POINTER(BuiltinEndpoint), (_entity, c_uint64)),
    "dds_get_matched_subscription_data": (POINTER(BuiltinEndpoint), (_entity, c_uint64)),
    "dds_get_matched_subscriptions": (_code, (_entity, POINTER(c_uint64), c_size_t)),
    "dds_get_publication_matched_status": (_code, (_entity, POINTER(MatchedStatus))),
    "dds_qget_userdata": (c_bool, (c_void_p, POINTER(c_void_p), POINTER(c_size_t))),
    "dds_qset_durability": (None, (c_void_p, c_int)),
    "dds_qset_durability_service": (None, (c_void_p, c_int64, c_int, c_int32, c_int32, c_int32, c_int32)),
    "dds_qset_history": (None, (c_void_p, c_int, c_int32)),
    "dds_qset_partition1": (None, (c_void_p, c_char_p)),
    "dds_qset_reliability": (None, (c_void_p, c_int, c_int64)),
    "dds_qset_userdata": (None, (c_void_p, c_char_p, c_size_t)),
    "dds_qset_writer_data_lifecycle": (None, (c_void_p, c_bool)),
    "dds_return_loan": (_code, (_entity, POINTER(c_void_p), c_int32)),
    "dds_set_guardcondition": (_code, (_entity, c_bool)),
    "dds_set_log_mask": (None, (c_uint32,)),
    "dds_set_status_mask": (_code, (_entity, c_uint32)),
    "dds_strretcode": (c_char_p, (_code,)),
    "dds_take": (_code, (_entity, POINTER(c_void_p), POINTER(SampleInfo), c_size_t, c_uint32)),
    "dds_take_guardcondition": (_code, (_entity, POINTER(c_bool))),
    "dds_wait_for_acks": (_code, (_entity, c_int64)),
    "dds_waitset_attach": (_code, (_entity, _entity, c_void_p)),
    "dds_waitset_wait": (_code, (_entity, POINTER(c_void_p), c_size_t, c_int64)),
    "dds_write_ts": (_code, (_entity, c_void_p, c_int64)),
}


class _Library:
    """The functions, each declared at its first use."""

    def __init__(self) -> None:
        self._loaded: ctypes.CDLL | None = None

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if self._loaded is None:
            self._loaded = _load()
        result, arguments = _FUNCTIONS[name]
        function = getattr(self._loaded, name)
        function.restype = result
        function.argtypes = arguments
        setattr(self, name, function)
        return function  # type: ignore[no-any-return]


def _load() -> ctypes.CDLL:
    spec = PathFinder.find_spec("cyclonedds")
    if spec is None or spec.origin is None:
        raise BusError("Cyclone DDS is not installed; pip install 'cyclonedds>=11.0.1,<12'")
    package = os.path.dirname(spec.origin)
    for folder in (
        os.path.join(os.path.dirname(package), "cyclonedds.libs"),
        os.path.join(package, ".dylibs"),
    ):
        for name in os.listdir(folder) if os.path.isdir(folder) else ():
            if name.startswith("libddsc"):
                return _open(os.path.join(folder, name))
    raise BusError(f"the cyclonedds in {package} brings no libddsc; install its wheel")


def _open(path: str) -> ctypes.CDLL:
    try:
        return ctypes.CDLL(path)
    except OSError as error:
        raise BusError(f"Cyclone DDS cannot be loaded from {path}: {error}") from error


#: ``dds.dds_write_ts(...)`` calls that function of the library.
dds = _Library()


def check(code: int, doing: str) -> int:
    """Return what a function returned, unless it is an error.

    Raises
    ------
    BusError
        If it is; ``doing`` says what was attempted.
    """
    if code < 0:
        raise BusError(f"DDS refuses to {doing}: {dds.dds_strretcode(code).decode()}")
    return code
