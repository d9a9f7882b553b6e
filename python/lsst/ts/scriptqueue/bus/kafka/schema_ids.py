# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ids of the schemas that this process writes with. Every call blocks: for threads."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import TypeVar

from .handed_down import VARIABLE, ids_handed_down
from .registry import Registry

__all__ = ["SchemaIds", "by_subject"]

logger = logging.getLogger(__name__)

T = TypeVar("T")


class SchemaIds:
    """Finds the ids of schemas: those handed down are checked, others registered.

    One of those handed down, not always the same, is looked up. If the
    registry knows it under another id, or not at all, it is not the registry
    that it was, and nothing of what was handed down counts.

    Parameters
    ----------
    registry
        The registry.
    url
        Its URL.
    value
        What was handed down.
    """

    def __init__(self, registry: Registry, url: str, value: str) -> None:
        self._registry = registry
        self._url = url
        self._value = value

    def find(self, written: Mapping[str, str], read: Mapping[str, str], timeout_s: float) -> dict[str, int]:
        """Return ids by the broker's name of the topic.

        Parameters
        ----------
        written
            Text by topic; each is found.
        read
            The same; those that were handed down are found.
        timeout_s
            How long to wait for each step of an answer.

        Raises
        ------
        RegistryAway
            If the registry does not answer.
        BusError
            If it refuses one.
        """
        schemas = by_subject({**read, **written})
        known = ids_handed_down(self._value, self._url, schemas) if self._value else {}
        if known:
            # Each process tries another one.
            subject = sorted(known)[os.getpid() % len(known)]
            if self._registry.id_of(subject, schemas[subject], timeout_s) != known[subject]:
                logger.warning("the schema registry has changed: what %s says does not count", VARIABLE)
                self._value, known = "", {}
        ids = _by_topic(known)
        left = {name: text for name, text in written.items() if name not in ids}
        return ids | (self.register(left, timeout_s) if left else {})

    def register(self, schemas: Mapping[str, str], timeout_s: float) -> dict[str, int]:
        """Register schemas, as `find` but whatever was handed down."""
        return _by_topic(self._registry.register(by_subject(schemas), timeout_s))


def by_subject(topics: Mapping[str, T]) -> dict[str, T]:
    """Return by the registry's subject what is known by topic."""
    return {f"{name}-value": known for name, known in topics.items()}


def _by_topic(ids: Mapping[str, int]) -> dict[str, int]:
    return {subject.removesuffix("-value"): number for subject, number in ids.items()}
