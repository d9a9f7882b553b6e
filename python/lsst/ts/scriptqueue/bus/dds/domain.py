# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The DDS domains this process has joined.

A domain is configured once per process: several buses of one process share
it, and the last to leave closes it.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from ..contract import BusError
from .discovery import HUB_PLACES, Role, Settings, configuration, count_taken
from .library import dds

__all__ = ["join", "leave"]


@dataclass(slots=True)
class _Joined:
    entity: int
    role: Role
    uri: str
    users: int = 1


_joined: dict[int, _Joined] = {}
_lock = threading.Lock()


def join(settings: Settings, role: Role) -> Role:
    """Join a domain, or become one more user of it.

    Returns
    -------
    Role
        The role of this process, which its first bus has chosen.

    Raises
    ------
    BusError
        If this process is in it already in another way, there is no place
        left, or Cyclone DDS refuses its configuration.
    """
    with _lock:
        known = _joined.get(settings.domain)
        if known is None:
            _joined[settings.domain] = _Joined(_create(settings, role), role, settings.uri)
            return role
        if known.uri != settings.uri or (known.role == "leaf" and role == "hub"):
            raise BusError(
                f"this process is in DDS domain {settings.domain} already, as a {known.role}"
                f" with CYCLONEDDS_URI={known.uri!r}; connect with the same, or hubs before leaves"
            )
        known.users += 1
        return known.role


def leave(domain: int) -> None:
    """Give up one use of a domain; may block for some milliseconds."""
    with _lock:
        _joined[domain].users -= 1
        if not _joined[domain].users:
            dds.dds_delete(_joined.pop(domain).entity)


def _create(settings: Settings, role: Role) -> int:
    if settings.uri:
        entity: int = dds.dds_create_domain(settings.domain, settings.uri.encode())
        if entity < 0:
            raise BusError(f"Cyclone DDS does not accept CYCLONEDDS_URI={settings.uri!r}")
        return entity
    if role == "hub" and count_taken("hub", settings.domain) == HUB_PLACES:
        raise BusError(_no_place(settings.domain))
    entity = -1
    if role == "leaf":
        entity = _create_silently(settings.domain, configuration(role, settings.domain))
    if entity < 0:
        text = configuration(role, settings.domain, with_place=role == "hub")
        entity = dds.dds_create_domain(settings.domain, text.encode())
    if entity >= 0:
        return entity
    if role == "hub" and count_taken("hub", settings.domain) == HUB_PLACES:
        raise BusError(_no_place(settings.domain))
    raise BusError(f"Cyclone DDS cannot join domain {settings.domain}: {dds.dds_strretcode(entity).decode()}")


def _create_silently(domain: int, text: str) -> int:
    # That a leaf finds no place is foreseen, so it must not be reported as an error.
    mask = dds.dds_get_log_mask()
    dds.dds_set_log_mask(0)
    try:
        entity: int = dds.dds_create_domain(domain, text.encode())
        return entity
    finally:
        dds.dds_set_log_mask(mask)


def _no_place(domain: int) -> str:
    return (
        f"all {HUB_PLACES} places for queues and clients in DDS domain {domain} on this machine are taken;"
        " end a client, or choose another domain with LSST_DDS_DOMAIN_ID"
    )
