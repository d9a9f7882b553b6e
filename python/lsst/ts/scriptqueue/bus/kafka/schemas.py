# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The schemas that others write with, each asked for once.

A schema is asked for where it is needed, because that takes only a moment.
If the registry is away, or slow, a thread goes on asking, and whoever needs
the schema is told when it is worth trying again; meanwhile nobody waits.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from ..contract import BusError
from .registry import Registry, RegistryAway

__all__ = ["KnownSchemas"]

logger = logging.getLogger(__name__)

#: How long the one who reads waits for an answer, and how long the thread does (seconds).
_AT_ONCE_S = 1.0
_PATIENTLY_S = 3.0

_TRY_EVERY_S = 0.5
_SAY_EVERY_S = 10.0


class KnownSchemas:
    """The schemas of a registry.

    Parameters
    ----------
    registry
        The registry.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._texts: dict[int, str] = {}
        self._lock = threading.Lock()
        self._wanted: dict[int, list[Callable[[], None]]] = {}
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def text(self, schema_id: int) -> str:
        """Return the text of a schema; may take a second.

        Raises
        ------
        RegistryAway
            If the registry is not there; see `when_known`.
        BusError
            If it has no such schema.
        """
        if schema_id not in self._texts:
            if self._wanted:
                raise RegistryAway("the schema registry is away")
            self._texts[schema_id] = self._registry.schema(schema_id, timeout_s=_AT_ONCE_S)
        return self._texts[schema_id]

    def when_known(self, schema_id: int, call: Callable[[], None]) -> None:
        """Have a function called, in a thread, when the registry has said what it knows of a schema."""
        with self._lock:
            self._wanted.setdefault(schema_id, []).append(call)
            if self._thread is None and not self._closing.is_set():
                self._thread = threading.Thread(target=self._ask, name="kafka-schemas", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """End asking. The thread ends a little later; see `join`."""
        self._closing.set()

    def join(self) -> None:
        """Wait for the end of the thread, if there is one; may take some seconds."""
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join()

    @property
    def is_asking(self) -> bool:
        """Is there a thread?"""
        return self._thread is not None

    def _ask(self) -> None:
        said_at = 0.0
        while True:
            with self._lock:
                schema_id = next(iter(self._wanted), None)
                if schema_id is None or self._closing.is_set():
                    self._thread = None
                    return
            try:
                self._texts[schema_id] = self._registry.schema(schema_id, timeout_s=_PATIENTLY_S)
            except RegistryAway as error:
                if time.monotonic() - said_at >= _SAY_EVERY_S:
                    said_at = time.monotonic()
                    logger.warning("reading waits for schema %d: %s", schema_id, error)
                self._closing.wait(_TRY_EVERY_S)
                continue
            except BusError:
                # There is none; whoever needs it asks again, and hears that.
                pass
            with self._lock:
                calls = self._wanted.pop(schema_id)
            for call in calls:
                call()
