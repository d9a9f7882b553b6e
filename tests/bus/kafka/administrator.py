# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody who looks after the broker: makes topics, forbids, and looks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any, TypeVar

from confluent_kafka.admin import AdminClient

from lsst.ts.scriptqueue.local_kafka.server import Server

__all__ = ["Administrator"]

T = TypeVar("T")


class Administrator:
    """Asks the broker for something, and waits for the answer; each client ends with its question."""

    def __init__(self, server: Server) -> None:
        self._settings: dict[str, str | int | float | bool] = {"bootstrap.servers": server.broker}

    def ask(self, question: Callable[[AdminClient], Mapping[Any, Future[Any]]]) -> None:
        client = AdminClient(self._settings)
        for future in question(client).values():
            future.result()

    def look(self, question: Callable[[AdminClient], T]) -> T:
        return question(AdminClient(self._settings))
