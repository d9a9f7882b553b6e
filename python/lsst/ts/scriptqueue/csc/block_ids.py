# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ids of block executions, and a counter of our own that gives them where no
image name service is configured.
"""

from __future__ import annotations

import asyncio
import datetime
import json
import logging
import os
import pathlib
import re
from collections.abc import Callable
from typing import Protocol

__all__ = ["BlockIdError", "BlockIds", "LocalBlockIds", "day_obs", "source_and_number"]


class BlockIdError(RuntimeError):
    """No id is to be had; the text says why."""


class BlockIds(Protocol):
    """Gives ids to executions of blocks."""

    async def give(self, block: str) -> str:
        """The id of a new execution of a block, or raise `BlockIdError`."""
        ...


def day_obs(utc: datetime.datetime) -> str:
    """The observing day, as yyyymmdd: the UTC date of 12 hours ago."""
    return f"{utc - datetime.timedelta(hours=12):%Y%m%d}"


def source_and_number(block: str) -> tuple[str, str]:
    """Split a block's name into the two things the name service asks for."""
    found = re.fullmatch(r"BLOCK-(T?)(\d+)", block)
    if found is None:
        raise BlockIdError(f"{block!r} is not the name of a block: that is BLOCK-<number> or BLOCK-T<number>")
    return ("BlockT" if found[1] else "Block"), found[2]


class LocalBlockIds:
    """Counts by itself, in a file, where there is no service.

    Parameters
    ----------
    path
        The file of the counters.
    utc_now
        The clock.
    log
        Where it is said that these ids are local.
    """

    def __init__(
        self, path: pathlib.Path, utc_now: Callable[[], datetime.datetime], log: logging.Logger
    ) -> None:
        self._path = path
        self._utc_now = utc_now
        self._log = log
        self._lock = asyncio.Lock()

    async def give(self, block: str) -> str:
        source, number = source_and_number(block)
        prefix = {"Block": "BL", "BlockT": "BT"}[source]
        day = day_obs(self._utc_now())
        async with self._lock:
            try:
                count = await asyncio.to_thread(self._count, f"{prefix}{number}", day)
            except (OSError, ValueError) as error:
                raise BlockIdError(f"the counter in {self._path} does not work: {error}") from None
        block_id = f"{prefix}{number}_O_{day}_{count:06d}"
        self._log.warning(
            "No image name service (IMAGE_SERVER_URL) is configured: %s is a local id", block_id
        )
        return block_id

    def _count(self, name: str, day: str) -> int:
        counters: dict[str, dict[str, int]] = {}
        if self._path.exists():
            counters = json.loads(self._path.read_text())
        count = counters.get(day, {}).get(name, 0) + 1
        # Earlier days are over: their counters are of no use any more.
        today = {day: {**counters.get(day, {}), name: count}}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        beside = self._path.with_suffix(".new")
        with beside.open("w") as file:
            json.dump(today, file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)
        return count
