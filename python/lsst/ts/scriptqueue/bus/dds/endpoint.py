# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose a reader or writer is that was found.

Our links mark their endpoints with a token. Of endpoints that are not ours
the participant they belong to has to do.
"""

from __future__ import annotations

import ctypes
from typing import Any

from .library import dds

__all__ = ["address_of_client", "guid_of", "user_data_of"]


def user_data_of(qos: int | None) -> bytes:
    """Return the user data in a QoS; empty if there are none."""
    value = ctypes.c_void_p()
    size = ctypes.c_size_t()
    if not qos or not dds.dds_qget_userdata(qos, ctypes.byref(value), ctypes.byref(size)):
        return b""
    try:
        return ctypes.string_at(value, size.value) if value else b""
    finally:
        dds.dds_free(value)


def guid_of(endpoint: Any) -> bytes:
    """Return the GUID of an endpoint, and free it; empty if it has gone."""
    if not endpoint:
        return b""
    try:
        return bytes(endpoint.contents.key)
    finally:
        dds.dds_builtintopic_free_endpoint(endpoint)


def address_of_client(endpoint: Any) -> bytes:
    """Return whose an endpoint is, and free it; empty if it has gone."""
    if not endpoint:
        return b""
    try:
        return user_data_of(endpoint.contents.qos) or bytes(endpoint.contents.participant_key)
    finally:
        dds.dds_builtintopic_free_endpoint(endpoint)
