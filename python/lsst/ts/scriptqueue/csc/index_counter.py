# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last script index given, kept in a file of its own beside the journal.

It counts where the journal is new, or could not be read back as a whole: a
script that it has forgotten still hears commands for its index, and a new
script must not be given the same one.
"""

from __future__ import annotations

import asyncio
import logging
import pathlib

from ..core.indices import INDICES_PER_QUEUE

__all__ = ["IndexCounter"]


class IndexCounter:
    """Remembers the last index.

    Parameters
    ----------
    path
        The file.
    log
        Where it is said that the file cannot be used.
    """

    def __init__(self, path: pathlib.Path, log: logging.Logger) -> None:
        self._path = path
        self._log = log
        self._lock = asyncio.Lock()
        self.last = self._read()

    async def note(self, index: int) -> None:
        """Remember an index that was given."""
        # The later members of a block have lower indices than who was added in
        # between; only where the indices have wrapped is a much lower one the last.
        if self.last - INDICES_PER_QUEUE // 2 < index <= self.last:
            return
        self.last = index
        async with self._lock:
            try:
                await asyncio.to_thread(self._write)
            except OSError as error:
                self._log.warning("%s cannot be written, so indices may start over: %s", self._path, error)

    def _read(self) -> int:
        try:
            return int(self._path.read_text())
        except FileNotFoundError:
            return 0
        except (OSError, ValueError) as error:
            self._log.warning("%s cannot be used, so indices start over: %s", self._path, error)
            return 0

    def _write(self) -> None:
        beside = self._path.with_suffix(".new")
        beside.write_text(f"{self.last}\n")
        beside.replace(self._path)
