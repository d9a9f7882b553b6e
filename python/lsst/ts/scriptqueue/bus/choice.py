# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which bus a process uses: by argument, else by environment, else DDS.

An implementation is imported only when it is chosen; a script pays for one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from .contract import Bus, BusError

__all__ = ["BUS_KINDS", "connect", "usual_kind"]

#: The names a bus is chosen by, for a command line's choices.
BUS_KINDS: tuple[str, ...] = ("dds", "kafka", "memory")


def usual_kind(environ: Mapping[str, str] = os.environ) -> str:
    """Return the bus that an environment asks for: ``kafka`` when it names a broker, else ``dds``."""
    return "kafka" if environ.get("LSST_KAFKA_BROKER_ADDR") else "dds"


def connect(kind: str | None = None, environ: Mapping[str, str] = os.environ, *, leaf: bool = False) -> Bus:
    """Return a bus; nothing is connected before its first ``open``.

    Parameters
    ----------
    kind
        One of `BUS_KINDS`. If None, the `usual_kind`.
    environ
        Where settings are read from.
    leaf
        True for a script, of which there may be hundreds: it finds the queue
        and the clients, and no other script.

    Raises
    ------
    BusError
        If there is no such bus.
    """
    if kind is None:
        kind = usual_kind(environ)
    if kind == "dds":
        from .dds import DdsBus

        return DdsBus(role="leaf" if leaf else "hub", environ=environ)
    if kind == "memory":
        from .memory import MemoryBus, process_broker

        return MemoryBus(process_broker())
    if kind == "kafka":
        from .kafka import KafkaBus

        return KafkaBus(environ, leaf=leaf)
    raise BusError(f"no bus {kind!r}; there are {', '.join(BUS_KINDS)}")
